"""The recording of a call: two channels, caller left, bot right as heard, streamed to disk.

The taps hand audio to the timeline on the event loop (a few microseconds a packet); encoding and
writing run on a thread of the recorder's own. A disk that fails ends the recording, never the
call: `Recording.failure` says why.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from loguru import logger
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame

from processors.flac_file import FlacFile
from processors.recording_timeline import RecordingTimeline, Stereo
from speech.stt import Pcm

LONGEST_BACKLOG_BLOCKS = 256
"""Blocks (of 4,096 samples, 16 KB each) that may wait for the disk; 131 s at 8 kHz, 4 MB."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is over."""

    path: Path
    duration_ms: int
    failure: str | None  # why it is not whole; None: it is


class Recorder:
    """Records one call. The owner places both taps, and closes the recorder after the call."""

    def __init__(
        self,
        path: Path,
        sample_rate_hz: int,
        *,
        bot_delay_ms: int = 0,
        echoes_marks: bool = False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Record to `path` (FLAC) at the line's rate; the folder is made where it is missing.

        `bot_delay_ms`: how long audio lasts on its way after the bot's tap has seen it, where no
        mark tells. `echoes_marks`: the line returns marks, which tell when it was heard.
        """
        self._path = path
        self._rate_hz = sample_rate_hz
        self._monotonic_s = monotonic_s
        self._timeline = RecordingTimeline(
            sample_rate_hz, bot_delay_ms=bot_delay_ms, echoes_marks=echoes_marks
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._file: FlacFile | None = None  # touched by the thread alone
        self._writes: deque[Future[None]] = deque()
        self._failure: str | None = None
        self._closed: Recording | None = None

    @property
    def position_ms(self) -> int:
        """The call's clock: how much of the caller's audio has come."""
        return self._timeline.clock_samples * 1000 // self._rate_hz

    @property
    def failure(self) -> str | None:
        """Why nothing is recorded any more; None while all is well."""
        return self._failure

    def caller(self, frame: InputAudioRawFrame) -> None:
        """The caller's audio arrived."""
        if self._takes(frame):
            self._timeline.caller(_samples(frame), self._monotonic_s())
            self._submit(self._timeline.blocks())

    def bot(self, frame: OutputAudioRawFrame) -> None:
        """The bot's audio was sent."""
        if self._takes(frame):
            self._timeline.bot(_samples(frame), self._monotonic_s())

    def mark(self, name: str) -> None:
        """A mark was sent behind the bot's audio."""
        self._timeline.mark(name, self._monotonic_s())

    def echo(self, name: str, line_ms: float | None) -> None:
        """A mark came back because it was played; `line_ms` of the caller's audio came before it
        on the line (None: as much as has come here)."""
        samples = None if line_ms is None else round(line_ms * self._rate_hz / 1000)
        self._timeline.echo(name, self._monotonic_s(), samples)

    def clear(self) -> None:
        """The far end was told to drop what it has not played."""
        self._timeline.clear(self._monotonic_s())

    def advance_to(self, ms: int) -> None:
        """The caller's audio stopped arriving: silence up to `ms` on the call's clock."""
        self._timeline.advance_to(ms * self._rate_hz // 1000, self._monotonic_s())
        self._submit(self._timeline.blocks())

    async def drain(self) -> None:
        """Wait until everything handed to the disk is written."""
        while self._writes:
            await asyncio.wait([asyncio.wrap_future(self._writes[-1])])
            self._collect()

    async def close(self) -> Recording:
        """Write the rest and finish the file. Closing again gives the same answer."""
        if self._closed is None:
            self._submit(self._timeline.finish(self._monotonic_s()))
            self._writes.append(self._thread.submit(self._finish))
            await self.drain()
            self._thread.shutdown(wait=False)
            self._closed = Recording(self._path, self.position_ms, self._failure)
        return self._closed

    def abandon(self) -> None:
        """The disk does not answer: nothing more is handed to it, whatever it has."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _takes(self, frame: InputAudioRawFrame | OutputAudioRawFrame) -> bool:
        if self._failure is not None or self._closed is not None:
            return False
        if frame.sample_rate == self._rate_hz and frame.num_channels == 1:
            return True
        self._fail(
            f"audio of {frame.sample_rate} Hz in {frame.num_channels} channel(s) reached a "
            f"recording of {self._rate_hz} Hz, one channel a side"
        )
        return False

    def _submit(self, blocks: Iterable[Stereo]) -> None:
        self._collect()
        for block in blocks:
            if self._failure is not None:
                return
            if len(self._writes) >= LONGEST_BACKLOG_BLOCKS:
                self._fail("the disk is too slow for the call")
                return
            self._writes.append(self._thread.submit(self._write, block))

    def _collect(self) -> None:
        """See how the writes that are over went."""
        while self._writes and self._writes[0].done():
            error = self._writes.popleft().exception()
            if isinstance(error, OSError):
                self._fail(str(error))
            elif error is not None:
                raise error

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason
            logger.error("The recording {} ends early: {}", self._path.name, reason)

    def _write(self, block: Stereo) -> None:
        if self._file is None:
            self._file = FlacFile(self._path, sample_rate_hz=self._rate_hz, channels=2)
        self._file.write(block)

    def _finish(self) -> None:
        if self._file is not None:
            self._file.close()


def _samples(frame: InputAudioRawFrame | OutputAudioRawFrame) -> Pcm:
    return np.frombuffer(frame.audio, dtype=np.int16, count=len(frame.audio) // 2)
