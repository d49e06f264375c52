"""The words by which passages are found: the same for a document and for a question. Pure.

SQLite's tokenizer alone would cut Devanagari words at their vowel signs, so words are found here;
spellings and endings that differ without a difference of meaning are made equal.
"""

import re
import unicodedata
from functools import lru_cache

from ivr_flows.wording.devanagari import romanise
from ivr_flows.wording.sounds import fold

MOST_WORDS = 32
"""Of a question; who asks in more has told a story, and the first words ask."""

# Letters and digits of any script, with the vowel signs of the Indian ones; 10:30, 2.5, ORD-12.
_WORD = re.compile(
    r"[\w\u0300-\u036f\u0900-\u0963\u0966-\u0df4]+(?:[.:/-][\w\u0900-\u0963\u0966-\u0df4]+)*"
)
_DEVANAGARI = re.compile(r"[\u0900-\u0963\u0971-\u097f]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_NUKTA = "\u093c"
_CHANDRABINDU, _ANUSVARA = "\u0901", "\u0902"
_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")
_SHORTEST_STEM = 2
_ENDINGS_LISTED = (
    "ियों ियां ियाँ ाओं ुओं ों ें ीं ां ी ि े ा ो ु ू मध्ये साठी पासून पर्यंत ांना ांचे ांची ांचा ांच्या"
    " च्या चा ची चे ला ना नी हून शी ात ांत"
)
# Cases and plurals of Hindi and Marathi nouns, the longest first.
_ENDINGS = tuple(sorted(_ENDINGS_LISTED.split(), key=len, reverse=True))
_EMPTY_LISTED = (
    "a an and any are as at be by can could do does for from have how i in is it me my of on or"
    " our please tell that the there this to us was we what when where which who will with"
    " would you your"
    " aap apke hai hain ho ka ke ki ko kya kaise kab kahan me mein mera mujhe par se"
    " है हैं हो का के की को क्या कैसे कब कहाँ कहां में मेरा मेरे मेरी मुझे पर से और या यह वह आप आपके"
    " आहे आहेत काय कसे कधी कुठे आणि किंवा हे ते मला माझा माझे माझी तुमचे तुमचा तुमची"
)
# What stands in every question, and finds everything.
_EMPTY = frozenset(_EMPTY_LISTED.split())


def words_of_text(text: str) -> list[str]:
    """The words of a text, made equal, in their order."""
    return [_plain(word) for word in _found(text)]


def sounds_of_text(text: str) -> list[str]:
    """How its words sound, in Latin letters: "पनीर" and "paneer" are the same."""
    return [sound for word in _found(text) if (sound := _sound(word))]


def words_asked(question: str) -> list[str]:
    """The words of a question that can be searched for; without those that every text has, if
    any others are there."""
    found = list(dict.fromkeys(_found(question)))
    telling = [word for word in found if word not in _EMPTY]
    return (telling or found)[:MOST_WORDS]


def spellings(words: list[str]) -> tuple[list[str], list[str]]:
    """The words of `words_asked` as they stand in the index: plain, and as sounds."""
    plain = list(dict.fromkeys(_plain(word) for word in words))
    return plain, list(dict.fromkeys(sound for word in words if (sound := _sound(word))))


def _found(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_INVISIBLE)
    return _WORD.findall(folded.translate(_DIGITS))


@lru_cache(maxsize=65_536)
def _plain(word: str) -> str:
    if not _DEVANAGARI.fullmatch(word):
        return word
    word = unicodedata.normalize("NFD", word).replace(_NUKTA, "")
    word = word.replace(_CHANDRABINDU, _ANUSVARA)
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            return stem
    return word


@lru_cache(maxsize=65_536)
def _sound(word: str) -> str:
    if _DEVANAGARI.fullmatch(word):
        return fold(romanise(unicodedata.normalize("NFKD", word)))
    return fold(word) if word.isascii() and word.isalpha() else ""
