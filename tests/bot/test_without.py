"""What makes replies quick can be left out, a part at a time, to measure what it is worth."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from bot.errors import SettingsError
from bot.listening import Listening
from bot.say_queue import SayQueue
from bot.services import open_services
from bot.settings import Settings, load_settings
from bot.turn_notes import TurnNotes
from bot.urls import Urls
from ivr_flows.actions import Listen
from ivr_flows.interpreter import Interpreter, Phase
from ivr_flows.loader import load_bytes
from processors.call_clock import CallClock
from processors.frames import ListenFrame
from processors.turn_taking import TurnPolicy, WordsWanted
from processors.turn_thresholds import NO_PARTIALS
from speech.tts import SpeechRequest
from tests.calls import short_flow


def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: str) -> Settings:
    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CALLWRIGHT_WITHOUT", without)
    return load_settings(env_file=None)


def test_a_part_that_does_not_exist_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"CALLWRIGHT_WITHOUT.*'partials'"):
        settings(monkeypatch, tmp_path, "patience")


def wanted(policy: TurnPolicy) -> list[bool]:
    """Whether each request for words is urgent: a second of voice over the bot, then silence."""
    policy.bot_speaks = True
    windows = [0.95] * 30 + [0.01] * 4
    events = [event for each in windows for event in policy.window(each, -20.0)]
    return [event.is_urgent for event in events if isinstance(event, WordsWanted)]


def test_without_partials_words_are_decoded_in_silence_only() -> None:
    assert wanted(TurnPolicy(NO_PARTIALS)) == [True]
    assert len(wanted(TurnPolicy())) > 3


@pytest.mark.parametrize("tells_hearing", [True, False])
def test_without_the_flows_endings_every_turn_is_free_speech(tells_hearing: bool) -> None:
    interpreter = Interpreter(
        load_bytes(short_flow.YAML.encode(), "short.yaml"), hearing=frozenset({"en"})
    )
    start = interpreter.start_state({}, "en")
    state = replace(start, node="ask", phase=Phase.ASKING)
    notes = TurnNotes(Mock())
    listening = Listening(interpreter, notes, CallClock(), tells_hearing=tells_hearing)
    listening.asked = Listen("ask", timeout_ms=5000, speech=True, keys=frozenset("12"))
    frame: ListenFrame = listening.frame(state, SayQueue(), is_ending=False)
    assert frame.is_free_speech is not tells_hearing
    assert (frame.expectation is None) is not tells_hearing


@pytest.mark.parametrize("without", ["", "speech_cache, partials"])
async def test_without_the_cache_nothing_that_was_said_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: str
) -> None:
    wanted = settings(monkeypatch, tmp_path, without)
    async with open_services(wanted, Urls("http://localhost")) as services:
        cache = services.mouths.by_language["en"]
        request = SpeechRequest("Hello.", "en")
        assert await cache.prewarm([request], sample_rate_hz=8000) == []
        is_kept = await cache.holds(request, sample_rate_hz=8000)
    assert is_kept is (not without)
    assert (tmp_path / "speech").exists() is (not without)
