"""Audio that arrives over a network in pieces of any size: bytes in, int16 mono out.

Raw PCM is cut between samples; a WAV file, also one whose length was not known when its header was
written, loses its header; both are brought to the rate that the engine promises.
"""

import numpy as np

from speech.errors import EngineFailed
from speech.resampling import StreamResampler
from speech.stt import Pcm

_HEADER_BYTES = 65_536
"""A WAV file's chunks before its samples are a few dozen bytes; more is no WAV file."""

_LEAST_HEADER_BYTES = 12


class ArrivingAudio:
    """One answer's audio. `push` what comes, then `finish`."""

    def __init__(self, *, sample_rate_hz: int, raw_rate_hz: int, peer: str) -> None:
        """Expect raw int16 LE mono PCM at `raw_rate_hz`, or a WAV file, which names its own rate.

        Args:
            sample_rate_hz: what `push` and `finish` give.
            raw_rate_hz: of what comes without a header.
            peer: whose audio it is, for the errors.
        """
        self._rate_hz = sample_rate_hz
        self._raw_rate_hz = raw_rate_hz
        self._peer = peer
        self._pending = b""
        self._resampler: StreamResampler | None = None  # None: it is not yet known what comes

    def push(self, data: bytes) -> Pcm:
        """Take what came and return what is ready, perhaps nothing.

        Raises:
            EngineFailed: it is a WAV file of another kind than 16-bit mono.
        """
        self._pending += data
        if self._resampler is None and not self._begin():
            return np.empty(0, np.int16)
        assert self._resampler is not None
        whole = len(self._pending) // 2 * 2
        pcm = np.frombuffer(self._pending[:whole], "<i2").astype(np.int16)
        self._pending = self._pending[whole:]
        return self._resampler.push(pcm) if len(pcm) else pcm

    def finish(self) -> Pcm:
        """What the resampler holds back."""
        if self._resampler is None:
            if len(self._pending) < 2 or self._pending.startswith(b"RIFF"):
                return np.empty(0, np.int16)
            self._resampler = StreamResampler(self._raw_rate_hz, self._rate_hz)
            return np.concatenate([self.push(b""), self._resampler.finish()])
        return self._resampler.finish()

    def _begin(self) -> bool:
        """Whether it is known what comes: a header, where there is one, is gone then."""
        if len(self._pending) < _LEAST_HEADER_BYTES:
            return False
        rate_hz = self._raw_rate_hz
        if self._pending[:4] == b"RIFF" and self._pending[8:12] == b"WAVE":
            found = self._past_header()
            if found is None:
                return False
            rate_hz, first = found
            self._pending = self._pending[first:]
        self._resampler = StreamResampler(rate_hz, self._rate_hz)
        return True

    def _past_header(self) -> tuple[int, int] | None:
        """The rate, and where the samples begin; None until they do."""
        at, rate_hz = _LEAST_HEADER_BYTES, 0
        while len(self._pending) >= at + 8:
            kind = self._pending[at : at + 4]
            size = int.from_bytes(self._pending[at + 4 : at + 8], "little")
            if kind == b"data":
                if not rate_hz:
                    raise EngineFailed(f"{self._peer} sent a WAV file that doesn't say its format")
                return rate_hz, at + 8
            if at + size > _HEADER_BYTES:
                raise EngineFailed(f"{self._peer} sent a WAV file without samples")
            if kind == b"fmt ":
                if len(self._pending) < at + 24:
                    return None
                rate_hz = self._rate_of(self._pending[at + 8 : at + 24])
            at += 8 + size + size % 2
        return None

    def _rate_of(self, kind: bytes) -> int:
        """From the format of a WAV file: tag, channels, rate, bytes a second and a frame, bits."""
        channels, bits = int.from_bytes(kind[2:4], "little"), int.from_bytes(kind[14:16], "little")
        rate_hz = int.from_bytes(kind[4:8], "little")
        if channels != 1 or bits != 16 or not 4_000 <= rate_hz <= 192_000:
            raise EngineFailed(
                f"{self._peer} sent a WAV file of {channels} channels, {bits} bits, {rate_hz} Hz: "
                "it must be 16-bit mono (option response_format=pcm asks for raw samples)"
            )
        return rate_hz
