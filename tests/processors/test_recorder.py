"""The recorder: taps that pass everything on, a file that is whole, and what a bad disk does."""

import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.tests.utils import run_test

from processors.recorder import Recorder
from processors.taps import BotTap, CallerTap

RATE_HZ = 8000


class Clock:
    """A monotonic clock that the test turns."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def caller_frame(samples: int, value: int = 1, rate_hz: int = RATE_HZ) -> InputAudioRawFrame:
    audio = np.full(samples, value, np.int16).tobytes()
    return InputAudioRawFrame(audio=audio, sample_rate=rate_hz, num_channels=1)


def bot_frame(samples: int, value: int = 2) -> OutputAudioRawFrame:
    audio = np.full(samples, value, np.int16).tobytes()
    return OutputAudioRawFrame(audio=audio, sample_rate=RATE_HZ, num_channels=1)


def a_second_of_caller(recorder: Recorder, clock: Clock) -> None:
    for _ in range(50):
        clock.now_s += 0.02
        recorder.caller(caller_frame(160))


async def test_the_caller_is_left_and_the_bot_right_as_heard(tmp_path: Path) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path / "new" / "call.flac", RATE_HZ, monotonic_s=clock)
    a_second_of_caller(recorder, clock)
    recorder.bot(bot_frame(12000))
    a_second_of_caller(recorder, clock)
    recorder.clear()
    a_second_of_caller(recorder, clock)
    assert recorder.position_ms == 3000
    recording = await recorder.close()
    assert (recording.duration_ms, recording.failure) == (3000, None)
    stereo, rate_hz = soundfile.read(recording.path, dtype="int16")
    assert (rate_hz, stereo.shape) == (RATE_HZ, (24000, 2))
    assert set(stereo[:, 0]) == {1}
    assert np.flatnonzero(stereo[:, 1]).tolist() == list(range(8000, 16000))
    assert await recorder.close() == recording


async def test_the_taps_record_what_they_see_and_the_voice_ends_there(tmp_path: Path) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path / "call.flac", RATE_HZ, monotonic_s=clock)
    frames: list[Frame] = [
        caller_frame(8000),
        TTSAudioRawFrame(audio=b"\2\0" * 4000, sample_rate=RATE_HZ, num_channels=1),
    ]
    await run_test(
        Pipeline([CallerTap(recorder, None), BotTap(recorder, None)]),
        frames_to_send=frames,
        expected_down_frames=[InputAudioRawFrame],
    )
    clock.now_s += 1
    recorder.caller(caller_frame(8000))
    recording = await recorder.close()
    stereo, _ = soundfile.read(recording.path, dtype="int16")
    assert stereo.shape == (16000, 2)
    assert np.count_nonzero(stereo[:, 1]) == 4000


@pytest.mark.parametrize(
    ("message", "first"),
    [
        ({"event": "mark", "mark": {"name": "1:end"}}, 9600),
        ({"event": "mark", "mark": {"name": "1:end"}, "cleared": True}, 8000),
        ({"event": "mark", "mark": {"name": "another"}}, 8000),
        ({"event": "stop", "reason": "callended"}, 8000),
    ],
)
async def test_a_mark_that_came_back_played_tells_where_the_bot_was_heard(
    tmp_path: Path, message: dict[str, object], first: int
) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path / "call.flac", RATE_HZ, echoes_marks=True, monotonic_s=clock)
    a_second_of_caller(recorder, clock)
    mark = OutputTransportMessageFrame(message={"event": "mark", "mark": {"name": "1:end"}})
    await run_test(
        BotTap(recorder, None),
        frames_to_send=[bot_frame(8000), mark],
        expected_down_frames=[OutputTransportMessageFrame],
    )
    a_second_of_caller(recorder, clock)
    echo = InputTransportMessageFrame(message=message)
    echo.metadata["line_ms"] = 2180  # of 2200: the rest waits in the transport's queue
    clock.now_s += 0.2
    await run_test(
        CallerTap(recorder, None),
        frames_to_send=[echo],
        expected_down_frames=[InputTransportMessageFrame],
    )
    for _ in range(10):
        recorder.caller(caller_frame(160))
    a_second_of_caller(recorder, clock)
    stereo, _ = soundfile.read((await recorder.close()).path, dtype="int16")
    assert np.flatnonzero(stereo[:, 1]).tolist() == list(range(first, first + 8000))


async def test_an_interruption_drops_what_was_not_played(tmp_path: Path) -> None:
    clock = Clock()
    recorder = Recorder(tmp_path / "call.flac", RATE_HZ, monotonic_s=clock)
    a_second_of_caller(recorder, clock)
    recorder.bot(bot_frame(80000))
    a_second_of_caller(recorder, clock)
    await run_test(
        BotTap(recorder, None),
        frames_to_send=[InterruptionFrame()],
        expected_down_frames=[InterruptionFrame],
    )
    a_second_of_caller(recorder, clock)
    stereo, _ = soundfile.read((await recorder.close()).path, dtype="int16")
    assert np.flatnonzero(stereo[:, 1]).tolist() == list(range(8000, 16000))


@pytest.mark.parametrize("echoes_marks", [False, True])
async def test_minutes_take_no_more_memory_than_the_first(
    tmp_path: Path, echoes_marks: bool
) -> None:
    clock = Clock()
    recorder = Recorder(
        tmp_path / "call.flac", RATE_HZ, echoes_marks=echoes_marks, monotonic_s=clock
    )
    caller, bot = caller_frame(160), bot_frame(320)
    tracemalloc.start()
    after_first = 0
    for n in range(7_500):
        clock.now_s += 0.02
        recorder.caller(caller)
        if n % 2 == 0 and n % 500 < 300:
            recorder.bot(bot)
            recorder.mark(str(n))  # some come back, some never do
        if n % 4 == 0:
            recorder.echo(str(n - 4), None)
        if n % 250 == 0:
            await recorder.drain()
        if n == 3_000:
            tracemalloc.reset_peak()
            after_first = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[1] - after_first
    tracemalloc.stop()
    recording = await recorder.close()
    assert (recording.duration_ms, recording.failure) == (150_000, None)
    assert soundfile.info(recording.path).frames == 150 * RATE_HZ
    assert grown < 400_000


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import numpy as np
from pipecat.frames.frames import InputAudioRawFrame
from processors.recorder import Recorder
from processors.taps import BotTap, CallerTap

async def main():
    recorder = Recorder(Path(sys.argv[1]), 8000)
    for n in range(500):
        audio = np.random.default_rng(n).integers(-9000, 9000, 160, dtype=np.int16).tobytes()
        recorder.caller(InputAudioRawFrame(audio=audio, sample_rate=8000, num_channels=1))
    await recorder.drain()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_after_a_kill_the_recording_so_far_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    stereo, _ = soundfile.read(path, dtype="int16")
    assert len(stereo) >= 9 * RATE_HZ  # of 10 s
    expected = np.random.default_rng(0).integers(-9000, 9000, 160, dtype=np.int16)
    assert np.array_equal(stereo[:160, 0], expected)


async def test_a_disk_that_cannot_be_written_ends_the_recording_and_not_the_call(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    clock = Clock()
    recorder = Recorder(tmp_path / "file" / "call.flac", RATE_HZ, monotonic_s=clock)
    a_second_of_caller(recorder, clock)
    await recorder.drain()
    a_second_of_caller(recorder, clock)
    recording = await recorder.close()
    assert recording.failure is not None
    assert "file" in recording.failure


FULL = """
import asyncio, resource, sys
from pathlib import Path
import numpy as np
from pipecat.frames.frames import InputAudioRawFrame
from processors.recorder import Recorder
from processors.taps import BotTap, CallerTap

