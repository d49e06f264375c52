"""What a web service's answer reports as done about money; pure.

One field of the answer must say it all: its names and its value hold the money and the deed, as
in {"refund": {"status": "issued"}}. Words that stand in different fields, or in a sentence that
somebody wrote, report nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

MONEY_STEMS = re.compile(
    r"refund|reimburs|compensat|cash\s?back|discount|voucher|coupon|credit|waive", re.IGNORECASE
)
DONE_WORDS = re.compile(
    r"approved|granted|confirmed|sanctioned|issued|waived|refunded|reimbursed|compensated|given"
    r"|sent|credited|applied|added|processed|initiated|arranged|offered",
    re.IGNORECASE,
)

MAX_FIELDS = 400  # of an answer that are read
MAX_DEPTH = 8
MAX_VALUE_WORDS = 2  # a longer value is a sentence

_WORD = re.compile(r"[A-Za-z]+|\d+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # refundStatus
_PLAIN = re.compile(r"[A-Za-z _-]{1,40}")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DENIES = _set(
    "not no non never false none null denied rejected declined refused failed pending cancelled"
    " canceled reversed revoked ineligible unapproved unconfirmed unissued"
)
_OPEN = _set(  # what may come, what is only asked for, and what somebody wrote
    "can could may might be being will would if when until unless to eligible require requires"
    " required need needs must should expected possible allowed options statuses states steps next"
    " policy policies limit reason note notes comment comments message text remark remarks"
    " description subject title says said"
)
_HARMLESS = _set("yes true fully already successfully")


def money_reports(body: object) -> tuple[str, ...]:
    """The fields of a decoded JSON answer that report money as given or allowed, each in words:
    ("refund status issued",)."""
    found = (_report(path, value, beside) for path, value, beside in _fields(body))
    return tuple(dict.fromkeys(report for report in found if report))


def _fields(body: object) -> Iterator[tuple[tuple[str, ...], object, Mapping[str, Any]]]:
    """Each value by its names, with the object that it stands in. Values of a list have none."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), body)]
    left = MAX_FIELDS
    while waiting and left > 0:
        path, part = waiting.pop(0)
        left -= 1
        if len(path) >= MAX_DEPTH:
            continue
        if isinstance(part, Mapping):
            fields = cast("Mapping[str, Any]", part)
            for key, value in list(fields.items())[:left]:
                if isinstance(value, Mapping | list | tuple):
                    waiting.append(((*path, str(key)), cast("object", value)))
                else:
                    left -= 1
                    yield (*path, str(key)), value, fields
        elif isinstance(part, list | tuple):
            items = cast("Sequence[Any]", part)[:left]
            waiting += [(path, item) for item in items if isinstance(item, Mapping)]


def _report(path: tuple[str, ...], value: object, beside: Mapping[str, Any]) -> str:
    names, told = [word for key in path for word in _words(key)], _told(value)
    if told is None:
        return ""
    near = [word for key in path[-2:] for word in _words(key)]  # what lies deeper is another thing
    words = {*names, *told}
    if words & _DENIES or words & _OPEN or _is_denied(path, beside):
        return ""
    deeds = told or _words(path[-1])[-1:]  # {"refund_issued": true}
    is_done = any(DONE_WORDS.fullmatch(word) for word in deeds)
    text = " ".join((*near, *told))
    return text if is_done and MONEY_STEMS.search(text) else ""


def _told(value: object) -> tuple[str, ...] | None:
    """The words of a value that says something; () for a plain yes, None for anything else."""
    if value is True:
        return ()
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        return None
    words = _words(value)
    if not 0 < len(words) <= MAX_VALUE_WORDS:
        return None
    meant = tuple(word for word in words if word not in _HARMLESS)
    is_plain = all(MONEY_STEMS.match(word) or DONE_WORDS.fullmatch(word) for word in meant)
    return meant if is_plain else None


def _is_denied(path: tuple[str, ...], beside: Mapping[str, Any]) -> bool:
    """Whether another field of the same refund says that it came to nothing."""
    if not any(MONEY_STEMS.search(key) for key in path[:-1]):
        return False
    for key, value in list(beside.items())[:MAX_FIELDS]:
        named = set(_words(str(key)))
        said = set(_words(value)) if isinstance(value, str) and len(value) <= 40 else set[str]()
        if value is True and named & _DENIES:
            return True
        if said & _DENIES or (value is False and any(map(DONE_WORDS.fullmatch, named))):
            return True
    return False


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(_HUMP.sub(" ", text[:200])))
