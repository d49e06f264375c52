"""Does it sound finished: Smart Turn v3.2, by the melody of the last seconds of speech.

The weights (BSD-2) and the features come with Pipecat's wheel. One session serves all calls; it is
loaded with its first question, which only flows with a `listen` node ask. A question costs 30 to
55 ms of a core, so it is asked twice a pause at most, and not while other work waits in the pool.

The features end in a product of matrices, which has deadlocked when several threads' BLAS threads
fought for the cores: it is worked out by one thread at a time.
"""

import importlib
import importlib.util
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np

from speech.errors import EngineBusy, EngineFailed, EngineUnavailable
from speech.onnx import ORT_FAILURES, Session, load
from speech.pool import EnginePool, Priority
from speech.resampling import resample
from speech.stt import Pcm

_RATE_HZ = 16_000
_HEARD_S = 8  # what the model was trained on; shorter audio has silence before it
_FOLDER = ("audio", "turn", "smart_turn")
_WEIGHTS = "smart-turn-v3.2-cpu.onnx"
_HOW_TO_GET_IT = "run `pip install --force-reinstall 'pipecat-ai==1.14.*'`"
DEADLINE_S = 0.5
"""An answer that comes later comes after the silence that needs none."""


class SmartTurn:
    """The model, loaded when it is first asked. One a process."""

    def __init__(
        self, pool: EnginePool, *, path: Path | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        """`path`: the weights; None means those of Pipecat's wheel."""
        self._pool = pool
        self._deadline_s = deadline_s
        self._path = path
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._features: Any = None

    async def finished(self, pcm: Pcm, *, sample_rate_hz: int) -> float:
        """The probability (0..1) that the speaker has finished at the end of `pcm`, int16 mono.

        Raises:
            EngineBusy: other work waits; this is not worth waiting for.
            EngineUnavailable: Pipecat's wheel lacks the weights.
            EngineFailed, DeadlineExceeded: there is no answer.
        """
        if self._pool.has_waiting:
            raise EngineBusy("not asked whether the caller has finished: other work waits")
        return await self._pool.run(
            self._finished,
            pcm[-_HEARD_S * sample_rate_hz :],
            sample_rate_hz,
            priority=Priority.FINAL,  # a caller waits for what follows from it
            deadline_s=self._deadline_s,
        )

    def _finished(self, pcm: Pcm, sample_rate_hz: int) -> float:
        samples = resample(pcm, sample_rate_hz, _RATE_HZ)[-_HEARD_S * _RATE_HZ :]
        samples = np.pad(samples, (_HEARD_S * _RATE_HZ - len(samples), 0))
        with self._lock:
            if self._session is None:
                self._session, self._features = self._loaded()
            features = self._features(samples, do_normalize=True)
        try:
            (probability,) = self._session.run(None, {"input_features": features[np.newaxis]})
        except ORT_FAILURES as error:
            raise EngineFailed(f"smart turn failed: {error}") from error
        return float(np.ravel(probability)[0])

    def _loaded(self) -> tuple[Session, Any]:
        path = self._path
        if path is None:
            spec = importlib.util.find_spec("pipecat")
            if spec is None or not spec.submodule_search_locations:
                raise EngineUnavailable(f"pipecat is not installed: {_HOW_TO_GET_IT}")
            path = Path(spec.submodule_search_locations[0], *_FOLDER, "data", _WEIGHTS)
        session = load(path, how_to_get_it=_HOW_TO_GET_IT)
        module = importlib.import_module(".".join(("pipecat", *_FOLDER, "_whisper_features")))
        return session, cast(Any, module).compute_whisper_log_mel_features
