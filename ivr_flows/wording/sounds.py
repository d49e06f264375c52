"""How a word sounds, from how it is spelt: two keys under which slips of spelling fall together.

`fold` is for one word spelt in several ways (haan, haan; theek, thik; pachees, pachis): it keeps
the vowels. `sound_key` is for what a small recogniser wrote instead of the word that was said
("can firm", "Ridge act", "counsel"): it keeps the consonants only. Own code and no library's
Metaphone: the published ones are made for English names, keep "can firm" apart from "confirm"
once joined with Indian words, and add a dependency for sixty lines.
"""

import re
from functools import lru_cache

_FOLDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), becomes)
    for pattern, becomes in (
        (r"t?chh?", "C"),  # one letter, so that "chaar" and "car" stay apart
        (r"([kgjtdbr])h", r"\1"),  # aspiration is rarely typed, and rarely heard on a phone line
        (r"ph", "f"),
        (r"sh", "s"),
        (r"ck", "k"),
        (r"w", "v"),
        (r"z", "j"),
        (r"q", "k"),
        (r"x", "ks"),
        (r"ee", "i"),
        (r"oo", "u"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[ai])y(?=e)", ""),  # dijiye, दीजिए
        (r"^(nahi|hai|hu|mai|me|kaha|yaha)n$", r"\1"),  # nasal endings, typed or not
        (r"(?<=[aeiou])h$", ""),
        (r"(?<=.)y$", "i"),
    )
)

_SOUNDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), becomes)
    for pattern, becomes in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"t[sc]?ion|ssion|cian", "Xn"),
        (r"tch|chh?", "C"),
        (r"dg(?=[eiy])|dj", "J"),
        (r"gh(?=t|$)", ""),
        (r"ph", "f"),
        (r"sh", "X"),
        (r"th", "t"),
        (r"ck|q", "k"),
        (r"sc(?=[eiy])", "s"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"g(?=[eiy])|j", "J"),
        (r"x", "ks"),
        (r"z", "s"),
        (r"w", "v"),
        (r"d$", "t"),
        (r"(?<=.)(?:h|[vy](?=[^aeiou]|$))", ""),
        (r"^[aeiou]+", "A"),
        (r"[aeiouy]", ""),
        (r"m(?=f)", "n"),  # "come firm"
        (r"(.)\1+", r"\1"),
    )
)


@lru_cache(maxsize=8192)
def fold(latin: str) -> str:
    """The spelling of one lower-case Latin word with the usual variants made equal."""
    for pattern, becomes in _FOLDS:
        latin = pattern.sub(becomes, latin)
    return latin


@lru_cache(maxsize=8192)
def sound_key(latin: str) -> str:
    """The consonants of lower-case Latin letters as they sound: confirm, can firm -> "knfrm"."""
    for pattern, becomes in _SOUNDS:
        latin = pattern.sub(becomes, latin)
    return latin
