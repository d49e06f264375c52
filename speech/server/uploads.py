"""Files that people upload, from a multipart form to int16 mono PCM.

One way for all formats: ffmpeg. Only a WAV of plain 16-bit PCM, which is what programs send for
each utterance of a call, is read here, at once and without a process.
"""

import asyncio
import re
import wave
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from speech.resampling import resample
from speech.server.errors import ApiError, busy, invalid
from speech.server.ffmpeg import find_ffmpeg, running
from speech.server.settings import ServerSettings
from speech.stt import Pcm

MAX_FIELDS = 64
MAX_FIELD_BYTES = 64 << 10

_AT_ONCE = 8
"""Files decoded at a time; more would only share the same cores. Others wait for their turn."""

# Demuxers that read the file and nothing else. Playlists (hls, concat, dash) would make ffmpeg
# open other files of this machine, or addresses.
_DEMUXERS = (
    "wav,w64,aiff,au,caf,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,aac,amr,amrnb,amrwb,"
    "ac3,asf,mpeg,avi"
)
_TAKEN = "wav, mp3, flac, ogg, opus, m4a, mp4, webm, aac, amr, aiff"


@dataclass(frozen=True, slots=True)
class Upload:
    """What came in a form."""

    file: UploadFile
    fields: FormData

    def text(self, name: str) -> str | None:
        """The last field of that name; None where there is none, or nothing in it."""
        values = self.texts(name)
        return values[-1] if values else None

    def texts(self, name: str) -> list[str]:
        """All fields of that name, written `name` or `name[]`."""
        found = [*self.fields.getlist(name), *self.fields.getlist(f"{name}[]")]
        if any(not isinstance(value, str) for value in found):
            raise invalid(f"{name}: must be text, not a file", name)
        return [text for value in found if (text := cast(str, value).strip())]


@asynccontextmanager
async def upload(request: Request, file_field: str = "file") -> AsyncGenerator[Upload, None]:
    """The form of a request; its files are deleted when the block is left.

    Raises:
        ApiError: 400, no form, no file in it, an empty one, or too many fields.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ApiError(
            415,
            f"send multipart/form-data with the audio in the field {file_field!r} "
            f"(curl -F {file_field}=@speech.wav)",
            param=file_field,
            code="not_multipart",
        )
    form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    try:
        file = form.get(file_field)
        if not isinstance(file, UploadFile):
            raise invalid(
                f"{file_field}: the audio is missing (curl -F {file_field}=@speech.wav)",
                file_field,
                "missing",
            )
        if not file.size:
            raise invalid(f"{file_field}: the file is empty", file_field, "empty_file")
        yield Upload(file, form)
    finally:
        await form.close()


class AudioReader:
    """Makes PCM of files, a few at a time."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._held_s = 0.0

    @asynccontextmanager
    async def pcm(
        self, file: UploadFile, *, sample_rate_hz: int, param: str = "file"
    ) -> AsyncGenerator[Pcm, None]:
        """The audio of `file`, int16 mono at `sample_rate_hz`, counted while the block runs.

        Raises:
            ApiError: 400, it is no audio, has none in it, or too much of it; 503, others' files
                fill the memory that there is for them.
            EngineUnavailable: it needs ffmpeg, and there is none.
        """
        async with self._turn:
            refuse_long = partial(self._refuse_long, param=param)
            try:
                pcm = await asyncio.to_thread(_plain_wav, file, sample_rate_hz, refuse_long)
            except wave.Error as error:
                raise _no_channels(param) from error
            if pcm is None:
                pcm = await self._by_ffmpeg(file, sample_rate_hz, param)
        if not len(pcm):
            raise invalid(f"{param}: the file has no audio in it", param, "no_audio")
        audio_s = len(pcm) / sample_rate_hz
        self._refuse_long(audio_s, param)
        if self._held_s and self._held_s + audio_s > self._settings.max_audio_at_once_s:
            raise busy("files of others fill the memory that there is for them", "memory_full")
        self._held_s += audio_s
        try:
            yield pcm
        finally:
            self._held_s -= audio_s

    def _refuse_long(self, audio_s: float, param: str) -> None:
        if audio_s > self._settings.max_audio_s:
            raise invalid(
                f"{param}: longer than {self._settings.max_audio_s:g} s: cut it into parts",
                param,
                "audio_too_long",
            )

    async def _by_ffmpeg(self, file: UploadFile, sample_rate_hz: int, param: str) -> Pcm:
        handle = await asyncio.to_thread(_on_disk, file)
        command = (
            *(find_ffmpeg(), "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"),
            *("-protocol_whitelist", "file", "-format_whitelist", _DEMUXERS),
            *("-i", f"file:/dev/fd/{handle}", "-map", "0:a:0", "-vn", "-sn", "-dn"),
            *("-threads", "1", "-ac", "1", "-ar", str(sample_rate_hz), "-f", "s16le", "pipe:1"),
        )
        most_bytes = int(self._settings.max_audio_s * sample_rate_hz) * 2 + 2
        try:
            async with (
                asyncio.timeout(self._settings.decode_s),
                running(*command, stderr=asyncio.subprocess.PIPE, keep_open=(handle,)) as process,
            ):
                assert process.stdout is not None
                assert process.stderr is not None
                complaints = asyncio.create_task(_tail(process.stderr), name="ffmpeg-complaints")
                try:
                    sound = await _read_up_to(process.stdout, most_bytes)
                    if len(sound) >= most_bytes:
                        self._refuse_long(float("inf"), param)
                    status = await process.wait()
                    said = await complaints
                finally:
                    complaints.cancel()
                    await asyncio.wait([complaints])
        except TimeoutError as error:
            raise invalid(
                f"{param}: could not be decoded within {self._settings.decode_s:g} s",
                param,
                "decode_timeout",
            ) from error
        if status and not sound:
            raise _unread(said, param)
        return np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.int16, copy=False)


