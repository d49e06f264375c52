"""What callers hear when something goes wrong or takes its time: order and counts, no clock."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import pytest

from bot.filler import filler
from bot.simulation.caller import Clip
from speech.engines.espeak import EspeakSynthesizer
from speech.stt import Pcm
from speech.tts import SpeechRequest
from telephony import mulaw
from telephony.records import CallRecord, Turn, Who
from telephony.simulator.phone_audio import to_line_rate
from tests.calls.conftest import YES
from tests.calls.http_peer import http_peer
from tests.calls.own_server import ScriptedEar, own_server
from tests.calls.raw_telephone import RawTelephone
from tests.calls.short_flow import LONG_OPENING, PATIENT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

OPENING = f'opening: {{default: "{LONG_OPENING}"'
TELLS = PATIENT.replace('opening: {default: "Hello."', OPENING)
GOODBYE = "Thank you very much, and goodbye."
SPEAKS_AT = "1:2020"
"""The mark after two seconds of the opening."""

_asking = filler("en")
FILLER = _asking.text if _asking else ""

ASKS_BUSINESS = """\
name: ask_business
title: A slow business
languages: [en]
start: ask
give_up: sorry

variables:
  state: {default: "", max_length: 40}

nodes:
  ask:
    type: menu
    timeout_s: 30
    prompt: {en: "Press one."}
    choices:
      go: {keys: ["1"], phrases: {en: [go]}, then: status}
    no_input: {then: sorry}
    no_match: {then: sorry}
  status:
    type: request
    url: "BASE_URL/orders"
    save: {state: state}
    then: told
    failure: sorry
  told:
    type: hangup
    disposition: completed
    prompt: {en: "It is {{ state }}."}
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry."}
"""


def packets(clip: Clip) -> list[bytes]:
    """20 ms of mu-law each."""
    pcm = to_line_rate(clip.pcm, clip.sample_rate_hz, 8000)
    coded = mulaw.encode(pcm.tobytes())
    return [coded[at : at + 160].ljust(160, b"\xff") for at in range(0, len(coded), 160)]


async def until(phone: RawTelephone, mark: str) -> None:
    """The telephone has played as far as `mark`."""
    while mark not in phone.echoed:
        await asyncio.sleep(0.02)


async def speak_at(phone: RawTelephone, mark: str, speech: Sequence[bytes]) -> None:
    """The caller speaks there."""
    await until(phone, mark)
    phone.speech.extend(speech)


def bot_turns(record: CallRecord) -> list[Turn]:
    return [turn for turn in record.turns if turn.who is Who.BOT]


def kinds(record: CallRecord) -> list[str]:
    """What was noted beside the turns, but for the call's own life."""
    found = [logged.event.kind for logged in record.events]
    return [kind for kind in found if kind not in ("status", "ended")]


class FalseAlarm(ScriptedEar):
    """Words while somebody speaks; in the end it was nothing."""

    async def hear(self, *, is_final: bool) -> str:
        return "" if is_final else "the oven is"


async def test_after_a_false_alarm_the_rest_is_said_and_every_word_is_heard_once(
    tmp_path: Path, voices: Mapping[str, Clip]
) -> None:
    phone = RawTelephone("twilio")

    async def interrupt() -> None:
        await speak_at(phone, SPEAKS_AT, packets(voices[YES]))
        await until(phone, "2:end")
        phone.press("1")

    async with own_server(tmp_path, TELLS, ear=FalseAlarm()) as server:
        record, _ = await asyncio.gather(server.take(phone), interrupt())
    assert kinds(record) == ["barge_in", "resumed"]
    opening, rest, goodbye = bot_turns(record)
    assert (opening.is_interrupted, rest.is_interrupted) == (True, False)
    assert "One potato" in opening.heard_text
    assert rest.text == rest.heard_text
    assert f"{opening.heard_text} {rest.heard_text}" == opening.text
    assert goodbye.heard_text == GOODBYE
    assert phone.clears == 1
    assert record.call.outcome == {"answer": "agreed"}


async def test_a_slow_request_is_bridged_once_and_the_reply_follows(tmp_path: Path) -> None:
    async with http_peer([(200, '{"state": "on its way"}')], delay_s=4.5) as business:
        flow = ASKS_BUSINESS.replace("BASE_URL", business.base_url)
        async with own_server(tmp_path, flow) as server:
            record = await server.take(RawTelephone("twilio", keys="1"))
    turns = bot_turns(record)
    assert [turn.heard_text for turn in turns] == ["Press one.", FILLER, "It is on its way."]
    assert [turn.latency is not None for turn in turns] == [False, False, True]
    assert record.call.disposition == "completed"


async def test_a_request_that_is_answered_soon_is_not_bridged(tmp_path: Path) -> None:
    async with http_peer([(200, '{"state": "on its way"}')]) as business:
        flow = ASKS_BUSINESS.replace("BASE_URL", business.base_url)
        async with own_server(tmp_path, flow) as server:
            record = await server.take(RawTelephone("twilio", keys="1"))
    assert [turn.text for turn in bot_turns(record)] == ["Press one.", "It is on its way."]


class DeafEar(ScriptedEar):
    """Never gives a word."""

    async def hear(self, *, is_final: bool) -> str:
        await asyncio.Event().wait()
        return ""


async def test_a_recogniser_that_hangs_leaves_a_call_that_goes_on_by_keys(
    tmp_path: Path, voices: Mapping[str, Clip]
) -> None:
    phone = RawTelephone("twilio")

    async def answer() -> None:
        await speak_at(phone, "1:end", packets(voices[YES]))
        await until(phone, "3:end")  # the filler, and the question again
        phone.press("1")

    async with own_server(tmp_path, PATIENT, ear=DeafEar()) as server:
        record, _ = await asyncio.gather(server.take(phone), answer())
    assert kinds(record) == ["filler", "hearing_failed", "keypad_only"]
    texts = [turn.heard_text for turn in bot_turns(record)]
    assert texts == ["Hello. Yes or no?", FILLER, "Hello. Yes or no?", GOODBYE]
    assert record.call.outcome == {"answer": "agreed"}


class StuckMouth(EspeakSynthesizer):
    """Falls silent for good in the middle of the opening, once."""

    def __init__(self) -> None:
        super().__init__()
        self._has_hung = False

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        async for chunk in super().synthesize(request):
            yield chunk
            if "Eight" in request.text and not self._has_hung:
                self._has_hung = True
                await asyncio.Event().wait()


async def test_a_voice_that_hangs_in_the_middle_is_given_up_and_the_question_is_asked_again(
    tmp_path: Path,
) -> None:
    phone = RawTelephone("twilio")

    async def answer() -> None:
        await until(phone, "2:end")
        phone.press("1")

    async with own_server(tmp_path, TELLS, mouth=StuckMouth()) as server:
        record, _ = await asyncio.gather(server.take(phone), answer())
    assert kinds(record) == ["speech_failed"]
    first, again, goodbye = bot_turns(record)
    assert first.text.startswith(first.heard_text)
    assert first.heard_text != first.text == again.heard_text
    assert goodbye.heard_text == GOODBYE
    assert record.call.outcome == {"answer": "agreed"}
