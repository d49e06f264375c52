"""The recording: both voices, each in its place, saying what the transcript says."""

import asyncio
import io
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from bot.simulation.caller import Clip
from bot.simulation.loopback import Loopback
from bot.simulation.simulated_calls import PlacedCall
from speech.pool import EnginePool
from speech.registry import make_recognizer
from telephony.simulator.script import Speak, StayOnLine, WaitForPrompt
from tests.calls.conftest import NO
from tests.calls.short_flow import answers, planned, problems_of, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE_HZ = 8000
NEAR = RATE_HZ  # how far from its place a part of the bot's voice is looked for
Pcm = npt.NDArray[np.int16]

OPENING = (
    "Good morning. We have a question for you today, and we are happy to wait for your answer."
)


async def recording_of(line: Loopback, call: PlacedCall) -> tuple[Pcm, Pcm]:
    """The two channels of the call's recording: caller and bot."""
    call_id = call.record["call"]["call_id"]
    response = await line.http.get(f"/api/calls/{call_id}/recording")
    assert response.status_code == 200
    assert response.headers["content-type"] == "audio/flac"
    assert response.content.startswith(b"fLaC")
    pcm, rate_hz = soundfile.read(io.BytesIO(response.content), dtype="int16")
    assert rate_hz == RATE_HZ
    assert pcm.shape[1] == 2
    return pcm[:, 0], pcm[:, 1]


def lag_ms(recorded: Pcm, reference: Pcm) -> float:
    """How much later the recording has what the telephone has: where they correlate best."""
    size = 1 << (len(recorded) + len(reference)).bit_length()
    spectrum = np.fft.rfft(recorded.astype(float), size)
    spectrum *= np.conj(np.fft.rfft(reference.astype(float), size))
    correlation = np.fft.irfft(spectrum, size)
    at = int(np.argmax(correlation))
    return (at if at < size // 2 else at - size) * 1000 / RATE_HZ


def first_words(played: Pcm) -> tuple[int, int]:
    """The first second and a half in which the bot is heard, in samples."""
    since = int(np.flatnonzero(np.abs(played.astype(int)) > 300)[0])
    return since, since + RATE_HZ * 3 // 2


def goodbye(played: Pcm) -> tuple[int, int]:
    """The last second and a half."""
    until = int(np.flatnonzero(np.abs(played.astype(int)) > 300)[-1]) + 1
    return until - RATE_HZ * 3 // 2, until


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


@asynccontextmanager
async def ear() -> AsyncGenerator[Callable[[Pcm], Awaitable[str]]]:
    """Tells what Moonshine hears in a whole channel, pause by pause."""
    async with EnginePool(1) as pool:
        recognizer = make_recognizer("moonshine", pool)
        await recognizer.start()

        async def heard_in(pcm: Pcm) -> str:
            texts: list[str] = []
            for part in utterances(pcm):
                stream = recognizer.open(language="en", sample_rate_hz=RATE_HZ)
                stream.feed(part)
                texts.append((await stream.finish()).text)
            return " ".join(texts)

        yield heard_in
        await recognizer.close()


def utterances(pcm: Pcm) -> list[Pcm]:
    """The channel cut at its pauses of 0.5 s."""
    frame = RATE_HZ // 50
    loud = np.abs(pcm[: len(pcm) // frame * frame].reshape(-1, frame).astype(int)).max(1) > 300
    at = np.flatnonzero(loud)
    cuts = np.flatnonzero(np.diff(at) > 25)
    starts = at[np.concatenate([[0], cuts + 1])]
    ends = at[np.concatenate([cuts, [len(at) - 1]])] + 1
    pad = 5
    return [
        pcm[max(0, start - pad) * frame : (end + pad) * frame]
        for start, end in zip(starts, ends, strict=True)
    ]


def share_of(said: str, heard: str) -> float:
    """How many of the words that were said were heard."""
    known = words(heard)
    found = [word for word in words(said) if word in known]
    return len(found) / len(words(said))


def said_by(record: Mapping[str, Any], who: str) -> str:
    return " ".join(turn["heard_text"] for turn in record["turns"] if turn["who"] == who)


async def test_the_recording_has_both_voices_in_their_place_and_says_the_transcript(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    no = voices[NO]
    speaks = answers(
        WaitForPrompt(quiet_ms=400),
        Speak(no.pcm, no.sample_rate_hz, no.text),
        StayOnLine(timeout_ms=60_000),
    )
    plans = [
        planned(speaks, label=carrier, carrier=carrier, variables={"opening": OPENING})
        for carrier in ("twilio", "exotel")
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    async with ear() as heard_in:
        for call in calls:
            caller, bot = await recording_of(line, call)
            assert call.result is not None
            telephone = call.result.recording
            assert telephone is not None
            caller_lag_ms = lag_ms(caller, telephone.said)
            assert abs(caller_lag_ms) < 20
            # The call begins on a busy machine: its first words are checked as its last.
            for since, until in (first_words(telephone.played), goodbye(telephone.played)):
                heard = telephone.played.copy()
                heard[:since] = heard[until:] = 0
                near = bot[max(0, since - NEAR) : until + NEAR]
                bot_lag_ms = lag_ms(near, heard[max(0, since - NEAR) : until + NEAR])
                assert abs(bot_lag_ms) <= 20
            assert share_of(said_by(call.record, "bot"), await heard_in(bot)) >= 0.7
            assert share_of(said_by(call.record, "caller"), await heard_in(caller)) >= 0.7
