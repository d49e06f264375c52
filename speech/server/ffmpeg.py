"""ffmpeg as a process of its own: it decodes what people upload, and encodes what they ask for.

A process, because what people upload is made to break decoders sooner or later: it has a time
limit, a memory limit and no network, and is killed when nobody waits for it any more.
"""

import asyncio
import importlib
import importlib.util
import resource
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, cast

import numpy as np

from speech.errors import EngineFailed, EngineUnavailable
from speech.server.primed import Primed
from speech.stt import Pcm

HOW_TO_GET_IT = "run `apt-get install ffmpeg` or `pip install imageio-ffmpeg`"

_MEMORY_BYTES = 2 << 30
"""Of address space. Decoding a telephone's mp3 takes 60 MB of memory, but the static build maps
several hundred MB of address space before it begins; a crafted header can ask for any amount."""

_READ_BYTES = 8192
"""Half a second of mp3 at 128 kbit/s: small enough to be sent while it is made."""

_GONE_S = 5.0


def find_ffmpeg() -> str:
    """The program: the one on the PATH, else the one that the wheel imageio-ffmpeg carries.

    Raises:
        EngineUnavailable: neither is here.
    """
    if found := shutil.which("ffmpeg"):
        return found
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        wheel = cast(Any, importlib.import_module("imageio_ffmpeg"))
        try:
            return cast(str, wheel.get_ffmpeg_exe())
        except RuntimeError:
            pass  # a wheel without its program, on a platform for which there is none
    raise EngineUnavailable(f"ffmpeg is not here: {HOW_TO_GET_IT}")


@asynccontextmanager
async def running(
    *command: str, stdin: int = DEVNULL, stderr: int = DEVNULL, keep_open: tuple[int, ...] = ()
) -> AsyncGenerator[Process, None]:
    """ffmpeg with its output in a pipe; killed, and waited for, when the block is left."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=PIPE, stderr=stderr, pass_fds=keep_open
        )
    except OSError as error:
        raise EngineUnavailable(f"{command[0]} can't be run: {error}; {HOW_TO_GET_IT}") from error
    try:
        with suppress(ProcessLookupError, PermissionError):  # it has ended already
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            async with asyncio.timeout(_GONE_S):
                await process.communicate()  # what is in the pipes, too: else they stay open


async def encoded_by_ffmpeg(
    pcm: Primed[Pcm], *, sample_rate_hz: int, codec: tuple[str, ...]
) -> AsyncGenerator[bytes, None]:
    """What ffmpeg makes of int16 mono PCM, as it is made. Pulls no faster than it is pulled from.

    Raises:
        EngineUnavailable: no ffmpeg.
        EngineFailed: it broke.
        SpeechError: what `pcm` raises.
    """
    command = (
        *(find_ffmpeg(), "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"),
        # Without these two it reads five seconds of input before it writes anything.
        *("-probesize", "32", "-analyzeduration", "0"),
        *("-f", "s16le", "-ar", str(sample_rate_hz), "-ac", "1", "-i", "pipe:0"),
        *(*codec, "-flush_packets", "1", "pipe:1"),
    )
    async with aclosing(pcm), running(*command, stdin=PIPE) as process:
        feeder = asyncio.create_task(_feed(process, pcm), name="ffmpeg-feeder")
        try:
            assert process.stdout is not None
            while chunk := await process.stdout.read(_READ_BYTES):
                yield chunk
            await feeder
            if status := await process.wait():
                raise EngineFailed(f"ffmpeg could not encode this (status {status})")
        finally:
            feeder.cancel()
            await asyncio.wait([feeder])


async def _feed(process: Process, pcm: Primed[Pcm]) -> None:
    """Write all of `pcm`, and close the pipe whatever happens, so that ffmpeg ends."""
    stdin = process.stdin
    assert stdin is not None
    try:
        async for chunk in pcm:
            stdin.write(np.ascontiguousarray(chunk, "<i2").tobytes())
            await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has ended; its status says why
    finally:
        stdin.close()
