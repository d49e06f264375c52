"""How long, in what was said: "half an hour", "dedh ghanta", "पंचवीस मिनिटं", "15-20"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

from ivr_flows.wording.negated_numbers import standing
from ivr_flows.wording.number_lexicon import unit_minutes
from ivr_flows.wording.spoken_numbers import Quantity, quantities_in
from ivr_flows.wording.utterance import Word, folds_of, words_of

_HOUR = 60.0
_ARTICLES = frozenset({"a", "an", "the"})
# May stand between an amount and its unit: "half of an hour", "aadhe se ek ghante".
_BEFORE_UNIT = frozenset({"of", "a", "an", "the", "ka", "ki", "ke", "ca", "Ca", "hi"})
_AND = frozenset({"and", "n", "aur", "ani", "aani"})
# A number behind one of these corrects or extends the duration before it.
_GOES_ON = folds_of("to or no not se ya nahi nahin nako te kinva sorry actually say i mean till")
# "just a minute", "give me a minute": asks to wait, and promises nothing.
_ASKS_TO_WAIT = frozenset({"just", "vait", "me", "on", "hang", "for"})
# "20.5" without a unit is no twenty hours; "saadhe chaar" is four and a half.
_MOST_BARE_HOURS = 5
# "one twenty" is 80 or 120, and what was promised must not be guessed.
_HOURS_BEFORE_MINUTES = range(1, 4)
_TENS_OF_MINUTES = range(10, 100)
_SOME = frozenset({"ek", "ak"})  # "ek bees minute" is "some twenty minutes"
# "by seven thirty", "7 pm", "saat baje": a time of day.
_BEFORE_CLOCK = folds_of("at by till until before")
_AFTER_CLOCK = folds_of("am pm a.m p.m oclock clock baje bajkar bajeke vajta vajata vajle")
# Below this, behind an hour, only at the end: "one hour 2 km", and "ghanta do" is "give an hour".
_LEAST_MINUTES_INSIDE = 5


@dataclass(frozen=True, slots=True)
class _Duration:
    amount: float
    unit: float | None  # minutes; None when no unit was said
    start: int
    stop: int

    @property
    def minutes(self) -> float:
        if self.unit is not None:
            return self.amount * self.unit
        # Nobody promises one and a half minutes: a bare "dedh" or "half" counts hours.
        is_hours = self.amount != int(self.amount) and self.amount < _MOST_BARE_HOURS
        return self.amount * _HOUR if is_hours else self.amount


def minutes_in(text: str, language: str) -> int | None:
    """The duration that was said, in minutes, rounded up; None when there is none.

    Of a range ("twenty to twenty five") and of a correction the later end. A number without a
    unit is minutes. None too where only a denied one was said ("not thirty"), for "one twenty",
    which may be 80 or 120, and for a time of day.
    """
    words = words_of(text)
    said = _durations(words, language)
    if any(_may_be_hours(words, *pair) for pair in pairwise(said)):
        return None
    if any(_is_clock_time(words, duration) for duration in said):
        return None
    found: _Duration | None = None
    are_standing = standing(words, [(each.start, each.stop) for each in said])
    for duration in compress(said, are_standing):
        if found is None:
            found = duration
        elif _adds_to(words, found, duration):
            unit = _HOUR if duration.unit is None and duration.amount < 1 else duration.unit
            total = found.minutes + duration.amount * (unit or 1)
            found = _Duration(total, 1, found.start, duration.stop)
        elif (
            duration.unit is not None
            or found.unit is None
            or words[duration.start - 1].folded in _GOES_ON
        ):
            found = duration
    if found is None:
        return None
    return math.ceil(round(found.minutes, 6))


def _adds_to(words: Sequence[Word], before: _Duration, duration: _Duration) -> bool:
    """Whether "twenty minutes", "twenty" or "and a half" belongs to the hour before it."""
    if before.unit is None or before.unit < _HOUR:
        return False
    between = {word.folded for word in words[before.stop : duration.start]}
    if not between <= _AND | _ARTICLES:
        return False
    if duration.unit is not None:
        return duration.unit < before.unit
    if before.unit != _HOUR:
        return False
    if duration.amount < 1:
        return bool(between & _AND) and duration.amount > 0
    if duration.amount < _LEAST_MINUTES_INSIDE:
        is_give = words[duration.start].latin == "do"
        return duration.stop == len(words) and not is_give
    return duration.amount < _HOUR and duration.amount == int(duration.amount)


def _may_be_hours(words: Sequence[Word], first: _Duration, second: _Duration) -> bool:
    """Whether two numbers side by side may be hours and minutes: "one twenty", "1:30"."""
    if first.unit is not None or first.stop != second.start or second.unit not in (None, 1):
        return False
    if second.unit is not None and words[first.start].latin in _SOME:
        return False
    return first.amount in _HOURS_BEFORE_MINUTES and second.amount in _TENS_OF_MINUTES


def _is_clock_time(words: Sequence[Word], duration: _Duration) -> bool:
    if duration.unit is not None:
        return False
    before = words[duration.start - 1].folded if duration.start else ""
    behind = words[duration.stop].folded if duration.stop < len(words) else ""
    return before in _BEFORE_CLOCK or behind in _AFTER_CLOCK


def _durations(words: Sequence[Word], language: str) -> list[_Duration]:
    starts = {q.start: q for q in quantities_in(words, language)}
    durations: list[_Duration] = []
    index = 0
    while index < len(words):
        quantity = starts.get(index)
        duration = _counted(words, quantity) if quantity is not None else _uncounted(words, index)
        if duration is not None:
            durations.append(duration)
            index = duration.stop
        else:
            index += 1
    return durations


def _counted(words: Sequence[Word], quantity: Quantity) -> _Duration:
    index = quantity.stop
    while index < min(len(words), quantity.stop + 3) and words[index].folded in _BEFORE_UNIT:
        index += 1
    unit = unit_minutes(words[index]) if index < len(words) else None
    if unit is None:
        return _Duration(quantity.value, None, quantity.start, quantity.stop)
    return _Duration(quantity.value, unit, quantity.start, index + 1)


def _uncounted(words: Sequence[Word], index: int) -> _Duration | None:
    """ "an hour", "ghanta": one of the unit."""
    unit = unit_minutes(words[index])
    if unit is None or (
        words[index].latin.endswith("s")
        and words[index].written.isascii()
        and (words[index].latin not in ("taas", "tas", "divas"))
    ):
        return None
    has_article = index > 0 and words[index - 1].folded in _ARTICLES
    if has_article and index > 1 and words[index - 2].folded in _ASKS_TO_WAIT:
        return None
    if unit != _HOUR and not has_article:
        return None
    return _Duration(1, unit, index, index + 1)
