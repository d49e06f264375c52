"""The rules in their order, from those with most context to the bare number.

A rule leaves what it does not understand for a later one, and none finds anything in words that
another has put there: those hold no digits. So the result can be given in again.
"""

import functools
import re

from speech.speakable import amounts, identifiers
from speech.speakable.dates import DATES, TIMES
from speech.speakable.patterns import LETTER, NATIVE_NOUNS, NOT_AFTER_WORD, O_CLOCK
from speech.speakable.quantities import MEASURES, MONEY, NUMBERS, PERCENTAGES
from speech.speakable.rule import Rule
from speech.speakable.vocabulary import Vocabulary

_MOBILE = (
    r"\+?(?:0|91[\s-]?)?[6-9]"
    r"(?:[0-9]{4}[\s-][0-9]{5}|[0-9]{9}|[0-9]{2}[\s-][0-9]{3}[\s-][0-9]{4})"
)
_PHONE = re.compile(
    rf"(?<![{LETTER}0-9+])(?<![0-9][.,-])(?:{_MOBILE}"
    r"|\+[0-9]{1,3}(?:[\s-][0-9]{2,5}){2,4}"
    r"|\+[0-9]{8,15}"
    r"|\(0[0-9]{2,4}\)\s?[0-9]{3,4}[\s-]?[0-9]{4}"
    r"|0[0-9]{2,4}[\s-][0-9]{6,8}"
    r"|1[89]00[\s-][0-9]{2,4}[\s-][0-9]{3,4}"
    r"|[0-9]{4}[\s-][0-9]{4}[\s-][0-9]{4}(?:[\s-][0-9]{4})?"
    r")(?![0-9]|[-.,:/][0-9])"
)
_PLATE = re.compile(
    rf"{NOT_AFTER_WORD}[A-Z]{{2}}[\s-]?[0-9]{{1,2}}[\s-]?[A-Z]{{1,3}}[\s-]?[0-9]{{4}}(?![A-Za-z0-9])"
)
_AFTER_KEYWORD = re.compile(
    rf"{NOT_AFTER_WORD}((?:otp|pin|pin\s?code|passcode|code|id|number|"
    r"नंबर|नम्बर|क्रमांक|कोड|ओटीपी|पिन|आईडी|आयडी)(?:\s?[:-]|\sis|\sहै|\sआहे)?)\s?"
    r"([0-9]{3,})(?![0-9A-Za-z]|[-.,:/][0-9])",
    re.IGNORECASE,
)
_HASH = re.compile(r"#([A-Za-z0-9]++(?:[-/][A-Za-z0-9]++)*+)")
_NUMBER_WORDS = ("number", "no.", "नंबर", "क्रमांक")
_LETTERS_FIRST = re.compile(
    rf"(?<![{LETTER}0-9_/@-])[A-Za-z][A-Za-z0-9]*+(?:[-/_][A-Za-z0-9]++)*+(?![.:][0-9]|@)"
)
_DIGITS_FIRST = re.compile(
    r"(?<![A-Za-z0-9_/.,-])[0-9]++[A-Za-z][A-Za-z0-9]*+(?:[-/_][A-Za-z0-9]++)*+(?![.:][0-9])"
)
_RANGE = re.compile(
    r"(?:(?<=[0-9%])|(?<=[0-9][kKL])|(?<=[APap][Mm])|(?<=[APap]\.[Mm]\.))"
    r"(\s?)([-\u2013\u2014])\s?(?=₹?[0-9])"
)
_KEY = re.compile(
    r"(?<![^\s\"'(])([#*])(?=[.,!?;)\"']|\s?\Z|\s(?:दब|दाब|key|to|for))|(?<=[Pp]ress )([#*])(?=\s)"
)
_LONE_SIGN = re.compile(r"₹|(?<=\s)%(?=\s|\Z)")
_RUN_TOGETHER = re.compile(rf"(?<=[0-9])(?={NATIVE_NOUNS}|{O_CLOCK})")  # १०मिनिटे
_TIMES_SIGN = re.compile(r"(?<=[0-9])\s?[x×]\s(?=[^\W\d_])")  # 2 x Paneer Tikka
# ₹.50; but "Rs.50" are fifty rupees.
_POINT_MONEY = re.compile(r"(?:(?<=[₹$€£])\s?|(?<=[Rr]s\s)|(?<=[Rr]s\.\s)|(?<=INR\s))\.(?=[0-9])")
_HALF_SIGNS = {"½": (".5", "1/2"), "¼": (".25", "1/4"), "¾": (".75", "3/4")}
_HALF_SIGN = re.compile(r"(?<=[0-9])[½¼¾]|[½¼¾]")


