"""From one sample rate to another, in one go or as a stream; soxr underneath."""

from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

from speech.stt import Pcm


def resample(pcm: Pcm, from_hz: int, to_hz: int) -> npt.NDArray[np.float32]:
    """All of `pcm`, int16 mono at `from_hz`, as float32 -1..1 at `to_hz`."""
    samples = pcm.astype(np.float32) * np.float32(1 / 32768)
    if from_hz == to_hz or not len(samples):
        return samples
    return cast(npt.NDArray[np.float32], soxr.resample(samples, from_hz, to_hz, quality="HQ"))


class StreamResampler:
    """Resamples int16 mono as it comes. `finish` gives the tail that the filter holds back."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        # HQ passes up to 91 % of the lower rate's band and holds back half of what VHQ does.
        self._stream = (
            None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, "int16", "HQ")
        )

    def push(self, pcm: Pcm) -> Pcm:
        """Take audio and return what is ready, which may be nothing yet."""
        if self._stream is None:
            return pcm
        return cast(Pcm, self._stream.resample_chunk(pcm))

    def finish(self) -> Pcm:
        """The rest. Nothing may be pushed afterwards."""
        if self._stream is None:
            return np.empty(0, np.int16)
        return cast(Pcm, self._stream.resample_chunk(np.empty(0, np.int16), last=True))
