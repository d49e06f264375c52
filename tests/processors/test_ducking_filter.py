"""The gain on the way out of a Pipecat transport, with its whole queue waiting behind."""

from collections.abc import Callable

import numpy as np
import pytest
from pipecat.frames.frames import (
    FilterEnableFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.tests.utils import run_test
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from processors.ducking import DUCKED_GAIN, FALL_MS, HOLD_MS, RISE_MS
from processors.ducking_filter import DuckingFilter

RATE_HZ = 8000
LOUD = 20_000


class Line(BaseOutputTransport):
    """Notes each packet, and does something after some of them."""

    def __init__(self, gain: DuckingFilter, packet_ms: int, after: dict[int, Callable[[], None]]):
        super().__init__(
            TransportParams(
                audio_out_enabled=True,
                audio_out_sample_rate=RATE_HZ,
                audio_out_10ms_chunks=packet_ms // 10,
                audio_out_end_silence_secs=0,
                audio_out_filter=gain,
            )
        )
        self._after = after
        self.packets: list[np.ndarray] = []

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self.packets.append(np.frombuffer(frame.audio, np.int16))
        self._after.get(len(self.packets), lambda: None)()
        return True


def packet(samples: int = 160) -> bytes:
    return np.full(samples, LOUD, np.int16).tobytes()


async def started(sample_rate_hz: int = RATE_HZ) -> DuckingFilter:
    gain = DuckingFilter()
    await gain.start(sample_rate_hz)
    return gain


@pytest.mark.parametrize("packet_ms", [20, 100])
async def test_a_voice_steps_back_with_the_next_packet_and_returns(packet_ms: int) -> None:
    gain = DuckingFilter()
    line = Line(gain, packet_ms, {3: gain.duck, 10: gain.release})
    seconds = 3
    voice = TTSAudioRawFrame(packet(seconds * RATE_HZ), RATE_HZ, 1)
    await run_test(line, frames_to_send=[voice, TTSStoppedFrame()])
    heard = np.concatenate(line.packets)[: seconds * RATE_HZ] / LOUD
    packet_samples, per_ms = packet_ms * RATE_HZ // 1000, RATE_HZ // 1000
    ducked, released = 3 * packet_samples, 10 * packet_samples
    assert (heard[:ducked] == 1.0).all()
    assert heard[ducked + FALL_MS * per_ms - 1] == pytest.approx(DUCKED_GAIN, abs=1e-4)
    held = heard[ducked + FALL_MS * per_ms : released + HOLD_MS * per_ms]
    assert held == pytest.approx(DUCKED_GAIN, abs=1e-4)
    assert (heard[released + (HOLD_MS + RISE_MS) * per_ms :] == 1.0).all()
    assert np.abs(np.diff(heard)).max() < 0.01, "a step of 0.7 would be a click"


async def test_at_full_voice_the_very_same_bytes_leave() -> None:
    gain = await started()
    audio = packet()
    assert await gain.filter(audio) is audio
    assert gain.gain == 1.0


async def test_a_silence_known_late_counts_from_where_it_began() -> None:
    gain = await started()
    gain.duck()
    await gain.filter(packet(RATE_HZ))
    gain.release(silent_for_ms=HOLD_MS)
    heard = np.frombuffer(await gain.filter(packet(2)), np.int16)
    assert DUCKED_GAIN * LOUD < heard[0] < heard[1] < LOUD


async def test_while_the_bot_is_silent_time_must_be_told() -> None:
    gain = await started()
    gain.duck()
    await gain.filter(packet(RATE_HZ))
    gain.release()
    gain.advance(HOLD_MS)
    assert gain.gain == DUCKED_GAIN
    gain.advance(RISE_MS)
    audio = packet()
    assert await gain.filter(audio) is audio


async def test_after_a_clear_the_next_words_are_said_in_full_voice() -> None:
    gain = await started()
    gain.duck()
    await gain.filter(packet(RATE_HZ))
    gain.reset()
    audio = packet()
    assert await gain.filter(audio) is audio


async def test_before_the_transport_starts_nothing_happens() -> None:
    gain = DuckingFilter()
    gain.duck()
    gain.release()
    gain.advance(100)
    gain.reset()
    audio = packet()
    assert await gain.filter(audio) is audio
    await gain.start(RATE_HZ)
    assert await gain.filter(audio) is audio


async def test_a_frame_of_pipecats_changes_nothing() -> None:
    gain = await started()
    gain.duck()
    await gain.process_frame(FilterEnableFrame(enable=False))
    await gain.filter(packet(RATE_HZ))
    assert gain.gain == DUCKED_GAIN
    await gain.stop()
