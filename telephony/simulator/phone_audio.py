"""Audio on the telephone's side: its own G.711 mu-law, resampling, levels, tones, WAV.

The codec is the simulator's own on purpose: a bug in the bot's codec can then not hide behind the
same bug at the far end. Inside the simulator audio is int16 mono, shape (n,), at the line's rate.
"""

import wave
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]

Pcm = npt.NDArray[np.int16]
Mask = npt.NDArray[np.bool_]

FULL_SCALE: Final = 32768.0
SILENCE_DBFS: Final = -120.0
_MULAW_BIAS: Final = 132
_MULAW_CLIP: Final = 32635


def _decode_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = (((mantissa << 3) + _MULAW_BIAS) << exponent) - _MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


_DECODE: Final = _decode_table()


def mulaw_to_pcm(payload: bytes) -> Pcm:
    """G.711 mu-law bytes to int16 mono; one sample a byte, 0xFF is silence."""
    return _DECODE[np.frombuffer(payload, dtype=np.uint8)]


def pcm_to_mulaw(pcm: Pcm) -> bytes:
    """int16 mono to G.711 mu-law bytes; silence becomes 0xFF."""
    wide = pcm.astype(np.int32)
    magnitude = np.minimum(np.abs(wide), _MULAW_CLIP) + _MULAW_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(wide < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


def s16le_to_pcm(payload: bytes) -> Pcm:
    """Little-endian 16-bit bytes to int16 mono. An odd last byte is the caller's to reject."""
    return np.frombuffer(payload, dtype="<i2").astype(np.int16)


def pcm_to_s16le(pcm: Pcm) -> bytes:
    return pcm.astype("<i2").tobytes()


def to_line_rate(pcm: Pcm, sample_rate_hz: int, line_rate_hz: int) -> Pcm:
    """A whole clip, int16 mono shape (n,), at the line's rate."""
    if pcm.ndim != 1:
        raise ValueError(f"a clip is mono, shape (n,), not {pcm.shape}")
    if pcm.dtype != np.int16:
        raise ValueError(f"a clip is int16, not {pcm.dtype}: scale and convert it first")
    if sample_rate_hz == line_rate_hz or pcm.size == 0:
        return pcm
    resampled = cast(Any, soxr).resample(pcm, sample_rate_hz, line_rate_hz, quality="HQ")
    return np.asarray(resampled, dtype=np.int16)


def level_dbfs(pcm: Pcm) -> float:
    """RMS level, 0 dBFS being a full-scale square wave; -120 for digital silence."""
    if pcm.size == 0:
        return SILENCE_DBFS
    mean_square = float(np.mean(np.square(pcm.astype(np.float64))))
    if mean_square == 0.0:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 10.0 * float(np.log10(mean_square / FULL_SCALE**2)))


def tone(
    frequency_hz: float, duration_ms: int, sample_rate_hz: int, level_db: float = -15.0
) -> Pcm:
    """A sine of an RMS level in dBFS, with 5 ms ramps so that it does not click."""
    count = sample_rate_hz * duration_ms // 1000
    seconds = np.arange(count) / sample_rate_hz
    wave_form = np.sin(2.0 * np.pi * frequency_hz * seconds)
    wave_form *= FULL_SCALE * np.sqrt(2.0) * 10.0 ** (level_db / 20.0)
    ramp = min(count // 2, sample_rate_hz // 200)
    if ramp:
        wave_form[:ramp] *= np.linspace(0.0, 1.0, ramp)
        wave_form[-ramp:] *= np.linspace(1.0, 0.0, ramp)
    return saturate(wave_form)


def voicemail_beep(sample_rate_hz: int) -> Pcm:
    """The tone after which a voicemail records: 1 kHz for 500 ms."""
    return tone(1000.0, 500, sample_rate_hz, level_db=-12.0)


def saturate(samples: npt.NDArray[np.floating[Any]]) -> Pcm:
    """Float samples in int16 units to int16, clipped and not wrapped."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def save_wav(path: Path, left: Pcm, right: Pcm | None, sample_rate_hz: int) -> None:
    """Writes 16-bit WAV, mono or two channels; the shorter channel is padded with silence."""
    channels = [left] if right is None else [left, right]
    length = max(channel.size for channel in channels)
    padded = [np.pad(channel, (0, length - channel.size)) for channel in channels]
    frames = np.stack(padded, axis=1)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(len(padded))
        out.setsampwidth(2)
        out.setframerate(sample_rate_hz)
        out.writeframes(frames.astype("<i2").tobytes())
