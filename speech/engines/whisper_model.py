"""Whisper's network on one device: batches of sound in, tokens, words and probabilities out.

faster-whisper gives the files, the features, the tokens and the alignment; CTranslate2 runs the
network. What faster-whisper itself does one after another for one recording is done here for a
batch of short ones, of different calls: their languages, prompts and lengths may differ.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from speech.engines.whisper_attempts import (
    FRAMES_A_SECOND,
    FULL_WINDOW_S,
    MOST_TOKENS,
    Attempt,
    Encoded,
    Features,
    Guess,
    choose_language,
    window_frames,
)
from speech.engines.whisper_options import Placement
from speech.errors import EngineFailed
from speech.silence import Samples
from speech.stt import Word


@dataclass(frozen=True, slots=True)
class _Generated:
    tokens: list[int]
    log_probability: float
    no_speech_probability: float


@dataclass(slots=True, eq=False)
class WhisperNetwork:
    """A loaded model. `run` may be called in several threads; each runs on `threads` cores."""

    whisper: Any  # faster_whisper.WhisperModel
    placement: Placement
    _tokenizers: dict[str, Any] = field(default_factory=dict[str, Any])
    _suppressed: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        from faster_whisper import transcribe

        suppressed = cast(Any, transcribe).get_suppressed_tokens(self.tokenizer("en"), [-1])
        self._suppressed = [token for token in suppressed if token is not None]

    @property
    def is_multilingual(self) -> bool:
        return bool(self.whisper.model.is_multilingual)

    def knows(self, language: str) -> bool:
        """Whether the model has a token for it (ISO 639-1)."""
        if not self.is_multilingual:
            return language == "en"
        has_token = self.whisper.hf_tokenizer.token_to_id(f"<|{language}|>") is not None
        return has_token and language in self.whisper.supported_languages

    def tokenizer(self, language: str) -> Any:
        """faster-whisper's, for the transcription of a language."""
        if language not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer

            self._tokenizers[language] = cast(Any, Tokenizer)(
                self.whisper.hf_tokenizer,
                self.is_multilingual,
                task="transcribe",
                language=language if self.is_multilingual else "en",
            )
        return self._tokenizers[language]

    def encode_text(self, text: str) -> list[int]:
        """The tokens of a text."""
        return list(self.tokenizer("en").encode(text))

    def features(self, samples: Samples, *, is_short: bool) -> tuple[Features, int]:
        """The features of float32 at 16 kHz in their window, and how many frames are sound."""
        made = cast(Features, self.whisper.feature_extractor(samples))
        frames = min(made.shape[1], int(FULL_WINDOW_S * FRAMES_A_SECOND))
        window = window_frames(frames) if is_short else int(FULL_WINDOW_S * FRAMES_A_SECOND)
        padded = np.zeros((made.shape[0], window), np.float32)
        padded[:, :frames] = made[:, :frames]
        return padded, frames

    def run(self, attempts: Sequence[Attempt]) -> list[Guess]:
        """One guess for each attempt, in their order; all must have the same key.

        Raises:
            EngineFailed: the network refused them.
        """
        try:
            return self._run(attempts)
        except (RuntimeError, ValueError, IndexError, MemoryError) as error:
            raise EngineFailed(f"whisper failed on a batch of {len(attempts)}: {error}") from error

    def _run(self, attempts: Sequence[Attempt]) -> list[Guess]:
        rows = self._encoded(attempts)
        languages = self._languages(attempts, rows)
        prompts = [
            self._prompt(attempt, language)
            for attempt, (language, _) in zip(attempts, languages, strict=True)
        ]
        # The network wants prompts of one length.
        by_length: dict[int, list[int]] = defaultdict(list)
        for at, prompt in enumerate(prompts):
            by_length[len(prompt)].append(at)
        made: dict[int, _Generated] = {}
        words: dict[int, tuple[Word, ...]] = {}
        for group in by_length.values():
            its_rows = self._pick(rows, group, len(attempts))
            heard = self._generate(
                [attempts[at] for at in group], [prompts[at] for at in group], its_rows
            )
            made.update(zip(group, heard, strict=True))
        for language in {language for language, _ in languages}:
            group = [
                at
                for at, attempt in enumerate(attempts)
                if attempt.wants_words and languages[at][0] == language and made[at].tokens
            ]
            if group:
                its_rows = self._pick(rows, group, len(attempts))
                aligned = self._align(
                    language,
                    [made[at].tokens for at in group],
                    [attempts[at].frames for at in group],
                    its_rows,
                )
                words.update(zip(group, aligned, strict=True))
        return [
            Guess(
                language=languages[at][0],
                language_probability=languages[at][1],
                text=" ".join(self.tokenizer(languages[at][0]).decode(made[at].tokens).split()),
                log_probability=made[at].log_probability,
                no_speech_probability=made[at].no_speech_probability,
                encoded=Encoded(rows, at),
                words=words.get(at, ()),
            )
            for at in range(len(attempts))
        ]

    def _prompt(self, attempt: Attempt, language: str) -> list[int]:
        before = next(c.prompt for c in attempt.choices if c.language == language)
        return list(
            self.whisper.get_prompt(self.tokenizer(language), list(before), without_timestamps=True)
        )

    def _encoded(self, attempts: Sequence[Attempt]) -> Any:
        """The encoder's vectors, a row for each attempt."""
        new = [at for at, attempt in enumerate(attempts) if attempt.encoded is None]
        rows = None
        if new:
            rows = self.whisper.encode(np.stack([attempts[at].features for at in new]))
        if rows is not None and len(new) == len(attempts):
            return rows
        parts: list[npt.NDArray[Any]] = []
        fresh = iter(_array(rows)) if rows is not None else iter(())
        for attempt in attempts:
            kept = attempt.encoded
            parts.append(next(fresh) if kept is None else _array(kept.rows)[kept.row])
        return _storage(np.stack(parts))

    def _pick(self, rows: Any, group: list[int], count: int) -> Any:
        return rows if len(group) == count else _storage(_array(rows)[group])

    def _languages(self, attempts: Sequence[Attempt], rows: Any) -> list[tuple[str, float]]:
        asked = [at for at, attempt in enumerate(attempts) if len(attempt.choices) > 1]
        chosen = [(attempt.choices[0].language, 1.0) for attempt in attempts]
        if asked and self.is_multilingual:
            picked = self._pick(rows, asked, len(attempts))
            for at, found in zip(asked, self.whisper.model.detect_language(picked), strict=True):
                odds = {token[2:-2]: float(value) for token, value in found}
                names = [choice.language for choice in attempts[at].choices]
                chosen[at] = choose_language(names, odds, margin=attempts[at].margin)
        return chosen

    def _generate(
        self, attempts: Sequence[Attempt], prompts: list[list[int]], rows: Any
    ) -> list[_Generated]:
        first = attempts[0]
        most = max(attempt.most_tokens for attempt in attempts)
        # The network takes half of max_length for new tokens, and what the prompt leaves of it.
        longest = min(2 * MOST_TOKENS, max(2 * most, most + len(prompts[0])))
        sampled = first.temperature > 0
        results = self.whisper.model.generate(
            rows,
            prompts,
            beam_size=1 if sampled else first.beam_size,
            sampling_topk=0 if sampled else 1,
            sampling_temperature=first.temperature or 1.0,
            num_hypotheses=3 if sampled else 1,
            max_length=longest,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed,
        )
        end = self.tokenizer("en").eot
        return [
            _generated(result, end, attempt.most_tokens)
            for result, attempt in zip(results, attempts, strict=True)
        ]

    def _align(
        self, language: str, tokens: list[list[int]], frames: list[int], rows: Any
    ) -> list[tuple[Word, ...]]:
        from faster_whisper import transcribe

        merge = cast(Any, transcribe).merge_punctuations
        found = self.whisper.find_alignment(self.tokenizer(language), tokens, rows, frames)
        aligned: list[tuple[Word, ...]] = []
        for words in cast(list[list[dict[str, Any]]], found):
            merge(words, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、।")
            aligned.append(words_in_order(words))
        return aligned


def words_in_order(found: Sequence[dict[str, Any]]) -> tuple[Word, ...]:
    """faster-whisper's words as ours: times never go back, probabilities are 0..1."""
    words: list[Word] = []
    last_ms = 0
    for one in found:
        if text := str(one["word"]).strip():
            start_ms = max(last_ms, int(float(one["start"]) * 1000))
            last_ms = max(start_ms, int(float(one["end"]) * 1000))
            sure = min(1.0, max(0.0, float(one["probability"])))
            words.append(Word(text, start_ms, last_ms, sure))
    return tuple(words)


def _generated(result: Any, end: int, most: int) -> _Generated:
    """The likeliest of its hypotheses. Scores are means over the tokens, without the end's.

    Others of the batch may have had more time: what comes behind `most` tokens was not said.
    """
    scores = list(result.scores)
    best = int(np.argmax(scores))
    tokens = [token for token in result.sequences_ids[best] if token < end][:most]
    count = len(result.sequences_ids[best])
    mean = float(scores[best]) * count / (count + 1)
    return _Generated(tokens, mean, float(result.no_speech_prob))


def _array(rows: Any) -> npt.NDArray[Any]:
    """The vectors in ordinary memory; without a copy on a CPU."""
    import ctranslate2

    types, devices = cast(Any, ctranslate2).DataType, cast(Any, ctranslate2).Device
    if rows.dtype == types.bfloat16:  # numpy has none
        rows = rows.to(types.float32)
    return np.asarray(rows.to_device(devices.cpu))


def _storage(array: npt.NDArray[Any]) -> Any:
    import ctranslate2

    return cast(Any, ctranslate2).StorageView.from_array(np.ascontiguousarray(array))
