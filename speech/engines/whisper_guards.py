"""Which of Whisper's words were said, and which it made up. Pure.

Whisper is trained on subtitles: given noise or silence it writes what subtitles end with, and
given a doubtful sound it may repeat itself to its limit. Each rule here looks at the words beside
what is known of the sound.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from speech.silence import Samples, levels_db

_CREDITS = (
    r"thank(s| you)( so much| very much)? for (watching|viewing)( this video| the video)?",
    r"thanks for your watching",
    r"(please )?(like|subscribe)( and| to| the| my| our| this| share| like| subscribe| channel"
    r"| video| for more| videos| comment| bell| hit| press| icon)*"
    r"( channel| video| videos| bell icon)",
    r"(please )?(like|share) (and|share)( share| and)* subscribe",
    r"don'?t forget to (like|subscribe).*",
    r"(subtitles|subtitled|captions|captioned|transcribed|transcription|translated|translation)"
    r"( and \w+)? (by|from|provided by).*",
    r"subtitles by the amara ?org community",
    r".*\bamara ?org\b.*",
    r"(i'll )?see you( guys)? (in|on) (the|my) next (video|one|time)",
    r"www [a-z0-9]+ (com|org|in|net)",
    r"(यह |ये )?(वीडियो |विडियो )?देखने (के लिए|केलिए) (आपका )?(बहुत )*(धन्यवाद|शुक्रिया)( .*)?",
    r".*(चैनल|चॅनल|चेनल) (को|ला)( .*)? ?(सब्सक्राइब|सब्स्क्राइब|सबस्क्राइब|सब्स्क्राईब|सबस्क्राईब).*",
    r"(हमारे|मेरे|आमच्या|माझ्या) (चैनल|चॅनल|चेनल).*",
    r"(लाइक|लाईक)( और| आणि| करें| करा| शेयर| शेअर)* "
    r"(सब्सक्राइब|सब्स्क्राइब|सबस्क्राइब|सब्स्क्राईब|सबस्क्राईब).*",
    r"(व्हिडिओ|व्हिडीओ|विडिओ) (पाहिल्याबद्दल|बघितल्याबद्दल) (आपले |तुमचे )?(धन्यवाद|आभार)( .*)?",
    r"पाहिल्याबद्दल (आपले |तुमचे )?(धन्यवाद|आभार)",
    r"(उपशीर्षक|सबटाइटल|उपशीर्षके).*",
)
"""Sentences of videos that nobody says to a machine on a telephone: never believed."""

_POLITE = frozenset(
    unicodedata.normalize("NFC", text)
    for text in (
        *("thank you", "thank you very much", "thank you so much", "thanks", "you", "bye"),
        *("bye bye", "okay", "ok", "so", "oh", "uh", "um", "hmm", "mm", "ah", "the end"),
        *("i'm sorry", "sorry", "yeah", "the", "subscribe", "please subscribe", "silence"),
        *("धन्यवाद", "शुक्रिया", "बहुत बहुत धन्यवाद", "बहुत धन्यवाद", "आपका धन्यवाद", "नमस्कार"),
        *("सब्सक्राइब", "सब्सक्राइब करें", "सब्स्क्राइब", "सब्स्क्राइब करें", "सबस्क्राइब करें"),
        *("सब्स्क्राईब", "सबस्क्राईब करा", "सब्सक्राइब करा", "संगीत", "हम्म", "हं", "अच्छा"),
        *("खूप खूप धन्यवाद", "खूप धन्यवाद", "आभारी आहे", "आभार"),
    )
)
"""What it also writes for silence, but callers do say: believed where a voice could have."""

_CREDIT = re.compile(unicodedata.normalize("NFC", "|".join(f"(?:{one})" for one in _CREDITS)))
_SENTENCE_END = (".", "!", "?", "।", "॥", "…")

_MOST_SAID_ALIKE = 8  # of one word: "zero zero zero zero" is a PIN, "no no no no" is a caller
_MOST_PHRASES_ALIKE = 4  # of two words and more
_LONGEST_PHRASE = 12  # words
_FASTEST_WORDS_S = 8.0
"""Words a second of sound. Fast English has 5, a phone number in Hindi 6; what is faster was not
said."""

_SHORTEST_WORD_S = 0.1
_QUIETEST_DB = -52.0
"""Level of the loudest 100 ms. A telephone line's own noise lies below -55 dB, a whisper into it
above -45."""

_LEAST_SPREAD_DB = 4.0
"""Between loud and quiet frames of 10 ms: a voice rises, falls and stops. Measured: 172 recorded
prompts of one word and more 22 dB and up, half seconds out of the middle of read sentences 4.8 and
up, steady noise at any level 1.2 to 1.6, tones and hum below 0.7."""


class Verdict(Enum):
    """What a piece of text is worth."""

    SAID = "said"
    SILENCE = "silence"  # nothing was said: the text is dropped
    DOUBTFUL = "doubtful"  # worth another try; if it comes out alike, with its loops cut


@dataclass(frozen=True, slots=True)
class Limits:
    """Whisper's own thresholds; the defaults are OpenAI's."""

    no_speech_probability: float = 0.6
    log_probability: float = -1.0
    compression_ratio: float = 2.4


@dataclass(frozen=True, slots=True)
class Sound:
    """What can be told of a sound without understanding it."""

    sounding_s: float  # within 25 dB of its loudest 100 ms
    level_db: float  # of its loudest 100 ms, below full scale
    spread_db: float  # between its loud and its quiet frames of 10 ms

    @property
    def may_be_a_voice(self) -> bool:
        return self.level_db > _QUIETEST_DB and self.spread_db >= _LEAST_SPREAD_DB

    def could_hold(self, words: int) -> bool:
        """Whether a voice could have said so many words in it."""
        return self.may_be_a_voice and self.sounding_s >= words * _SHORTEST_WORD_S


@dataclass(frozen=True, slots=True)
class Claim:
    """What the model says was said."""

    text: str
    log_probability: float  # mean of its tokens
    no_speech_probability: float


def sound_of(samples: Samples, sample_rate_hz: int) -> Sound:
    """Of float32 mono, shape (n,). Silence around the voice may be in it, and helps."""
    levels = levels_db(samples, sample_rate_hz)
    if len(levels) < 3:
        return Sound(0.0, -100.0, 0.0)
    loudest = min(10, len(levels))
    level = float(np.sort(levels)[-loudest:].mean())
    sounding = levels > max(level - 25, -60.0)
    low, high = np.percentile(levels, (10, 95))
    return Sound(float(sounding.sum()) * 0.01, level, float(high - low))


def judge(claim: Claim, sound: Sound, limits: Limits, *, prompt: str = "") -> Verdict:
    """Whether it was said. `prompt` is the text that the model was given beforehand."""
    words = plain_words(claim.text)
    if not words:
        return Verdict.SILENCE
    improbable = claim.log_probability < limits.log_probability
    if improbable and claim.no_speech_probability > limits.no_speech_probability:
        return Verdict.SILENCE
    if _is_phantom(words, claim, sound, limits):
        return Verdict.SILENCE
    if _recites(words, prompt) and not _is_clear(len(words), claim, sound, limits):
        return Verdict.SILENCE
    if improbable or ratio(claim.text) > limits.compression_ratio:
        return Verdict.DOUBTFUL
    if len(kept_of(words)) < len(words):
        return Verdict.DOUBTFUL
    too_fast = len(words) > max(3.0, _FASTEST_WORDS_S * sound.sounding_s)
    return Verdict.DOUBTFUL if too_fast else Verdict.SAID


def believable(text: str) -> tuple[int, ...]:
    """Which of the words of `text.split()` stay: no loops after their first round, no credits.

    A real answer may have a credit behind it: "Yes. Thanks for watching!"
    """
    words = text.split()
    kept = kept_of([_plain(word) for word in words])
    starts = [0] + [at + 1 for at, where in enumerate(kept) if words[where].endswith(_SENTENCE_END)]
    stay: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(kept)], strict=True):
        sentence = kept[start:end]
        if not is_credit(plain_words(" ".join(words[at] for at in sentence))):
            stay += sentence
    return tuple(stay)


def is_credit(words: Sequence[str]) -> bool:
    """Whether it is a sentence that belongs to a video, and to nothing else."""
    return bool(words) and _CREDIT.fullmatch(" ".join(words)) is not None


def _is_phantom(words: Sequence[str], claim: Claim, sound: Sound, limits: Limits) -> bool:
    if is_credit(words):
        return True
    if " ".join(words) not in _POLITE:
        return False
    return not _is_clear(len(words), claim, sound, limits)


def _is_clear(words: int, claim: Claim, sound: Sound, limits: Limits) -> bool:
    """Whether a voice may have said so many words, and the model thinks that one spoke."""
    return (
        sound.could_hold(words)
        and claim.no_speech_probability <= limits.no_speech_probability
        and claim.log_probability >= limits.log_probability
    )


def _recites(words: Sequence[str], prompt: str) -> bool:
    """Whether it is a piece of the prompt of three words and more."""
    given = plain_words(prompt)
    count = len(words)
    return count >= 3 and any(
        given[at : at + count] == list(words) for at in range(len(given) - count + 1)
    )


def ratio(text: str) -> float:
    """How far the text can be compressed, its length over that of its deflated form.

    Of letters, not of UTF-8: in Devanagari each letter is three bytes of which two are almost
    always the same, so that ordinary Hindi comes near the limit that is meant for loops.
    """
    content = bytes(ord(char) & 0xFF for char in text)
    return len(content) / len(zlib.compress(content)) if content else 0.0


def kept_of(words: Sequence[str]) -> list[int]:
    """The words without repetitions that go on for too long; of those the first round stays."""
    kept: list[int] = []
    at = 0
    while at < len(words):
        size, rounds = _loop_at(words, at)
        kept += range(at, at + size)
        at += size * rounds
    return kept


def _loop_at(words: Sequence[str], at: int) -> tuple[int, int]:
    """The words of a loop that begins here, and its rounds; (1, 1) where none does."""
    for size in range(1, _LONGEST_PHRASE + 1):
        if at + 2 * size > len(words):
            break
        phrase = list(words[at : at + size])
        if size > 1 and len(set(phrase)) == 1:
            continue  # one word after the other, which was looked at
        rounds = 1
        while list(words[at + rounds * size : at + (rounds + 1) * size]) == phrase:
            rounds += 1
        if rounds > (_MOST_SAID_ALIKE if size == 1 else _MOST_PHRASES_ALIKE - 1):
            return size, rounds
    return 1, 1


def plain_words(text: str) -> list[str]:
    """Lower case, no punctuation; Devanagari's signs stay."""
    return [word for word in map(_plain, re.split(r"[\s.]+", text)) if word]


def _plain(word: str) -> str:
    composed = unicodedata.normalize("NFC", word.replace("’", "'"))
    return "".join(
        char
        for char in composed.casefold()
        if unicodedata.category(char)[0] in "LMN" or char == "'"
    ).strip("'")
