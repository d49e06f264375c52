"""What XTTS does in its threads: a text spoken in pieces, a voice learned, a device measured."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np

from speech.clauses import Piece
from speech.engines.xtts_joints import PieceEdges
from speech.engines.xtts_model import REFERENCE_RATE_HZ, Saying, XttsModel
from speech.engines.xtts_text import most_audio_tokens, speakable_pieces
from speech.engines.xtts_voice import Learned
from speech.errors import EngineFailed
from speech.resampling import resample
from speech.silence import speech_span
from speech.stt import Pcm
from speech.tts import SpeechRequest

RATES = (0.9, 1.1)
"""Rates it can do: the rate stretches what the vocoder is given, and beyond these it warbles."""

SHORTEST_REFERENCE_S = 3.0
"""Speech that a voice is learned from, at least: coqui-tts asks for 3 s or more; 10 are better."""

_WARMING = "Your order is on its way, and the rider will be there in ten minutes."


class XttsSpeaker:
    """The model with the sizes of its chunks."""

    def __init__(self, model: XttsModel, *, first_tokens: int, part_tokens: int) -> None:
        self._model = model
        self._first = first_tokens
        self._part = part_tokens

    def spoken(
        self, request: SpeechRequest, voice: Learned, is_stopped: Callable[[], bool]
    ) -> Iterator[Pcm]:
        """Yield a text's audio, int16 mono; ends early, before a token, where `is_stopped`."""
        rate_hz = self._model.sample_rate_hz
        is_first = True
        for piece in self.pieces(request.text, request.language):
            edges = PieceEdges(
                sample_rate_hz=rate_hz, is_first=is_first, ends_sentence=piece.ends_sentence
            )
            saying = self._saying(piece.text, request.language, voice, request.rate, is_first)
            for part in self._model.say(saying, is_stopped):
                if len(ready := edges.push(part)):
                    yield ready
            if is_stopped():
                return
            if len(rest := edges.finish()):
                is_first = False
                yield rest

    def pieces(self, text: str, language: str) -> list[Piece]:
        """The text in what the model can speak in one go."""
        return speakable_pieces(
            text,
            language,
            longest_chars=self._model.longest_chars(language),
            most_tokens=self._model.most_text_tokens,
            count_tokens=lambda piece: self._model.count_tokens(piece, language),
        )

    def learn(self, reference: Pcm, sample_rate_hz: int) -> Learned:
        """A voice from a recording, int16 mono.

        Raises:
            EngineFailed: there is too little speech in it.
        """
        audio = resample(reference, sample_rate_hz, REFERENCE_RATE_HZ)
        first, end = speech_span(audio, REFERENCE_RATE_HZ)
        speech_s = (end - first) / REFERENCE_RATE_HZ
        if speech_s < SHORTEST_REFERENCE_S:
            raise EngineFailed(
                f"{speech_s:.1f} s of speech are too little to learn a voice from: give at least "
                f"{SHORTEST_REFERENCE_S:g} s, better 10"
            )
        return self._model.learn(audio[first:end])

    def warm(self, voice: Learned) -> None:
        """Speak to nobody what a text needs: a first chunk, later ones, and a shorter last one."""
        for _ in self._model.say(self._to_nobody(voice)):
            pass

    def real_time_factor(self, streams: int, voice: Learned, threads: Executor) -> float:
        """Of the slowest of so many at once: seconds of work for a second of speech."""
        saying = self._to_nobody(voice)

        def run() -> float:
            began_s = time.perf_counter()
            samples = sum(len(part) for part in self._model.say(saying))
            return (time.perf_counter() - began_s) * self._model.sample_rate_hz / samples

        return max(job.result() for job in [threads.submit(run) for _ in range(streams)])

    def any_voice(self) -> Learned:
        """One that sounds like nobody, for warming where no voice is known yet."""
        return Learned(
            np.zeros((1, 32, self._model.channels), np.float32),
            np.zeros((1, self._model.speaker_numbers, 1), np.float32),
        )

    def _saying(
        self, text: str, language: str, voice: Learned, rate: float, is_first: bool
    ) -> Saying:
        most = most_audio_tokens(
            text,
            longest_chars=self._model.longest_chars(language),
            most=self._model.most_audio_tokens,
        )
        return Saying(
            text=text,
            language=language,
            voice=voice,
            rate=min(max(rate, RATES[0]), RATES[1]),
            first_tokens=self._first if is_first else self._part,
            part_tokens=self._part,
            most_tokens=most,
        )

    def _to_nobody(self, voice: Learned) -> Saying:
        return Saying(
            text=_WARMING,
            language="en",
            voice=voice,
            first_tokens=self._first,
            part_tokens=self._part,
            most_tokens=self._first + 2 * self._part + self._part // 2,
            never_stops=True,
        )
