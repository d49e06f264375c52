"""Numbers that were said only to be denied: "not thirty", "can't do twenty", "बीस नहीं"."""

from collections.abc import Sequence

from ivr_flows.wording.number_lexicon import unit_minutes
from ivr_flows.wording.utterance import Word, folds_of, words_of

# Deny the number behind them: "not thirty", "I can't do it in twenty".
_BEFORE = folds_of(
    "not dont cant cannot wont doesnt isnt arent didnt wouldnt shouldnt couldnt never without"
    " impossible unable"
)
# Deny the number before them: "bees nahi", "vees nako", "twenty is not possible", "twenty, no".
_BEHIND = _BEFORE | folds_of("no nope nahi nahin nai naahi nako nakoy naka mat नहीं नाही नको")
# "don t", "can t", as some recognisers write them.
_CUT_NOT = frozenset({"don", "can", "won", "isn", "didn", "doesn", "couldn", "wouldn"})
# May stand between a denial and its number. Not "more", "less" or "before": "not more than
# twenty" promises twenty.
_BETWEEN_BEFORE = folds_of(
    "do make take be it in that this within the a an say said mean have get give for just only even"
    " deliver prepare finish done i we you to promise about around of possible able want think"
)
_BETWEEN_BEHIND = folds_of(
    "is are was will would be it that this in the i we me mein men mai main ho hoga ho to toh bhi"
    " hi ka ki ke ko se tak kar karke kaam ban ready taiyar tayar at aat madhye hou karu shakya"
    " shakya jamel jamnar honar hou karnar shakat shaknar denar yenar paega payega aahe ahe sorry"
)
# What a "no" or "not" begins that denies nothing: "twenty, no problem", "twenty, not more".
_HARMLESS = folds_of(
    "problem problems issue issues vorries worries vari worry doubt more less longer later before"
    " objection tension"
)


def standing(words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> list[bool]:
    """For each number's place (start, stop), in order: whether it was not denied."""
    starts = {start for start, _ in spans}
    return [
        not (_is_denied_before(words, start) or _is_denied_behind(words, stop, starts))
        for start, stop in spans
    ]


def holds_denial(text: str) -> bool:
    """Whether a denial stands anywhere in it: a number beside it is better read back."""
    words = words_of(text)
    return any(
        word.folded in _BEHIND and not _is_harmless(words, at) for at, word in enumerate(words)
    )


def _is_denied_before(words: Sequence[Word], start: int) -> bool:
    at = start - 1
    while at >= 0:
        if words[at].folded in _BEFORE or _is_cut_not(words, at):
            return True
        if words[at].folded not in _BETWEEN_BEFORE:
            return False
        at -= 1
    return False


def _is_denied_behind(words: Sequence[Word], stop: int, starts: set[int]) -> bool:
    at = stop
    while at < len(words) and at not in starts:
        if words[at].folded in _BEHIND:
            return not (_is_harmless(words, at) or _denies_next(words, at, starts))
        if words[at].folded not in _BETWEEN_BEHIND and unit_minutes(words[at]) is None:
            return False
        at += 1
    return False


def _is_harmless(words: Sequence[Word], at: int) -> bool:
    return at + 1 < len(words) and words[at + 1].folded in _HARMLESS


def _denies_next(words: Sequence[Word], at: int, starts: set[int]) -> bool:
    """Whether a "not" belongs to the number behind it: "thirty, not twenty"."""
    if words[at].folded not in _BEFORE:
        return False
    following = at + 1
    while following < len(words) and following not in starts:
        if words[following].folded not in _BETWEEN_BEFORE:
            return False
        following += 1
    return following in starts


def _is_cut_not(words: Sequence[Word], at: int) -> bool:
    return at > 0 and words[at].latin == "t" and words[at - 1].latin in _CUT_NOT
