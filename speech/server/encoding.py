"""Formats that speech is sent in: PCM and WAV as they are, the others by ffmpeg, all as streams."""

import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from speech.server.ffmpeg import encoded_by_ffmpeg
from speech.server.primed import primed
from speech.stt import Pcm

_UNKNOWN = 0xFFFFFFFF  # the size of what isn't finished, as OpenAI writes it into its own streams


@dataclass(frozen=True, slots=True)
class Format:
    """One of the values of `response_format`."""

    media_type: str
    codec: tuple[str, ...] = ()  # ffmpeg's options; () where no ffmpeg is needed


FORMATS = {
    "mp3": Format("audio/mpeg", ("-c:a", "libmp3lame", "-write_xing", "0", "-f", "mp3")),
    "opus": Format(
        "audio/ogg",
        (
            "-c:a",
            "libopus",
            "-b:a",
            "32k",
            "-application",
            "voip",
            "-page_duration",
            "20000",
            "-f",
            "ogg",
        ),
    ),
    "aac": Format("audio/aac", ("-c:a", "aac", "-f", "adts")),
    "flac": Format("audio/flac", ("-c:a", "flac", "-f", "flac")),
    "wav": Format("audio/wav"),
    "pcm": Format("audio/pcm"),
}

RATES_HZ = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""What can be asked for; 24 kHz, OpenAI's own, unless it is."""

DEFAULT_RATE_HZ = 24_000


async def encoded(
    pcm: AsyncGenerator[Pcm, None], *, sample_rate_hz: int, name: str, piece_ms: int = 0
) -> AsyncGenerator[bytes, None]:
    """`pcm`, int16 mono at `sample_rate_hz`, in one of `FORMATS`.

    Nothing is given before the first audio is there, not even a header. `piece_ms`: PCM and WAV
    come in pieces of that length, the last is shorter; 0: as the engine makes them.

    Raises:
        EngineUnavailable: the format needs ffmpeg, and there is none.
        SpeechError: what `pcm` raises.
    """
    format_ = FORMATS[name]
    if format_.codec:
        source = await primed(pcm)
        chunks = encoded_by_ffmpeg(source, sample_rate_hz=sample_rate_hz, codec=format_.codec)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
        return
    header = _wav_header(sample_rate_hz) if name == "wav" else b""
    source = pieces_of(pcm, sample_rate_hz * piece_ms // 1000) if piece_ms else pcm
    async with aclosing(source):
        async for piece in source:
            yield header + np.ascontiguousarray(piece, "<i2").tobytes()
            header = b""
    if header:
        yield header  # nothing was said


async def pieces_of(pcm: AsyncGenerator[Pcm, None], samples: int) -> AsyncGenerator[Pcm, None]:
    """The same audio in pieces of exactly `samples`; the last may be shorter."""
    held = np.empty(0, np.int16)
    async with aclosing(pcm):
        async for chunk in pcm:
            held = np.concatenate([held, chunk])
            whole = len(held) // samples * samples
            for start in range(0, whole, samples):
                yield held[start : start + samples]
            held = held[whole:]
    if len(held):
        yield held


def _wav_header(sample_rate_hz: int) -> bytes:
    """Of int16 mono whose length nobody knows yet."""
    return (
        struct.pack("<4sI4s4sI", b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", 16)
        + struct.pack("<HHIIHH", 1, 1, sample_rate_hz, sample_rate_hz * 2, 2, 16)
        + struct.pack("<4sI", b"data", _UNKNOWN)
    )
