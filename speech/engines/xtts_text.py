"""A text in the pieces that XTTS can speak: each under its limits of characters and tokens. Pure.

The model loses its way in long pieces: coqui-tts names for each language how many characters it
takes, and its tables end at 402 tokens. A piece ends with a sentence or a clause where it can.
"""

import re
from collections.abc import Callable

from speech.clauses import Piece, pieces
from speech.errors import LanguageUnsupported
from speech.speakable import speakable

LANGUAGES = frozenset(
    [
        "en",
        "es",
        "fr",
        "de",
        "it",
        "pt",
        "pl",
        "tr",
        "ru",
        "nl",
        "cs",
        "ar",
        "zh",
        "hu",
        "ko",
        "ja",
        "hi",
    ]
)
"""ISO 639-1. Those of XTTS v2; the model's own name for zh is zh-cn."""

NEEDED_PACKAGES = {"ja": "cutlet", "zh": "pypinyin"}
"""What turns a language's signs into letters, where coqui-tts does not bring it along."""

SHORTEST_LIMIT_CHARS = 40
"""`speech.clauses` breaks no text into shorter pieces; below it a piece is cut where it must be."""

_LONGEST_NUMBER = 12
"""Digits. A longer one is a reference, said digit by digit; as a quantity it takes a minute to say,
and one of 300 digits is more than the number's name can be."""

_COUNTS_IN = frozenset({"en", "hi"})

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd\ud800-\udfff]+")
_LONG_NUMBER = re.compile(rf"\d{{{_LONGEST_NUMBER + 1},}}")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^\w\s]*(?=\d)|(?<=\d)[.,]+")
_FULL_WIDTH_END = re.compile(r"([。！？，、；：])(?=\S)")
_SPACES = re.compile(r"\s+")


def clean(text: str, language: str) -> str:
    """`text` in one line without what no tokenizer should see; "" if there is no word in it.

    Its numbers are in words where `speech.speakable` knows the language: coqui-tts 0.28 knows none
    in Hindi, and breaks on every digit.
    """
    plain = _CONTROLS.sub(" ", text)
    if language in _COUNTS_IN and any(character.isdigit() for character in plain):
        plain = speakable(plain, language)
    plain = _LONG_NUMBER.sub(lambda number: " ".join(number.group()), plain)
    plain = _SPACES.sub(" ", plain).strip()
    return plain if any(character.isalnum() for character in plain) else ""


def speakable_pieces(
    text: str,
    language: str,
    *,
    longest_chars: int,
    most_tokens: int,
    count_tokens: Callable[[str], int],
) -> list[Piece]:
    """The pieces of `text`, in order; none where there is nothing to say.

    Args:
        text: as it was asked for.
        language: ISO 639-1.
        longest_chars: of a piece, for this language.
        most_tokens: of a piece, as `count_tokens` counts them.
        count_tokens: how many the model's own tokenizer makes of a piece.
    """
    found: list[Piece] = []
    for piece in _clauses(
        clean(text, language), language, max(longest_chars, SHORTEST_LIMIT_CHARS)
    ):
        found += _under(piece, language, longest_chars, most_tokens, count_tokens)
    return [piece for piece in found if any(character.isalnum() for character in piece.text)]


def digits_apart(text: str) -> str:
    """Each digit alone, without what stands between digits: numbers that no table can read."""
    return _SPACES.sub(" ", _BETWEEN_DIGITS.sub(" ", text)).strip()


def _under(
    piece: Piece,
    language: str,
    longest_chars: int,
    most_tokens: int,
    count_tokens: Callable[[str], int],
) -> list[Piece]:
    """`piece`, or what it must be broken into."""
    length = len(piece.text)
    if length <= 1 or (length <= longest_chars and count_tokens(piece.text) <= most_tokens):
        return [piece]
    half = length // 2 + 1
    smaller = _clauses(piece.text, language, half) if half >= SHORTEST_LIMIT_CHARS else []
    if len(smaller) < 2:
        space = piece.text.rfind(" ", 1, half)
        cut = space if space > 0 else length // 2
        smaller = [Piece(piece.text[:cut].strip(), False), Piece(piece.text[cut:].strip(), False)]
    smaller[-1] = Piece(smaller[-1].text, piece.ends_sentence)
    return [
        part
        for small in smaller
        for part in _under(small, language, longest_chars, most_tokens, count_tokens)
    ]


def _clauses(text: str, language: str, longest_chars: int) -> list[Piece]:
    if language in ("zh", "ja"):
        text = _FULL_WIDTH_END.sub(r"\1 ", text)
    joined: list[Piece] = []
    try:
        cut = pieces(text, language, longest_chars=longest_chars)
    except LanguageUnsupported:  # no tables of its abbreviations: stops and commas mean the same
        cut = pieces(text, "en", longest_chars=longest_chars)
    for piece in cut:
        # The first clause stands alone only where a text is streamed; the model speaks it better
        # with the rest of its sentence.
        last = joined[-1] if joined else None
        if last and not last.ends_sentence and len(last.text) + len(piece.text) < longest_chars:
            joined[-1] = Piece(f"{last.text} {piece.text}", piece.ends_sentence)
        else:
            joined.append(piece)
    return joined


def most_audio_tokens(text: str, *, longest_chars: int, most: int) -> int:
    """How many tokens (of 46 ms) the speech of a piece may last: past it the model babbles.

    A stop is sampled, and now and then it is missed; the model then goes on for up to 28 s. People
    say 12 to 18 characters a second, 1.2 to 1.8 tokens each; a syllable sign of Chinese, Japanese
    or Korean 4 to 5. Three times that, and 2 s for pauses: cut off is only what can't be speech.
    """
    tokens_per_char = 14 if longest_chars < 100 else 5
    return min(most, 43 + tokens_per_char * len(text))
