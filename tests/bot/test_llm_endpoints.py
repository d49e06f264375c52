"""What happens when an endpoint fails: before its first word, after it, and again and again."""

import asyncio
from contextlib import aclosing

import pytest
from loguru import logger

from bot.errors import ModelFailed
from bot.llm.endpoint import Endpoint, Patience
from bot.llm.model import ASKED_LAST_S, LanguageModel
from ivr_flows.dialogue import Message
from tests.llm_peer import (
    CallPart,
    Cut,
    Finish,
    Hang,
    HttpError,
    Page,
    Pause,
    Raw,
    Text,
    Turn,
    llm_peer,
    says,
)
from tests.llm_replies import (
    HELLO,
    LOOK_UP,
    PATIENT,
    QUICK,
    Clock,
    end_of,
    ended,
    endpoint,
    model_of,
    replied,
    text_of,
)

KEY = "sk-canary-0123456789abcdef0123456789"

# An endpoint fails: the next one takes the same turn

BEFORE_THE_FIRST_WORD: dict[str, tuple[Turn, str]] = {
    "400": ([HttpError(400, "context too long")], "HTTP 400: "),
    "401": ([HttpError(401, "bad key")], "HTTP 401: "),
    "404": ([HttpError(404, "no such model")], "HTTP 404: "),
    "429": ([HttpError(429, "slow down")], "HTTP 429: "),
    "500": ([HttpError(500)], "HTTP 500: "),
    "503": ([HttpError(503)], "HTTP 503: "),
    "silence": ([Hang()], "no word within 0.4 s"),
    "headers and silence": ([Pause(0), Hang()], "no word within 0.4 s"),
    "empty pieces": ([Text(""), Text(""), Hang()], "no word within 0.4 s"),
    "torn down": ([Cut()], "no connection"),
    "torn down in a tool call": ([CallPart(0, "a", "look_up", '{"n"'), Cut()], "no connection"),
    "ends at once": ([Finish("stop")], "an empty reply (stop)"),
    "only spaces": (says("  "), "an empty reply (stop)"),
    "refused by a filter": ([Finish("content_filter")], "an empty reply (content_filter)"),
    "a nameless call": ([CallPart(0, "a", None, "{}")], "an empty reply (tool_calls)"),
    "no finish": ([Raw("data: [DONE]\n\n"), Cut()], "ended without a reply"),
    "a web page": ([Page()], "ended without a reply"),
    "JSON in place of a stream": ([Page('{"choices": []}', "application/json")], "ended without"),
    "no JSON": ([Raw("data: {not json\n\n")], "sent what can't be read"),
    "a number": ([Raw("data: 5\n\n"), Hang()], ""),
    "a list": ([Raw("data: []\n\n"), Hang()], ""),
    "null": ([Raw("data: null\n\n"), Hang()], ""),
    "wrong shapes": (
        [Raw('data: {"choices": [{"delta": {"content": 7, "tool_calls": "x"}}]}\n\n'), Hang()],
        "",
    ),
    "choices of another kind": ([Raw('data: {"choices": {"a": 1}}\n\n'), Hang()], ""),
    "calls of another kind": (
        [Raw('data: {"choices": [{"delta": {"tool_calls": [1, null, {}]}}]}\n\n'), Hang()],
        "",
    ),
    "bytes that are no text": (
        [Raw("data: \ud800".encode("utf-8", "replace").decode()), Cut()],
        "",
    ),
    "an error in the stream": (
        [Raw('data: {"error": {"message": "out of memory"}}\n\n')],
        "reports an error: out of memory",
    ),
}


