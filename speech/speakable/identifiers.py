"""Order ids, phone numbers, number plates: what is read one by one."""

import re

from speech.speakable import amounts
from speech.speakable.vocabulary import Vocabulary

_RUNS = re.compile(r"[0-9]+|[A-Za-z]+|[+*]|[^\x00-\x7f\s]+")
_SEPARATORS = re.compile(r"[-/_]")
_VOWEL = re.compile(r"[AEIOU]")
_LONGEST_SPELLED = 3
_LONGEST_BY_SIZE = 3
_PAUSE = ", "


def one_by_one(text: str, words: Vocabulary) -> str:
    """Every ASCII digit and letter of `text` by name; all between them is a pause."""
    spoken: list[str] = []
    plus = ""
    for match in _RUNS.finditer(text):
        run = match.group()
        if run == "+":
            plus = f"{words.plus} "
            continue
        if run[0] in "0123456789":
            said = amounts.one_by_one(run, words)
        elif run == "*":
            said = words.star
        elif run.isascii():
            said = amounts.spelled(run, words)
        elif any(character.isalpha() for character in run):
            said = run
        else:
            continue
        spoken.append(plus + said)
        plus = ""
    return _PAUSE.join(spoken)


def identifier(token: str, words: Vocabulary) -> str | None:
    """An id such as ORD-4512, A123, MH12AB1234 or covid-19; None without a letter and a digit.

    Capitals of up to three letters, without a vowel or after digits are spelled, and so are up to
    three small letters glued to digits (mp3); the rest are words. After a word that is not in
    capitals a number of up to three digits is said by its size (Sector-15), any other one by one.
    """
    if token.isdigit() or not any(character.isdigit() for character in token):
        return None
    spoken = ""
    after_word = short_before = False
    for segment in _SEPARATORS.split(token):
        runs: list[str] = re.findall(r"[0-9]+|[A-Za-z]+", segment)
        for place, run in enumerate(runs):
            is_glued = len(runs) > 1
            follows_digits = place > 0
            is_word = run.isalpha() and not _is_spelled(run, is_glued, follows_digits)
            if is_word:
                said = run
            elif run.isalpha():
                said = amounts.spelled(run, words)
            elif after_word and len(run) <= _LONGEST_BY_SIZE and not token.isupper():
                said = amounts.written_number(run, words)
            else:
                said = amounts.one_by_one(run, words)
            joint = " " if is_word or after_word or short_before else _PAUSE
            spoken += said if not spoken else joint + said
            after_word = is_word
            short_before = run.isdigit() and len(run) == 1  # 4G, 2BHK: no pause
    return spoken


def _is_spelled(letters: str, is_glued: bool, follows_digits: bool) -> bool:
    if len(letters) == 1 or (letters.isupper() and follows_digits):
        return True
    if letters.isupper():
        return len(letters) <= _LONGEST_SPELLED or not _VOWEL.search(letters)
    return is_glued and len(letters) <= _LONGEST_SPELLED
