"""Is there enough clean speech in a recording to make a voice of it? Measured, then judged.

What counts is the time that somebody speaks, not the length of the recording. Who speaks, and
whether it is one person, is not measured here: the consent says it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech.errors import ReferenceRefused
from speech.resampling import resample
from speech.stt import Pcm
from speech.vad import WINDOW_SAMPLES, SileroSession

RATES_HZ = (8_000, 192_000)
LONGEST_S = 600.0
"""More makes no better voice: XTTS conditions on 30 s, others on 10 s to 20 s."""

SHORTEST_SPEECH_S = 10.0
"""The most that the engines' projects ask for: Chatterbox 10 s, XTTS 6 s."""

QUIETEST_DB = -45.0
"""Speech below it was recorded from across a room; usual recordings are at -15 to -30."""

LEAST_SNR_DB = 15.0
"""Speech over what is heard between the words: engines imitate the noise as a part of the voice. A
book read in a room measured 26, prompts of a studio 77; with white noise 10 dB under the speech the
reading measures 16, with noise 5 dB under it 12."""

MOST_CLIPPED = 0.001
"""The share of samples on a flat top. A book read in a room, and prompts of a studio, measured 0;
the book 4 dB too loud 0.0006, which is hardly heard, 10 dB too loud 0.02, which is torn."""

_IS_SPEECH = 0.5  # Silero's own threshold
_NOISE_PERCENTILE = 10  # of the quiet windows: breath and the ends of words are in the others
_VAD_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class ReferenceMeasures:
    """What a recording holds."""

    total_s: float
    speech_s: float
    speech_db: float  # mean level of speech below full scale; -100 where there is none
    snr_db: float  # speech over what is between it
    clipped_share: float  # of all samples, 0..1


def measure(
    pcm: Pcm, sample_rate_hz: int, *, vad: SileroSession | None = None
) -> ReferenceMeasures:
    """Measure a recording, int16 mono, shape (n,). Takes 10 ms a second of it: run it in a thread.

    Without `vad` speech is told by its level alone: music and voices in the background count too.

    Raises:
        ReferenceRefused: it is no such audio, or longer than ten minutes.
    """
    if pcm.ndim != 1 or pcm.dtype != np.int16:
        raise ReferenceRefused(
            f"the recording must be int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}: "
            "mix its channels down to one"
        )
    if not RATES_HZ[0] <= sample_rate_hz <= RATES_HZ[1]:
        raise ReferenceRefused(
            f"the recording has {sample_rate_hz} Hz; it must have {RATES_HZ[0]} to {RATES_HZ[1]}"
        )
    total_s = len(pcm) / sample_rate_hz
    if total_s > LONGEST_S:
        raise ReferenceRefused(
            f"the recording is {total_s:.0f} s long; cut it to {LONGEST_S:.0f} s at most"
        )
    samples = resample(pcm, sample_rate_hz, _VAD_RATE_HZ)
    window = WINDOW_SAMPLES[_VAD_RATE_HZ]
    samples = samples[: len(samples) // window * window]
    windows = samples.reshape(-1, window)
    if not len(windows):
        return ReferenceMeasures(total_s, 0.0, -100.0, 0.0, 0.0)
    levels = 10 * np.log10(np.mean(windows.astype(np.float64) ** 2, axis=1) + 1e-10)
    spoken = _spoken(samples, vad) if vad is not None else _loud(levels)
    quiet = levels[~spoken]
    if len(quiet) < 10:  # no pauses: the quietest moments of the speech itself
        quiet = levels
    speech_db = _mean_db(levels[spoken])
    return ReferenceMeasures(
        total_s=total_s,
        speech_s=float(np.count_nonzero(spoken)) * window / _VAD_RATE_HZ,
        speech_db=speech_db,
        snr_db=speech_db - float(np.percentile(quiet, _NOISE_PERCENTILE)),
        clipped_share=_clipped_share(pcm),
    )


def judge(measured: ReferenceMeasures) -> None:
    """See that a voice can be made of a recording.

    Raises:
        ReferenceRefused: a line for each reason why not, with the number measured and the fix.
    """
    faults: list[str] = []
    if measured.speech_s < SHORTEST_SPEECH_S:
        faults.append(
            f"the recording has {measured.speech_s:.1f} s of speech in {measured.total_s:.1f} s; "
            f"at least {SHORTEST_SPEECH_S:.0f} s are needed: record more"
        )
    if measured.speech_s > 0:
        if measured.speech_db < QUIETEST_DB:
            faults.append(
                f"the speech is at {measured.speech_db:.0f} dB; at least {QUIETEST_DB:.0f} dB are "
                "needed: record it nearer"
            )
        if measured.snr_db < LEAST_SNR_DB:
            faults.append(
                f"the speech is {measured.snr_db:.0f} dB over the noise; at least "
                f"{LEAST_SNR_DB:.0f} dB are needed: record it in a quiet room"
            )
    if measured.clipped_share > MOST_CLIPPED:
        faults.append(
            f"{measured.clipped_share:.2%} of the samples are clipped; at most "
            f"{MOST_CLIPPED:.1%} may be: record it with less gain"
        )
    if faults:
        raise ReferenceRefused("\n".join(faults))


def _spoken(samples: npt.NDArray[np.float32], vad: SileroSession) -> npt.NDArray[np.bool_]:
    activity = vad.open(sample_rate_hz=_VAD_RATE_HZ)
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    return np.array(activity.push(pcm)) >= _IS_SPEECH


def _loud(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Windows that are louder than the quiet ones by 12 dB: steady noise is no speech."""
    floor = float(np.percentile(levels, _NOISE_PERCENTILE))
    loudest = float(np.percentile(levels, 95))
    return levels > max(floor + 12.0, loudest - 30.0, -55.0)


def _mean_db(levels: npt.NDArray[np.float64]) -> float:
    if not len(levels):
        return -100.0
    return float(10 * np.log10(np.mean(10 ** (levels / 10))))


def _clipped_share(pcm: Pcm) -> float:
    """The share of samples in runs of three or more that stand at the recording's own limit.

    Its own, because what was clipped may have been turned down afterwards.
    """
    magnitude = np.abs(pcm.astype(np.int32))
    peak = int(magnitude.max(initial=0))
    if peak < 2_000:
        return 0.0
    at_top = magnitude >= peak * 0.995
    runs = at_top[:-2] & at_top[1:-1] & at_top[2:]
    in_run = np.zeros(len(pcm), np.bool_)
    for shift in range(3):
        in_run[shift : len(pcm) - 2 + shift] |= runs
    return float(np.count_nonzero(in_run)) / len(pcm)
