"""Numbers as they are written, to words: the pieces that every rule is made of."""

from datetime import date
from decimal import Decimal

from speech.speakable.vocabulary import Counted, Vocabulary

LONGEST_NUMBER_DIGITS = 15
"""A longer number is read digit by digit: beyond a crore of crores nobody hears its size."""

# Nobody listens further; and Decimal("1e999999") would be a megabyte of words.
_LONGEST_SPOKEN_DIGITS = 40
_PAUSE = ", "
_GROUP_DIGITS = 4
_UNGROUPED_DIGITS = 6


def grouped(run: str) -> list[str]:
    """A run of digits in the groups that people say and remember: 98765 43210, 4-4-3.

    Six digits or fewer stay together; a mobile number is five and five, after its 0 or 91; nine
    are three times three; anything else goes by fours, and a last digit alone joins the group
    before it.
    """
    if len(run) <= _UNGROUPED_DIGITS:
        return [run]
    if len(run) == 11 and run[0] == "0":
        return [run[:6], run[6:]]
    if len(run) == 12 and run.startswith("91"):
        return [run[:2], run[2:7], run[7:]]
    size = {9: 3, 10: 5}.get(len(run), _GROUP_DIGITS)
    groups = [run[start : start + size] for start in range(0, len(run), size)]
    if len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def one_by_one(run: str, words: Vocabulary) -> str:
    """ASCII digits by their names, long runs with pauses."""
    return _PAUSE.join(
        " ".join(words.digits[int(digit)] for digit in group) for group in grouped(run)
    )


def spelled(letters: str, words: Vocabulary) -> str:
    """ASCII letters by their names."""
    spoken = " ".join(words.letters[letter] for letter in letters.upper())
    # "A B" is read as the article and a B; "A-B" as two letters.
    return spoken.replace("A ", "A-") if words.code == "en" else spoken


def written_number(written: str, words: Vocabulary) -> str:
    """An unsigned number such as "1,25,000.50": whole part by size, decimals one by one."""
    whole, _, decimals = written.replace(",", "").partition(".")
    size = (
        one_by_one(whole, words)
        if len(whole.lstrip("0")) > LONGEST_NUMBER_DIGITS
        else words.cardinal(int(whole or "0"))
    )
    if not decimals:
        return size
    return f"{size} {words.point} {' '.join(words.digits[int(digit)] for digit in decimals)}"


def before_a_unit(written: str, words: Vocabulary) -> str:
    """Like `written_number`, with one and a half and its like where the language has a word."""
    whole, _, decimals = written.replace(",", "").partition(".")
    if decimals.rstrip("0") == "5" and len(whole) <= LONGEST_NUMBER_DIGITS:
        half = words.and_a_half(int(whole or "0"))
        if half is not None:
            return half
    return written_number(written, words)


def signed(sign: str | None, spoken: str, words: Vocabulary) -> str:
    """Put the word for a written sign, if any, before `spoken`."""
    if not sign:
        return spoken
    return f"{words.plus if sign == '+' else words.minus} {spoken}"


def ranged(start: str | None, end: str, words: Vocabulary) -> str:
    """The spoken `end` of a range, after its written `start` if there is one."""
    return f"{before_a_unit(start, words)} {words.range_word} {end}" if start else end


def with_unit(written: str, unit: Counted, words: Vocabulary) -> str:
    """A number and the noun that agrees with it."""
    noun = unit.after(words.is_one(written.replace(",", "")))
    return f"{before_a_unit(written, words)} {noun}"


def written_money(written: str, currency: str, words: Vocabulary) -> str:
    """An unsigned amount such as "1,250.50" in `currency` (ISO 4217; an unknown one is spelled)."""
    names = words.currencies.get(currency)
    whole, _, decimals = written.replace(",", "").partition(".")
    if names is None:
        letters = "".join(letter for letter in currency if letter.upper() in words.letters)
        return f"{written_number(written, words)} {spelled(letters, words)}".rstrip()
    if len(decimals.rstrip("0")) > 2:
        return f"{written_number(written, words)} {names.unit.many}"
    hundredths = int((decimals + "00")[:2])
    units = whole.lstrip("0")
    said: list[str] = []
    if units or not hundredths:
        noun = names.unit.after(units == "1")
        said.append(f"{written_number(units or '0', words)} {noun}")
    if hundredths:
        noun = names.hundredth.after(hundredths == 1)
        said.append(f"{words.cardinal(hundredths)} {noun}")
    return words.joins_hundredths.join(said)


def plain(value: int | Decimal) -> tuple[bool, str]:
    """Whether `value` is negative, and its digits without sign or exponent.

    Raises:
        ValueError: `value` is not finite, or has more than 40 digits before or after the point.
    """
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"{value} cannot be spoken as a number: give a finite one")
    _, digits, exponent = exact.as_tuple()
    places = -exponent if isinstance(exponent, int) else 0
    if len(digits) - places > _LONGEST_SPOKEN_DIGITS or places > _LONGEST_SPOKEN_DIGITS:
        raise ValueError(
            f"a number of over {_LONGEST_SPOKEN_DIGITS} digits cannot be spoken: "
            "round it, or give it as text to digits()"
        )
    return exact < 0, f"{exact.copy_abs():f}"


def spoken_date(day: date, words: Vocabulary, *, with_year: bool) -> str:
    """A day, day first."""
    spoken = f"{words.day(day.day)} {words.months[day.month - 1]}"
    return f"{spoken} {words.year(day.year)}" if with_year else spoken
