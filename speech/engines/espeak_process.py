"""The server's side of the espeak worker: it starts it, talks to it and replaces it.

The worker is one process for all calls. It is started again when it has died, when it is killed
because nothing came from it for `quiet_s` although it owes an answer, and when its frames make no
sense. Whoever was waiting gets EngineFailed; the next request meets a fresh worker.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import numpy as np
from loguru import logger

from speech.engines import espeak_worker as wire
from speech.errors import EngineFailed, EngineUnavailable
from speech.stt import Pcm

_START_S = 10.0  # 40 ms where nothing else runs; more is a broken installation
_EXIT_S = 2.0  # after its stdin has closed; then it is killed
_QUIET_CHECKS = 4  # a fifth of the time-out each: an event loop that stalls costs one check


class _Answer:
    """The frames of one request that have come and were not taken yet."""

    __slots__ = ("frames",)

    def __init__(self) -> None:
        self.frames: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()


class EspeakProcess:
    """One worker process at a time, and everybody who waits for it."""

    def __init__(
        self, *, library: Path, data: Path, command: tuple[str, ...] = (), quiet_s: float = 5.0
    ) -> None:
        """Set up; nothing is started.

        Args:
            library: libespeak-ng.so.
            data: the folder espeak-ng-data.
            command: what is run instead of the worker; it gets library and data as arguments.
            quiet_s: how long the worker may send nothing while it owes an answer before it is
                killed as hung; it is found within the last fifth of it.
                It speaks a sentence in 3 ms, so 5 s can only be a hang.
        """
        self._command = command or (sys.executable, "-I", "-S", wire.__file__)
        self._arguments = (str(library), str(data))
        self._quiet_s = quiet_s
        self._numbers = itertools.count(1)
        self._answers: dict[int, _Answer] = {}
        self._owed: set[int] = set()  # requests whose last frame has not come, cancelled or not
        self._signs = 0  # counts what speaks against a hang: frames, and requests after a rest
        self._has_hung = False
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed = False
        self.sample_rate_hz = 22_050
        self.version = "unknown"

    @property
    def pid(self) -> int | None:
        """The worker's process id; None when none runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the worker unless it runs.

        Raises:
            EngineUnavailable: it does not come up, or the engine is closed.
        """
        async with self._starting:
            if self._closed:
                raise EngineUnavailable("espeak is closed: the process is shutting down")
            if self._reader is not None and not self._reader.done():
                return
            await self._end()
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    *self._arguments,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
            except OSError as error:
                raise EngineUnavailable(f"espeak's worker can't be started: {error}") from error
            self._process = process
            try:
                async with asyncio.timeout(_START_S):
                    kind, _, payload = await _read_frame(process)
            except (TimeoutError, EOFError, ValueError) as error:
                await self._end()
                raise EngineUnavailable(f"espeak's worker did not come up: {error!r}") from error
            if kind != wire.READY:
                await self._end()
                reason = payload.decode(errors="replace")
                raise EngineUnavailable(f"espeak-ng can't be loaded: {reason}")
            (self.sample_rate_hz,) = wire.SAMPLE_RATE.unpack_from(payload)
            self.version = payload[wire.SAMPLE_RATE.size :].decode(errors="replace")
            self._owed.clear()
            self._has_hung = False
            self._reader = asyncio.create_task(self._read(process), name="espeak-reader")

    async def speak(
        self, *, voice: str, words_per_minute: int, text: str
    ) -> AsyncGenerator[Pcm, None]:
        """Yield int16 mono PCM at `sample_rate_hz` as it is made; closing it stops the worker.

        Raises:
            EngineFailed: the worker died, hung or refused; what was yielded is good audio.
            EngineUnavailable: it can't be started.
        """
        await self.start()
        number = next(self._numbers) & 0xFFFFFFFF
        answer = self._answers[number] = _Answer()
        ended = False
        try:
            body = text.encode("utf-8", "ignore")
            self._write(
                wire.pack_speak(wire.Request(number, words_per_minute, voice.encode(), body))
            )
            if not self._owed:
                self._signs += 1
            self._owed.add(number)
            while True:
                kind, payload = await answer.frames.get()
                if kind == wire.AUDIO:
                    yield np.frombuffer(payload, np.int16)
                    continue
                ended = True
                if kind == wire.ERROR:
                    raise EngineFailed(payload.decode(errors="replace"))
                return
        finally:
            del self._answers[number]
            if not ended:
                with suppress(EngineFailed):
                    self._write(wire.pack(wire.CANCEL, number))

    async def close(self) -> None:
        """End the worker and wait until it is gone. Safe to call again."""
        self._closed = True
        async with self._starting:
            await self._end()

    def _write(self, frame: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            raise EngineFailed("espeak's worker has died")
        process.stdin.write(frame)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a worker that sends nothing although it owes an answer, whoever still waits: those
        who gave it up early must not hide from each other that it has hung."""
        checks, seen = 0, self._signs
        while checks < _QUIET_CHECKS:
            await asyncio.sleep(self._quiet_s / (_QUIET_CHECKS + 1))
            checks = checks + 1 if self._owed and self._signs == seen else 0
            seen = self._signs
        self._has_hung = True
        process.kill()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Deal the worker's frames out to their requests until it ends."""
        why = "has died"
        watching = asyncio.create_task(self._watch(process), name="espeak-watch")
        try:
            while True:
                kind, number, payload = await _read_frame(process)
                self._signs += 1
                if kind in (wire.END, wire.ERROR):
                    self._owed.discard(number)
                if answer := self._answers.get(number):  # else it was cancelled
                    answer.frames.put_nowait((kind, payload))
        except EOFError:
            pass
        except ValueError as error:
            why = f"sent nonsense ({error})"
            process.kill()
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        if self._has_hung:
            why = f"sent nothing for {self._quiet_s:g} s"
        status = await _gone(process)
        if not self._closed:
            logger.warning("espeak's worker {} (status {}): it is replaced", why, status)
        for answer in self._answers.values():
            answer.frames.put_nowait((wire.ERROR, f"espeak's worker {why}".encode()))

    async def _end(self) -> None:
        """End the process and its reader."""
        process, reader = self._process, self._reader
        self._process = self._reader = None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        await _gone(process)
        if reader is not None:
            await reader


async def _gone(process: asyncio.subprocess.Process) -> int:
    """The exit status of a worker that is ending; it is killed if it does not end."""
    try:
        async with asyncio.timeout(_EXIT_S):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


async def _read_frame(process: asyncio.subprocess.Process) -> tuple[int, int, bytes]:
    """The next frame of the worker: kind, request, payload.

    Raises:
        EOFError: it has ended.
        ValueError: this is no frame.
    """
    stdout = process.stdout
    if stdout is None:
        raise EOFError
    length, kind, number = wire.HEADER.unpack(await stdout.readexactly(wire.HEADER.size))
    if length > wire.MAX_PAYLOAD_BYTES or not wire.SPEAK <= kind <= wire.ERROR:
        raise ValueError(f"a frame of kind {kind} and {length} bytes")
    return kind, number, await stdout.readexactly(length)
