"""One utterance of a websocket on its way through a borrowed engine."""

from contextlib import ExitStack

import numpy as np

from speech.server.errors import ApiError
from speech.server.host import EngineHost
from speech.server.languages import first_and_others, language_code
from speech.server.settings import ServerSettings
from speech.server.stream_messages import Start
from speech.stt import RecognitionStream


class Utterance:
    """Counts its own audio; time is what was heard, not what a clock says."""

    def __init__(self, start: Start, host: EngineHost, settings: ServerSettings) -> None:
        """Borrow the engine and open its stream.

        Raises:
            ApiError: no such model, or no language code.
            SpeechError: the engine is busy, or doesn't know the language.
        """
        language = language_code(start.language)
        self.id = start.id
        self.model = host.hearing_model(start.model, language)
        self.partials = 0  # running
        self.is_finishing = False
        self._rate_hz = start.sample_rate_hz
        self._every_samples = start.partial_every_ms * start.sample_rate_hz // 1000
        self._most_samples = int(settings.max_utterance_s * start.sample_rate_hz)
        self._samples = 0
        self._asked_at_samples = 0
        self._borrowed = ExitStack()
        try:
            ear = self._borrowed.enter_context(host.ear(self.model))
            first, others = first_and_others(ear.languages, language)
            self.stream: RecognitionStream = ear.open(
                language=first,
                sample_rate_hz=start.sample_rate_hz,
                hints=start.hints,
                other_languages=start.other_languages or others,
            )
        except BaseException:
            self._borrowed.close()
            raise

    @property
    def audio_s(self) -> float:
        """What was fed."""
        return self._samples / self._rate_hz

    def feed(self, audio: bytes) -> None:
        """Take audio, int16 LE mono.

        Raises:
            ApiError: half a sample, or more than an utterance may have.
        """
        if len(audio) % 2:
            raise ApiError(
                400, "audio must be int16: an even number of bytes", param="audio", code="bad_audio"
            )
        pcm = np.frombuffer(audio, "<i2").astype(np.int16, copy=False)
        if self._samples + len(pcm) > self._most_samples:
            raise ApiError(
                400,
                f"the utterance is longer than {self._most_samples // self._rate_hz} s: finish it "
                "at a pause and start another",
                param="audio",
                code="audio_too_long",
            )
        self._samples += len(pcm)
        self.stream.feed(pcm)

    def is_partial_due(self) -> bool:
        """Whether it is time for a partial that nobody has to ask for."""
        new_samples = self._samples - self._asked_at_samples
        if not self._every_samples or new_samples < self._every_samples or self.partials:
            return False
        self._asked_at_samples = self._samples
        return True

    def close(self) -> None:
        """Give everything back; what still decodes is cancelled. Safe to call again."""
        self.stream.cancel()
        self._borrowed.close()
