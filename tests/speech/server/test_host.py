"""The engines of a process: exchanged while they are used, counted, and drained at the end."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from speech.errors import EngineBusy, EngineUnavailable, LanguageUnsupported, OptionInvalid
from speech.pool import EnginePool
from speech.server.errors import ApiError
from speech.server.host import EngineHost, anything_fits, started
from speech.server.settings import EngineSpec, read_engines
from tests.speech.server.own_speech_server import (
    TOKEN,
    WITH_TOKEN,
    ScriptedEar,
    ScriptedMouth,
    own_speech_server,
    refusal,
)


class HalfLoaded(ScriptedMouth):
    """A broken file of weights, to a library that promised nothing."""

    async def start(self) -> None:
        raise KeyError("decoder.weight")


SPEECH = "/v1/audio/speech"
SWITCH = "/admin/models/switch"


async def test_a_switch_lets_running_speech_end_in_the_old_engine_and_then_closes_it() -> None:
    old = ScriptedMouth(gate=asyncio.Event())
    async with own_speech_server(mouth=old, token=TOKEN, headers=WITH_TOKEN) as server:
        body = {"input": "hello", "response_format": "pcm"}
        running = asyncio.create_task(server.http.post(SPEECH, json=body))
        async with asyncio.timeout(20):
            while not old.requests:
                await asyncio.sleep(0.01)
            switched = await server.http.post(SWITCH, json={"model": "mouth", "engine": "espeak"})
            assert switched.status_code == 200, switched.text
            assert switched.json()["draining"] == 1
            new = await server.http.post(SPEECH, json=body)
            assert new.headers["x-model"] == "mouth"
            assert len(old.requests) == 1
            assert not old.was_closed
            states = (await server.http.get("/admin/models")).json()["data"]
            assert [state["draining"] for state in states] == [False, True]
            assert old.gate is not None
            old.gate.set()
            assert len((await running).content) == 5 * 960
            while not old.was_closed:
                await asyncio.sleep(0.01)
        assert [state.engine for state in server.host.states] == ["espeak"]


async def test_an_engine_that_can_t_be_loaded_changes_nothing() -> None:
    mouth = ScriptedMouth()
    async with own_speech_server(mouth=mouth, token=TOKEN, headers=WITH_TOKEN) as server:
        for body, param in (
            ({"model": "mouth", "engine": "nosuch"}, "options"),
            ({"model": "mouth", "engine": "espeak", "options": {"volume": "11"}}, "options"),
            ({"model": "mouth", "engine": "espeak", "options": {"max_streams": "x"}}, "options"),
            ({"model": "other"}, "engine"),
            ({"model": "mouth", "engine": "espeak", "extra": 1}, "extra"),
            ({}, "model"),
        ):
            answer = await server.http.post(SWITCH, json=body)
            assert refusal(answer)[1] == param
            assert 400 <= answer.status_code < 500
        answer = await server.http.post(SPEECH, json={"input": "x", "response_format": "pcm"})
        assert len(answer.content) == 5 * 960
    assert len(mouth.requests) == 1


async def test_a_switch_without_options_keeps_those_of_the_engine_that_runs() -> None:
    async with own_speech_server(token=TOKEN, headers=WITH_TOKEN) as server:
        asked = {"model": "mouth", "engine": "espeak"}
        limit = {"max_streams": "3"}
        for options, kept in ((limit, 3), (None, 3), ({}, 8)):
            body = asked if options is None else {**asked, "options": options}
            switched = await server.http.post(SWITCH, json=body)
            assert switched.status_code == 200, switched.text
            spec = server.host.spec("mouth", "speaks")
            assert spec is not None
            assert spec.max_streams == kept


async def test_an_engine_that_breaks_while_it_loads_is_closed() -> None:
    mouth = HalfLoaded()
    with pytest.raises(KeyError):
        await started(mouth)
    assert mouth.was_closed


async def test_an_engine_that_does_not_fit_is_refused_before_it_is_made() -> None:
    asked: list[tuple[str, Mapping[str, str]]] = []

    def fits(engine: str, options: Mapping[str, str]) -> None:
        asked.append((engine, options))
        raise EngineUnavailable(f"{engine} needs 3 GB, and 1 GB is free")

    async with EnginePool(1) as pool:
        host = EngineHost(pool, fits=fits)
        with pytest.raises(EngineUnavailable, match="3 GB"):
            await host.load(read_engines(["espeak"]))
        assert asked == [("espeak", {})]
        assert host.states == ()


async def test_the_first_engine_that_knows_the_language_is_chosen_unless_one_is_named() -> None:
    async with EnginePool(1) as pool:
        host = EngineHost(pool, fits=anything_fits)
        host.adopt(EngineSpec("a", "x", "hears"), ScriptedEar(languages=frozenset({"en"})))
        host.adopt(EngineSpec("b", "x", "hears"), ScriptedEar(languages=frozenset({"en", "hi"})))
        assert host.hearing_model("whisper-1", None) == "a"
        assert host.hearing_model("gpt-4o-transcribe", "hi") == "b"
        assert host.hearing_model("b", "en") == "b"
        with pytest.raises(LanguageUnsupported, match="'mr'; they know en, hi"):
            host.hearing_model("", "mr")
        with pytest.raises(ApiError, match="there are: a, b"):
            host.hearing_model("c", "en")
        with pytest.raises(ApiError, match="--engines moonshine"):
            host.hearing_model("moonshine", "en")
        with pytest.raises(EngineUnavailable, match="--engines espeak"):
            host.speaking_model("", "en")


async def test_no_more_borrow_an_engine_than_may_and_none_when_the_server_stops() -> None:
    async with EnginePool(1) as pool:
        host = EngineHost(pool, fits=anything_fits, max_streams=9)
        host.adopt(EngineSpec("a", "x", "hears", max_streams=2), ScriptedEar())
        with host.ear("a"), host.ear("a"):
            with pytest.raises(EngineBusy, match="2 streams"), host.ear("a"):
                pass
            assert host.in_flight == 2
        await host.quiet()
        host.is_draining = True
        with pytest.raises(EngineBusy, match="shutting down"), host.ear("a"):
            pass


@pytest.mark.parametrize(
    ("texts", "specs"),
    [
        (["moonshine,espeak"], [("moonshine", "moonshine", {}), ("espeak", "espeak", {})]),
        ([" moonshine ", "", "a=espeak"], [("moonshine", "moonshine", {}), ("a", "espeak", {})]),
        (
            ["en=moonshine:x=1;y=a:b,hi=espeak"],
            [("en", "moonshine", {"x": "1", "y": "a:b"}), ("hi", "espeak", {})],
        ),
        (
            ["moonshine:languages=en,hi;x=2,espeak"],
            [
                ("moonshine", "moonshine", {"languages": "en,hi", "x": "2"}),
                ("espeak", "espeak", {}),
            ],
        ),
        (["hears/moonshine"], [("moonshine", "moonshine", {})]),
    ],
)
def test_the_list_of_engines_is_read(
    texts: list[str], specs: list[tuple[str, str, dict[str, str]]]
) -> None:
    assert [(s.model, s.engine, s.options) for s in read_engines(texts)] == specs


def test_the_limit_of_an_engine_is_no_option_of_its_own() -> None:
    (spec,) = read_engines(["espeak:max_streams=3"])
    assert (spec.max_streams, spec.options) == (3, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no engine"),
        ("siri", "there is no engine 'siri'; there are: .*espeak"),
        ("speaks/moonshine", "there is no engine 'speaks/moonshine'"),
        ("espeak,espeak", "names 'espeak' twice"),
        ("espeak:volume", "NAME=VALUE"),
        ("espeak:max_streams=many", "max_streams"),
    ],
)
def test_a_wrong_list_of_engines_is_explained(text: str, said: str) -> None:
    with pytest.raises(OptionInvalid, match=said):
        read_engines([text])


async def test_models_are_listed_with_what_they_can_do() -> None:
    async with own_speech_server(ear=ScriptedEar(), mouth=ScriptedMouth()) as server:
        models = (await server.http.get("/v1/models")).json()
        missing = await server.http.get("/v1/models/a/b")
    ear, mouth = models["data"]
    assert (ear["id"], ear["kind"], ear["languages"]) == ("ear", "hears", ["en", "hi", "mr"])
    assert mouth["expression"] == {
        "sounds": [],
        "emotions": [],
        "rates": [0.9, 1.1],
        "has_pitch": False,
    }
    assert refusal(missing) == (404, "model", "model_not_found")


async def test_measurements_tell_of_requests_and_streams() -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        await server.http.post(SPEECH, json={"input": "x"})
        await server.http.get("/no/such/path")
        text = (await server.http.get("/metrics")).text
    assert 'speech_requests_total{route="/v1/audio/speech",status="200"} 1.0' in text
    assert 'speech_requests_total{route="other",status="404"} 1.0' in text
    assert 'speech_first_chunk_seconds_count{model="mouth"} 1.0' in text
    assert 'speech_streams{draining="no",kind="speaks",model="mouth"} 0.0' in text


async def test_without_a_gpu_the_status_says_so() -> None:
    async with own_speech_server(token=TOKEN, headers=WITH_TOKEN) as server:
        status = (await server.http.get("/admin/gpu/status")).json()
    assert set(status) == {"gpus", "message"}
    assert status["message"]


async def test_a_server_that_drains_says_so_and_takes_nothing_new() -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        assert (await server.http.get("/readyz")).status_code == 200
        server.host.is_draining = True
        assert (await server.http.get("/readyz")).status_code == 503
        refused: httpx.Response = await server.http.post(SPEECH, json={"input": "x"})
        assert refusal(refused)[0] == 503
        server.host.is_draining = False
