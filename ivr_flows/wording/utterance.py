"""What was heard, as words that can be compared: one spelling, whatever the script."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from ivr_flows.wording.devanagari import romanise
from ivr_flows.wording.sounds import fold

# An answer to a prompt is short. What follows is not looked at, so that a page of text costs
# no more than a sentence; 600 letters are about 40 seconds of speech.
_LETTERS_READ = 600
_WORDS_READ = 40

_WORD = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[a-z]+|[\u0900-\u0963\u0971-\u097f]+")
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘`´ʼ\u200c\u200d"))
_LATIN_MARKS = re.compile("[\u0300-\u036f]")
_DEVANAGARI_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")


@dataclass(frozen=True, slots=True)
class Word:
    written: str  # as heard: lower case, Latin letters, digits or Devanagari
    latin: str  # the same in Latin letters
    folded: str  # its spelling with the usual variants made equal; "" never


def words_of(text: str) -> tuple[Word, ...]:
    """The first words of a text, without punctuation; at most 40."""
    return _words_of(text[:_LETTERS_READ])


def folds_of(listed: str) -> frozenset[str]:
    """The folded spellings of words listed with blanks between them, however many."""
    return frozenset(word.folded for each in listed.split() for word in words_of(each))


@lru_cache(maxsize=4096)
def _words_of(text: str) -> tuple[Word, ...]:
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_DEVANAGARI_DIGITS)
    plain = _LATIN_MARKS.sub("", plain.translate(_APOSTROPHES))[: 2 * _LETTERS_READ]
    words: list[Word] = []
    for match in _WORD.finditer(plain):
        written = match[0][:60]
        latin = written if written.isascii() else romanise(written)
        folded = fold(latin)
        if folded:
            words.append(Word(written, latin, folded))
        if len(words) == _WORDS_READ:
            break
    return tuple(words)