def with_ascii_digits(text: str) -> str:
    """Decimal digits of every script (१२३) as ASCII."""
    if text.isascii():
        return text
    return "".join(
        str(int(character)) if character.isdecimal() else character for character in text
    )


def spoken(text: str, words: Vocabulary) -> str:
    """`text` with everything that has digits, and the abbreviations, in words."""
    text = _HALF_SIGN.sub(_half_sign, with_ascii_digits(text))
    text = _POINT_MONEY.sub("0.", text)
    text = _TIMES_SIGN.sub(" ", _RUN_TOGETHER.sub(" ", text))
    for rule in _rules(words):
        text = rule.rewrite(text, words)
    return text


def _half_sign(match: re.Match[str]) -> str:
    after_number, alone = _HALF_SIGNS[match.group()]
    before = match.string[match.start() - 1 : match.start()]
    return after_number if before.isdecimal() else alone


def _read_out(match: re.Match[str], words: Vocabulary) -> str | None:
    return identifiers.one_by_one(match.group(), words)


def _after_keyword(match: re.Match[str], words: Vocabulary) -> str | None:
    return f"{match[1]} {amounts.one_by_one(match[2], words)}"


def _hash(match: re.Match[str], words: Vocabulary) -> str | None:
    token = match[1]
    if token.isdigit():
        said = words.cardinal(int(token)) if len(token) < 3 else amounts.one_by_one(token, words)
    else:
        found = identifiers.identifier(token, words)
        if found is None:
            return None
        said = found
    before = match.string[max(0, match.start() - 12) : match.start()].rstrip().lower()
    return said if before.endswith(_NUMBER_WORDS) else f"{words.number_sign} {said}"


def _identifier(match: re.Match[str], words: Vocabulary) -> str | None:
    return identifiers.identifier(match.group(), words)


def _range(match: re.Match[str], words: Vocabulary) -> str | None:
    if match[2] == "-" and match[1] and not _rises(match):
        return None  # "2 - 500 rupees" is a list
    return f" {words.range_word} "


def _rises(match: re.Match[str]) -> bool:
    """Whether the number after a dash is greater than that before; True unless both are plain."""
    before = re.search(
        r"(?<![0-9.,:])[0-9]{1,9}\Z", match.string[max(0, match.start() - 10) : match.start()]
    )
    after = re.match(r"[0-9]{1,9}(?![0-9.,:])", match.string[match.end() : match.end() + 10])
    return before is None or after is None or int(after.group()) > int(before.group())


def _key(match: re.Match[str], words: Vocabulary) -> str | None:
    return words.hash_key if match.group() == "#" else words.star


def _lone_sign(match: re.Match[str], words: Vocabulary) -> str | None:
    return words.percent.many if match.group() == "%" else words.currencies["INR"].unit.many


@functools.cache
def _rules(words: Vocabulary) -> tuple[Rule, ...]:
    return (
        *DATES,
        *(_abbreviation(pattern, said) for pattern, said in words.abbreviations),
        Rule(_PHONE, _read_out),
        Rule(_PLATE, _read_out),
        Rule(_AFTER_KEYWORD, _after_keyword),
        *MONEY,
        *PERCENTAGES,
        Rule(_HASH, _hash),
        Rule(_LETTERS_FIRST, _identifier),
        Rule(_RANGE, _range),
        *TIMES,
        *MEASURES,
        Rule(_DIGITS_FIRST, _identifier),
        *NUMBERS,
        Rule(_KEY, _key),
        Rule(_LONE_SIGN, _lone_sign),
    )


def _abbreviation(pattern: str, said: str) -> Rule:
    return Rule(re.compile(pattern), lambda match, words: said)
