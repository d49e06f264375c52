"""How loud audio is; pure."""

import numpy as np

from speech.stt import Pcm

_FULL_SCALE_POWER = float(32768**2)
SILENT_DB = -100.0


def level_db(pcm: Pcm) -> float:
    """The level of int16 mono PCM in dB below full scale (a square wave is 0); -100 for silence."""
    if not len(pcm):
        return SILENT_DB
    floats = pcm.astype(np.float32)
    power = float(np.dot(floats, floats)) / len(pcm)
    return max(SILENT_DB, 10 * float(np.log10(power / _FULL_SCALE_POWER + 1e-12)))