async def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
    recorder = Recorder(Path(sys.argv[1]), 8000)
    for n in range(1000):
        audio = np.random.default_rng(n).integers(-9000, 9000, 160, dtype=np.int16).tobytes()
        recorder.caller(InputAudioRawFrame(audio=audio, sample_rate=8000, num_channels=1))
        if n % 50 == 0:
            await recorder.drain()
    print((await recorder.close()).failure is not None)

asyncio.run(main())
"""


def test_a_full_disk_is_told_and_what_was_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], timeout=60, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True", done.stderr
    stereo, _ = soundfile.read(path, dtype="int16")
    assert len(stereo) >= RATE_HZ


@pytest.mark.parametrize(("rate_hz", "channels"), [(16000, 1), (8000, 2)])
async def test_audio_of_another_shape_is_refused_with_a_reason(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    recorder = Recorder(tmp_path / "call.flac", RATE_HZ)
    frame = InputAudioRawFrame(audio=b"\0" * 640, sample_rate=rate_hz, num_channels=channels)
    recorder.caller(frame)
    recording = await recorder.close()
    assert recording.failure is not None
    assert f"{rate_hz} Hz in {channels} channel(s)" in recording.failure


async def test_half_a_sample_at_the_end_of_a_packet_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "call.flac", RATE_HZ)
    recorder.caller(
        InputAudioRawFrame(audio=b"\1\0" * 8000 + b"\1", sample_rate=8000, num_channels=1)
    )
    assert (await recorder.close()).duration_ms == 1000
