"""The figures in a text - numbers, amounts, times, numbers read digit by digit - so that what is
about to be said can be compared with what is known; pure."""

import re
from collections.abc import Iterator
from functools import lru_cache

from ivr_flows.wording.calendar_days import MONTHS, with_day_numbers
from ivr_flows.wording.spoken_numbers import Quantity, quantities_in
from ivr_flows.wording.utterance import Word, words_of

FREE_UP_TO = 10
"""Small numbers that count nothing measured ("two ways") are no figures: everybody uses them."""

_LANGUAGES = ("en", "hi", "mr")
_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")
_TIME = re.compile(
    r"(?<!\d)(\d{1,2}):(\d{2})(?::\d{2})?(?!\d)(?:\s*[ap]\.?m\b\.?|\s*बजे|\s*वाजता)?", re.I
)
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_NUMERAL = re.compile(r"\d+(?:,\d+)*(?:\.\d+)?")
_SPACED = re.compile(r"(?<![\d.,:])\d{1,5}(?:[ -]\d{1,5})+(?![\d.,:]*\d)")
_SCALE = re.compile(
    r"\s*(?:hundred|thousand|lakhs?|lacs?|crores?|million|सौ|हज़ार|हजार|लाख|करोड़|कोटी|k\b)", re.I
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_UNITS = _set(
    "rupee rupees rs inr rupaye rupaiye rupya percent minute minutes minat hour hours ghante ghanta"
    " day days din week weeks hafte month months mahine year years saal am pm oclock baje km"
    " kilometer kilometers kilometre kilometres dollar dollars paise रुपये रुपए रुपया रूपये रूपए"
    " प्रतिशत मिनट घंटे घंटा घंटों दिन दिनों हफ़्ते हफ्ते महीने साल बजे टक्के मिनिटे मिनिटं मिनिटांत मिनिटात"
    " तास तासांत तासात दिवस दिवसांत दिवसात आठवडे आठवड्यात वर्ष वर्षे वाजता वाजले किलोमीटर पैसे"
    " tarikh तारीख तारखेला तारखेपर्यंत"
)
_MOMENTS = _set("minute minutes minat moment मिनट मिनिट second")
_NO_NUMBERS = _set("at to too for ate won of")  # heard for 8, 2, 4; here they were written
# What makes a small number a time or a date: "at 5", "the 5th", "5 in the evening", "March 5".
_CLOCK_BEFORE = _set("at by till until past between")
_CLOCK_BEHIND = _set("st nd rd th morning afternoon evening tonight noon") | frozenset(MONTHS)
_CLOCK_PAIRS = frozenset({("a", "m"), ("p", "m"), ("at", "night"), ("of", "every")})
_JOINS = _set("and to or till until")
_NO_CLOCK = _set(  # "at one of our shops", "by two ways", "at one time"
    "of place places way ways time times different shop shops store stores point points step steps"
    " option options item items person people go other more another"
)
_NOTHING_BESIDE_WORDS = 2  # "five", "five rupees"
_PIECE_LETTERS = 280  # of what `words_of` reads at once; a number that is cut there is read twice


@lru_cache(maxsize=2048)
def figures_in(text: str) -> frozenset[str]:
    """Every figure of a text in one spelling: "450", "1250.5", "t570" (9:30, either half of the
    day), "4522" for "4 5 2 2"; also those that are no figures when they are spoken."""
    return frozenset(
        figure for language in _LANGUAGES for figure in _all(text, language, only_said=False)
    )


@lru_cache(maxsize=2048)
def figures_said(text: str, language: str) -> frozenset[str]:
    """The same as it is spoken in that language, without small numbers that measure nothing."""
    return frozenset(_all(text, language, only_said=True))


@lru_cache(maxsize=2048)
def figures_noted(text: str, language: str) -> frozenset[str]:
    """The same as it is written down, where a small number may be an amount: those in digits, and
    those in words where there is hardly anything beside them."""
    plain = _SPACED.sub(" ; ", _TIME.sub(" ; ", _DATE.sub(" ; ", text.translate(_DIGITS))))
    found = set(_numerals(plain, only_said=False))
    for each in dict.fromkeys((language, "en")):
        found |= figures_said(text, each)
        if len(text.split()) <= _NOTHING_BESIDE_WORDS:
            words = (f for piece in _pieces(plain) for f in _words(piece, each, only_said=False))
            found |= {figure for figure in words if float(figure) > 1}  # not "no one", "half full"
    return frozenset(found)


def _all(text: str, language: str, *, only_said: bool) -> Iterator[str]:
    plain = with_day_numbers(text.translate(_DIGITS))
    plain = _DATE.sub(" ; ".join((r"\1", r"\2", r"\3")), plain)
    for match in _TIME.finditer(plain):
        yield from _time(int(match[1]), int(match[2]), only_said=only_said)
    plain = _TIME.sub(" ; ", plain)
    for match in _SPACED.finditer(plain):
        yield _plain(re.sub(r"[ -]", "", match[0]))
    if only_said:
        plain = _SPACED.sub(" ; ", plain)
    for piece in _pieces(plain):
        yield from _numerals(piece, only_said=only_said)
        yield from _words(piece, language, only_said=only_said)


def _time(hour: int, minute: int, *, only_said: bool) -> Iterator[str]:
    yield f"t{hour % 12 * 60 + minute}"
    if not only_said:  # who knows 19:30 may say "half past seven"
        yield from (str(hour), str(hour % 12 or 12), str(minute))


def _numerals(piece: str, *, only_said: bool) -> Iterator[str]:
    for match in _NUMERAL.finditer(piece):
        if _SCALE.match(piece, match.end()):
            continue  # read with its words
        value = _plain(match[0].replace(",", ""))
        behind = words_of(piece[match.end() : match.end() + 24])[:1]
        before = piece[: match.start()].rstrip()
        is_money = before[-1:] in ("₹", "$", "€") or piece[match.end() : match.end() + 1] == "%"
        if not only_said or is_money or not _is_free(float(value), behind):
            yield value


def _words(piece: str, language: str, *, only_said: bool) -> Iterator[str]:
    whole = words_of(piece)
    places = [at for at, word in enumerate(whole) if word.written not in _NO_NUMBERS]
    words = tuple(whole[at] for at in places)
    clock_stop = -1  # where the last time ended: "between five AND seven"
    for run in _runs(quantities_in(words, language)):
        if len(run) > 2 and all(each.value < 10 for each in run):
            yield _plain("".join(str(int(each.value)) for each in run))
            continue
        for each in run:
            start, stop = places[each.start], places[each.stop - 1] + 1
            is_small = 1 <= each.value <= FREE_UP_TO
            is_clock = is_small and _is_clock(whole, start, stop, clock_stop)
            clock_stop = stop if is_clock else clock_stop
            is_written = any(word.written[0].isdigit() for word in words[each.start : each.stop])
            if is_written and each.stop - each.start == 1 and not is_clock:
                continue  # a numeral, read above
            behind = words[each.stop : each.stop + 1]
            if not only_said or is_clock or not _is_free(each.value, behind):
                yield _plain(f"{each.value:.9g}" if each.value < 10**9 else str(int(each.value)))


def _is_clock(words: tuple[Word, ...], start: int, stop: int, clock_stop: int) -> bool:
    """Whether the number between these words is a time or a day of the month."""
    before = tuple(word.written for word in words[max(0, start - 2) : start])
    behind = tuple(word.written for word in words[stop : stop + 3])
    if behind[:1] and (behind[0] in _CLOCK_BEHIND or behind[:2] in _CLOCK_PAIRS):
        return True
    if behind[:2] == ("in", "the") and behind[2:] and behind[2] in _CLOCK_BEHIND:
        return True
    if (before[-1:] and before[-1] in MONTHS) or before == ("quarter", "to"):
        return True
    if behind[:1] and behind[0] in _NO_CLOCK:
        return False
    if before and clock_stop == start - 1 and before[-1] in _JOINS:
        return True
    is_span = before[-1:] == ("from",) and behind[:1] and behind[0] in _JOINS
    return bool(is_span or (before and before[-1] in _CLOCK_BEFORE))


def _runs(quantities: list[Quantity]) -> Iterator[list[Quantity]]:
    """Numbers that follow each other without a word between."""
    run: list[Quantity] = []
    for quantity in quantities:
        if run and quantity.start != run[-1].stop:
            yield run
            run = []
        run.append(quantity)
    if run:
        yield run


def _is_free(value: float, behind: tuple[Word, ...]) -> bool:
    unit = behind[0].written if behind else ""
    if value > FREE_UP_TO:
        return False
    return unit not in _UNITS or (value == 1 and unit in _MOMENTS)


def _plain(number: str) -> str:
    """ "450.00" is "450"; the zeros at the head of a long number belong to it."""
    whole, _, part = number.partition(".")
    whole = whole if len(whole) > 3 else str(int(whole))
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def _pieces(text: str) -> Iterator[str]:
    while len(text) > _PIECE_LETTERS:
        cut = text.rfind(" ", 0, _PIECE_LETTERS)
        cut = cut if cut > 0 else _PIECE_LETTERS
        yield text[:cut]
        text = text[cut:]
    yield text