def _plain_wav(
    file: UploadFile, sample_rate_hz: int, refuse_long: Callable[[float], None]
) -> Pcm | None:
    """The audio of a WAV of 16-bit PCM; None of anything else. Runs in a thread.

    `refuse_long` is asked with its length in s before anything of it is in memory: a small file at
    a low rate is large at another. Raises wave.Error: it has 0 channels.
    """
    source = file.file
    source.seek(0)
    try:
        if source.read(4) != b"RIFF":
            return None
        source.seek(0)
        with wave.open(source, "rb") as wav:
            channels, rate_hz = wav.getnchannels(), wav.getframerate()
            if wav.getsampwidth() != 2 or not 1_000 <= rate_hz <= 384_000 or channels > 8:
                return None
            # Who writes as it is said doesn't know the length, and claims the longest there is.
            most_frames = (file.size or 0) // (2 * channels)
            refuse_long(min(wav.getnframes(), most_frames) / rate_hz)
            content = wav.readframes(1 << 30)
    except (wave.Error, EOFError, RuntimeError) as error:
        if "# of channels" in str(error):
            raise
        return None
    finally:
        source.seek(0)
    frames = np.frombuffer(content[: len(content) // (2 * channels) * 2 * channels], "<i2")
    mono = frames.reshape(-1, channels).mean(axis=1).astype(np.int16) if channels > 1 else frames
    if rate_hz == sample_rate_hz:
        return mono.astype(np.int16, copy=False)
    resampled = resample(mono.astype(np.int16, copy=False), rate_hz, sample_rate_hz)
    return np.clip(np.rint(resampled * 32768), -32768, 32767).astype(np.int16)


def _unread(complaints: str, param: str) -> ApiError:
    """What ffmpeg could make nothing of."""
    if "matches no streams" in complaints:
        return invalid(f"{param}: the file has no audio track", param, "no_audio_track")
    if re.search(r"channel layout to be set|\b0 channels|number of channels 0\b", complaints):
        return _no_channels(param)
    return invalid(
        f"{param}: no audio can be read from this file ({_last_line(complaints)}); it may be "
        f"broken. Taken are {_TAKEN}",
        param,
        "invalid_audio",
    )


def _no_channels(param: str) -> ApiError:
    return invalid(f"{param}: the audio of this file has 0 channels", param, "no_channels")


def _on_disk(file: UploadFile) -> int:
    """The descriptor of the file, which ffmpeg opens again; it has no name in any folder."""
    handle = file.file.fileno()  # moves what was kept in memory to the disk
    file.file.flush()
    return handle


async def _read_up_to(stream: asyncio.StreamReader, most_bytes: int) -> bytes:
    parts = bytearray()
    while len(parts) < most_bytes and (part := await stream.read(1 << 16)):
        parts += part
    return bytes(parts)


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last lines that ffmpeg wrote."""
    last = b""
    while part := await stream.read(4096):
        last = (last + part)[-2000:]
    return last.decode("utf-8", "replace")


def _last_line(complaints: str) -> str:
    """Without the file's name and what is no plain text."""
    lines = complaints.strip().splitlines() or ["nothing was said"]
    line = re.sub(r"file:/dev/fd/\d+:?\s*|\[[^\]]*\]\s*", "", lines[-1])
    return "".join(char for char in line if char.isprintable())[:200]
