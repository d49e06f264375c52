"""Is somebody speaking: Silero's model, one session a process, a small state a call.

The weights (MIT) come with Pipecat's wheel and are found without importing Pipecat. A window
costs about 0.1 ms; it is run in the pool (`Priority.VAD`), not on the event loop:

    voice = session.open(sample_rate_hz=8_000)
    probabilities = await pool.run(voice.push, pcm, priority=Priority.VAD)
"""

import importlib.util
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.errors import EngineFailed, EngineUnavailable
from speech.onnx import ORT_FAILURES, Session, load
from speech.stt import Pcm

WINDOW_SAMPLES = {8_000: 256, 16_000: 512}
"""32 ms, the only length that the model was trained for, by sample rate in Hz."""

_CONTEXT_SAMPLES = {8_000: 32, 16_000: 64}  # the end of the last window, put before the next one
_HOW_TO_GET_IT = "run `pip install --force-reinstall 'pipecat-ai==1.14.*'`"

# From pipecat/audio/vad/silero.py at 1.14.0. Music, noise and long silence leave the model's
# recurrent state so that it under-reports the speech after them; a reset clears it. More often
# puts more resets just before speech, which is then noticed some 100 ms late; more seldom leaves
# the model deaf for longer. A reset inside speech cuts it in two: hence only in quiet.
_RESET_INTERVAL_S = 2.0
_RESET_PROBABILITY = 0.1
# Pipecat asks for five windows below that and for its turn state to be quiet, which takes 200 ms
# of no speech. Here one condition stands for both: 7 windows are 224 ms.
_RESET_QUIET_WINDOWS = 7


def silero_path() -> Path:
    """Where Pipecat's wheel keeps the weights.

    Raises:
        EngineUnavailable: Pipecat is not installed.
    """
    spec = importlib.util.find_spec("pipecat")
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(f"pipecat is not installed: {_HOW_TO_GET_IT}")
    return Path(spec.submodule_search_locations[0], "audio", "vad", "data", "silero_vad.onnx")


class SileroSession:
    """The model itself. Load one a process, in a thread (30 ms), and open it for each call."""

    def __init__(self, path: Path | None = None) -> None:
        """Load the weights from `path`; None means those of Pipecat's wheel.

        Raises:
            EngineUnavailable: they are not there, or are no model; says how to get them.
        """
        self._session: Session = load(path or silero_path(), how_to_get_it=_HOW_TO_GET_IT)

    def open(self, *, sample_rate_hz: int) -> "VoiceActivity":
        """A fresh state for one call at 8000 or 16000 Hz."""
        return VoiceActivity(self, sample_rate_hz=sample_rate_hz)

    def run(
        self, samples: npt.NDArray[np.float32], state: npt.NDArray[np.float32], sample_rate_hz: int
    ) -> tuple[float, npt.NDArray[np.float32]]:
        """One step of the model: the probability of speech, and the next state.

        `samples` is float32 -1..1, context and window, shape (n,); `state` has shape (2, 1, 128).

        Raises:
            EngineFailed: the model refused them.
        """
        inputs: dict[str, npt.NDArray[Any]] = {
            "input": samples[np.newaxis],
            "state": state,
            "sr": np.array(sample_rate_hz, np.int64),
        }
        try:
            probability, state = self._session.run(None, inputs)
        except ORT_FAILURES as error:
            raise EngineFailed(f"silero failed on a window: {error}") from error
        return float(probability[0, 0]), state


class VoiceActivity:
    """The voice activity of one call. Give it all of the call's audio, in order."""

    def __init__(self, session: SileroSession, *, sample_rate_hz: int) -> None:
        """A fresh state.

        Raises:
            ValueError: the rate is not 8000 or 16000 Hz, the only ones that the model knows.
        """
        if sample_rate_hz not in WINDOW_SAMPLES:
            raise ValueError(
                f"sample_rate_hz must be 8000 or 16000, not {sample_rate_hz}: resample before"
            )
        self._session = session
        self._rate_hz = sample_rate_hz
        self._lock = threading.Lock()  # a cancelled push may still be running in its worker
        self._rest: Pcm = np.empty(0, np.int16)
        self._reset_windows = int(_RESET_INTERVAL_S * sample_rate_hz / self.window_samples)
        self._clear()

    @property
    def window_samples(self) -> int:
        """The length of a window: 32 ms."""
        return WINDOW_SAMPLES[self._rate_hz]

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the audio that it takes."""
        return self._rate_hz

    def probability(self, window: Pcm) -> float:
        """The probability that somebody speaks in `window`, int16 mono of `window_samples`.

        Raises:
            ValueError: the window has another shape or type.
            EngineFailed: the model broke.
        """
        if window.shape != (self.window_samples,) or window.dtype != np.int16:
            raise ValueError(
                f"a window is int16 of shape ({self.window_samples},) at {self._rate_hz} Hz, "
                f"not {window.dtype} of shape {window.shape}"
            )
        with self._lock:
            return self._step(window)

    def push(self, pcm: Pcm) -> list[float]:
        """Take `pcm`, int16 mono of any length, and return the probability of each full window.

        What is left over waits for the next push, so windows start at multiples of
        `window_samples` of all audio pushed.

        Raises:
            ValueError: `pcm` has another shape or type.
            EngineFailed: the model broke.
        """
        if pcm.ndim != 1 or pcm.dtype != np.int16:
            raise ValueError(f"push int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
        with self._lock:
            audio = np.concatenate((self._rest, pcm))
            full = len(audio) // self.window_samples * self.window_samples
            self._rest = audio[full:].copy()
            windows = audio[:full].reshape(-1, self.window_samples)
            return [self._step(window) for window in windows]

    def reset(self) -> None:
        """Forget everything, as for a new call."""
        with self._lock:
            self._rest = np.empty(0, np.int16)
            self._clear()

    def _clear(self) -> None:
        self._state: npt.NDArray[np.float32] = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES[self._rate_hz], np.float32)
        self._windows_since_reset = 0
        self._quiet_windows = 0

    def _step(self, window: Pcm) -> float:
        scaled = window.astype(np.float32) * np.float32(1 / 32768)
        samples = np.concatenate((self._context, scaled))
        probability, self._state = self._session.run(samples, self._state, self._rate_hz)
        self._context = samples[-len(self._context) :]
        self._windows_since_reset += 1
        self._quiet_windows = self._quiet_windows + 1 if probability < _RESET_PROBABILITY else 0
        if (
            self._windows_since_reset >= self._reset_windows
            and self._quiet_windows >= _RESET_QUIET_WINDOWS
        ):
            quiet = self._quiet_windows
            self._clear()
            self._quiet_windows = quiet
        return probability