@pytest.mark.parametrize("name", BEFORE_THE_FIRST_WORD)
async def test_the_next_endpoint_takes_the_turn_of_one_that_fails_before_its_first_word(
    name: str,
) -> None:
    turn, why = BEFORE_THE_FIRST_WORD[name]
    patience = QUICK if any(isinstance(step, Hang) for step in turn) else PATIENT
    async with (
        llm_peer(turn) as peer,
        llm_peer(says("Good day.")) as other,
        model_of(endpoint(peer, patience=patience), endpoint(other, "second")) as model,
    ):
        pieces = await replied(model, tools=[LOOK_UP])
        assert other.asked[0].body["messages"] == peer.asked[0].body["messages"]
    assert text_of(pieces).strip() == "Good day."
    end = end_of(pieces)
    assert end.endpoint == "second"
    assert end.failed[0].startswith(f"first: {why}")


async def test_an_endpoint_that_nobody_listens_at_is_passed_over() -> None:
    async with llm_peer() as gone:
        pass
    async with (
        llm_peer(says("Good day.")) as other,
        model_of(endpoint(gone), endpoint(other, "second")) as model,
    ):
        assert end_of(await replied(model)).failed[0].startswith("first: no connection")


async def test_when_all_fail_each_reason_is_told() -> None:
    async with (
        llm_peer([HttpError(500, "oops")]) as peer,
        llm_peer([Hang()]) as other,
        model_of(endpoint(peer), endpoint(other, "second", QUICK)) as model,
    ):
        with pytest.raises(ModelFailed) as raised:
            await replied(model)
    assert "first: HTTP 500" in str(raised.value)
    assert "second: no word within 0.4 s" in str(raised.value)
    assert raised.value.given == ""


AFTER_THE_FIRST_WORD: dict[str, Turn] = {
    "cut": [Text("Your order is "), Cut()],
    "silent": [Text("Your order is "), Hang()],
    "no JSON": [Text("Your order is "), Raw("data: {oops\n\n")],
    "no end": [Text("Your order is "), Raw("data: [DONE]\n\n"), Cut()],
    "an error": [Text("Your order is "), Raw('data: {"error": {"message": "gone"}}\n\n')],
}


@pytest.mark.parametrize("name", AFTER_THE_FIRST_WORD)
async def test_a_reply_that_breaks_off_says_what_was_given_and_nobody_takes_over(
    name: str,
) -> None:
    patience = Patience(first_token_s=20, idle_s=0.4 if name == "silent" else 20)
    async with (
        llm_peer(AFTER_THE_FIRST_WORD[name]) as peer,
        llm_peer(says("Good day.")) as other,
        model_of(endpoint(peer, patience=patience), endpoint(other, "second")) as model,
    ):
        with pytest.raises(ModelFailed) as raised:
            await replied(model)
        assert other.asked == []
    assert raised.value.given == "Your order is "


