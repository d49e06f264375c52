"""Devanagari to the Latin spelling that people type: "पच्चीस" -> "pachchees"."""

from functools import lru_cache

_CONSONANT_SPELLINGS = (
    "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l v sh sh s h l r n l"
)
_VOWEL_SPELLINGS = "a aa i ee u oo ri e ai o au o e e o e"
_SIGN_SPELLINGS = "aa i ee u oo ri e ai o au o e e o"
_CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळऱऩऴ",
        _CONSONANT_SPELLINGS.split(),
        strict=True,
    )
)
_VOWELS = dict(
    zip(
        "अआइईउऊऋएऐओऔऑऍऎऒॲ",
        _VOWEL_SPELLINGS.split(),
        strict=True,
    )
)
_SIGNS = dict(
    zip(
        "ािीुूृेैोौॉॅॆॊ",
        _SIGN_SPELLINGS.split(),
        strict=True,
    )
)
_NASALS = {"ं": "n", "ँ": "n", "ः": "h"}
_HALANT = "्"
_SCHWA = "a"


@lru_cache(maxsize=2048)
def romanise(word: str) -> str:
    """One word of Devanagari letters, decomposed (NFKD), in Latin letters.

    The vowel that is written in no letter is dropped where speakers drop it: at the end of
    the word, and between a vowel and a consonant with a vowel ("उनतीस" -> "untees").
    Characters that are no letters of the script are dropped.
    """
    units = _units(word)
    last = len(units) - 1
    for index in range(last, 0, -1):
        consonant, vowel, is_inherent = units[index]
        if not is_inherent or not consonant:
            continue
        follows_vowel = bool(units[index - 1][1]) and units[index - 1][1][-1] != "n"
        followed = index < last and bool(units[index + 1][0]) and bool(units[index + 1][1])
        # "maanya", "mitra": without its vowel the last consonant could not be spoken.
        is_spoken_end = index == last and not units[index - 1][1] and consonant in "yrv"
        if (index == last and not is_spoken_end) or (follows_vowel and followed):
            units[index] = (consonant, "", False)
        else:
            units[index] = (consonant, vowel, False)
    return "".join(consonant + vowel for consonant, vowel, _ in units)


def _units(word: str) -> list[tuple[str, str, bool]]:
    """(consonant, vowel, whether the vowel is the unwritten one), in the word's order."""
    units: list[tuple[str, str, bool]] = []
    for character in word:
        if character in _CONSONANTS:
            units.append((_CONSONANTS[character], _SCHWA, True))
        elif character in _VOWELS:
            units.append(("", _VOWELS[character], False))
        elif not units:
            continue
        elif character in _SIGNS:
            units[-1] = (units[-1][0], _SIGNS[character], False)
        elif character == _HALANT:
            units[-1] = (units[-1][0], "", False)
        elif character in _NASALS:
            units[-1] = (units[-1][0], units[-1][1] + _NASALS[character], False)
    return units