async def test_after_a_reply_that_broke_off_the_next_turns_are_asked_of_the_other() -> None:
    clock = Clock()
    cut: Turn = [Text("Well, I "), Cut()]
    async with (
        llm_peer(cut, says("Back.")) as peer,
        llm_peer(*[says("Fine.")] * 2, [HttpError(500)]) as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        with pytest.raises(ModelFailed):
            await replied(model)
        for _ in range(2):
            end = end_of(await replied(model))
            assert (end.endpoint, end.failed) == ("second", ())
        assert end_of(await replied(model)).endpoint == "first"  # asked last, but asked
        clock.now_s += ASKED_LAST_S + 0.1
        peer.turns.append(says("First again."))
        assert end_of(await replied(model)).endpoint == "first"


async def test_an_endpoint_that_breaks_every_reply_off_is_left_out() -> None:
    clock = Clock()
    cut: Turn = [Text("Well, I "), Cut()]
    async with (
        llm_peer(*[cut] * 4) as peer,
        llm_peer(*[says("Fine.")] * 4) as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        for _ in range(2):
            with pytest.raises(ModelFailed):
                await replied(model)
            clock.now_s += ASKED_LAST_S + 0.1
        left_out = end_of(await replied(model)).failed
        assert left_out == ("first: left out, for it failed lately",)


async def test_an_endpoint_on_trial_that_is_interrupted_is_no_longer_on_trial() -> None:
    clock = Clock()
    async with (
        llm_peer([HttpError(401)], [Text("Well, I "), Hang()], says("Back.")) as peer,
        llm_peer(says("Fine.")) as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        await replied(model)
        clock.now_s += 15.1
        async with aclosing(model.reply(HELLO, max_tokens=9)) as pieces:
            await anext(pieces)
        assert end_of(await replied(model)).endpoint == "first"


async def test_blanks_are_no_first_word() -> None:
    drip: Turn = [step for _ in range(30) for step in (Text(" \n"), Pause(0.2))]
    async with (
        llm_peer(drip) as peer,
        llm_peer(says("Good day.")) as other,
        model_of(endpoint(peer, patience=QUICK), endpoint(other, "second")) as model,
    ):
        end = end_of(await replied(model))
    assert end.failed == ("first: no word within 0.4 s",)


async def test_blanks_behind_the_words_are_silence() -> None:
    drip: Turn = [step for _ in range(30) for step in (Text(" "), Pause(0.2))]
    patience = Patience(first_token_s=20, idle_s=0.5)
    async with (
        llm_peer([Text("Well"), *drip]) as peer,
        model_of(endpoint(peer, patience=patience)) as model,
    ):
        with pytest.raises(ModelFailed, match=r"fell silent for 0\.5 s"):
            await replied(model)


async def test_a_reply_that_drips_has_an_end() -> None:
    patience = Patience(first_token_s=20, idle_s=20, whole_s=0.5, token_s=0.01)
    async with (
        llm_peer(says("a b c d e f g h i j k l m n", every_s=0.2)) as peer,
        model_of(endpoint(peer, patience=patience)) as model,
    ):
        with pytest.raises(ModelFailed, match=r"no whole reply within 0\.5 s") as raised:
            await replied(model, max_tokens=50)
    assert raised.value.given.startswith("a ")


def test_a_long_reply_may_take_longer() -> None:
    assert Patience().reply_s(50) == 20
    assert Patience().reply_s(400) == 100


async def test_a_slow_stream_is_not_late_while_words_keep_coming() -> None:
    patience = Patience(first_token_s=20, idle_s=1.2)
    async with (
        llm_peer(says("a b c d e f", every_s=0.3)) as peer,
        model_of(endpoint(peer, patience=patience)) as model,
    ):
        assert text_of(await replied(model)) == "a b c d e f"


async def test_a_server_that_forgets_its_limit_is_stopped() -> None:
    endless = [Text("word " * 50)] * 200
    async with llm_peer([*endless, Hang()]) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, max_tokens=20)
        await ended(peer.asked[0])
    assert len(text_of(pieces)) < 1500
    assert end_of(pieces).finish_reason == "length"


async def test_a_whole_reply_is_whole_whatever_follows_it() -> None:
    finish = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
    for rest in ([Cut()], [Hang()], [Raw("data: {oops\n\n")]):
        turn = [*says("Good day."), Raw(f"data: {finish}\n\n"), *rest]
        async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
            pieces = await replied(model)
            assert text_of(pieces) == "Good day."
            assert end_of(pieces).prompt_tokens is None


# The breaker


async def test_an_endpoint_that_failed_twice_is_left_out_and_tried_again_later() -> None:
    clock = Clock()
    async with (
        llm_peer([HttpError(500)], [HttpError(500)], says("Back.")) as peer,
        llm_peer(*[says("Here.")] * 3) as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        for _ in range(3):
            assert end_of(await replied(model)).endpoint == "second"
        assert len(peer.asked) == 2
        clock.now_s += 15.1
        assert end_of(await replied(model)).endpoint == "first"


async def test_a_rate_limit_is_respected_for_as_long_as_the_server_asked() -> None:
    clock = Clock()
    limited = HttpError(429, headers=(("Retry-After", "40"),))
    async with (
        llm_peer([limited], says("Back.")) as peer,
        llm_peer(*[says("Here.")] * 3) as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        await replied(model)
        clock.now_s += 39
        left_out = end_of(await replied(model)).failed
        assert left_out == ("first: left out, for it failed lately",)
        clock.now_s += 2
        assert end_of(await replied(model)).endpoint == "first"


async def test_a_request_that_is_wrong_itself_leaves_the_endpoint_to_others() -> None:
    bad = [HttpError(400, "context too long")]
    async with (
        llm_peer(bad, bad, bad, says("Still here.")) as peer,
        llm_peer(*[says("Here.")] * 3) as other,
        model_of(endpoint(peer), endpoint(other, "second")) as model,
    ):
        for _ in range(3):
            await replied(model)
        assert end_of(await replied(model)).endpoint == "first"


async def test_a_wrong_key_is_not_shown_again_and_again() -> None:
    async with (
        llm_peer([HttpError(401)]) as peer,
        llm_peer(*[says("Here.")] * 2) as other,
        model_of(endpoint(peer), endpoint(other, "second")) as model,
    ):
        await replied(model)
        await replied(model)
    assert len(peer.asked) == 1


async def test_a_key_that_a_server_quotes_is_not_told() -> None:
    quoted = HttpError(401, "Incorrect API key provided: sk-canary-1. Call +91 98765 43210.")
    async with llm_peer([quoted]) as peer:
        keyed = Endpoint("first", base_url=peer.base_url, model="m", api_key="sk-canary-1")
        async with model_of(keyed) as model:
            with pytest.raises(ModelFailed) as failed:
                await replied(model)
    assert "HTTP 401" in str(failed.value)
    assert "canary" not in str(failed.value)
    assert "98765" not in str(failed.value)


@pytest.mark.parametrize("quoted", [KEY, KEY[:8], KEY[:20] + "..."])
@pytest.mark.parametrize("before", [0, 100, 122, 150, 170])
async def test_of_a_key_that_is_cut_nothing_is_told(quoted: str, before: int) -> None:
    error = HttpError(401, "x" * before + f" Incorrect API key provided: {quoted}")
    async with llm_peer([error]) as peer:
        keyed = Endpoint("first", base_url=peer.base_url, model="m", api_key=KEY)
        async with model_of(keyed) as model:
            with pytest.raises(ModelFailed) as failed:
                await replied(model)
    assert "HTTP 401" in str(failed.value)
    assert KEY[:8] not in str(failed.value)
    assert KEY[8:16] not in str(failed.value)


async def test_endpoints_are_connected_to_before_the_first_call() -> None:
    async with llm_peer() as gone:
        pass
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level="WARNING")
    async with (
        llm_peer(says("Here.")) as peer,
        model_of(endpoint(gone, "gone"), endpoint(peer, "second")) as model,
    ):
        await model.warm()
        assert peer.listed == 1
        assert end_of(await replied(model)).endpoint == "second"
    logger.remove(sink)
    assert len([line for line in lines if "gone: no connection" in line and "calls" in line]) == 1


async def test_the_first_token_is_timed_from_the_question_whoever_replies() -> None:
    clock = Clock()

    def late(body: dict[str, object]) -> Turn:
        clock.now_s += 2.5
        return says("Here.")

    async with (
        llm_peer([HttpError(500)]) as peer,
        llm_peer() as other,
        model_of(endpoint(peer), endpoint(other, "second"), now_s=clock) as model,
    ):
        other.respond = late
        assert end_of(await replied(model)).first_token_ms == 2500


async def test_forty_calls_at_once_each_get_their_own_reply() -> None:
    async with llm_peer() as peer, model_of(endpoint(peer)) as model:
        peer.respond = lambda body: says(f"You said {body['messages'][-1]['content']}")
        asked = [(Message("user", f"number {n}"),) for n in range(40)]
        replies = await asyncio.gather(*(replied(model, each) for each in asked))
    assert [text_of(each) for each in replies] == [f"You said number {n}" for n in range(40)]


def test_a_model_without_an_endpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an endpoint"):
        LanguageModel(())
