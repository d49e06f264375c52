"""Lists of calls, newest first, page by page.

A cursor names the last call of a page, so that calls made meanwhile neither repeat nor hide one.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from sqlalchemy import Select, select, tuple_

from telephony.call import Call, CallStatus, Direction, Disposition
from telephony.errors import CursorInvalid
from telephony.rows import storable_text
from telephony.schema import CallRow

MAX_PAGE = 200
_CURSOR = re.compile(r"(\d{1,15})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: all that fit everything given. Empty sets and None mean any."""

    statuses: frozenset[CallStatus] = frozenset()
    dispositions: frozenset[Disposition] = frozenset()
    direction: Direction | None = None
    flow: str | None = None
    carrier: str | None = None
    to_number: str | None = None
    from_number: str | None = None
    created_from_unix_ms: int | None = None  # this moment and later
    created_before_unix_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallPage:
    calls: tuple[Call, ...]
    next_cursor: str | None  # None: this is the last page


def cursor_after(call: Call) -> str:
    """The cursor of the page that begins behind `call`."""
    return base64.urlsafe_b64encode(f"{call.created_at_unix_ms}.{call.id}".encode()).decode()


def page_query(wanted: CallFilter, limit: int, cursor: str | None) -> Select[tuple[CallRow]]:
    """The query for a page, and one call more when there is a next. Raises CursorInvalid."""
    query = select(CallRow).order_by(CallRow.created_at_unix_ms.desc(), CallRow.id.desc())
    if cursor is not None:
        query = query.where(tuple_(CallRow.created_at_unix_ms, CallRow.id) < _position(cursor))
    if wanted.statuses:
        query = query.where(CallRow.status.in_(sorted(wanted.statuses)))
    if wanted.dispositions:
        query = query.where(CallRow.disposition.in_(sorted(wanted.dispositions)))
    exact = {
        CallRow.direction: wanted.direction,
        CallRow.flow: wanted.flow,
        CallRow.carrier: wanted.carrier,
        CallRow.to_number: wanted.to_number,
        CallRow.from_number: wanted.from_number,
    }
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == storable_text(value))
    if wanted.created_from_unix_ms is not None:
        query = query.where(CallRow.created_at_unix_ms >= wanted.created_from_unix_ms)
    if wanted.created_before_unix_ms is not None:
        query = query.where(CallRow.created_at_unix_ms < wanted.created_before_unix_ms)
    return query.limit(limit + 1)


def _position(cursor: str) -> tuple[int, str]:
    try:
        text = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        match = _CURSOR.fullmatch(text.decode("ascii"))
    except (binascii.Error, UnicodeError):
        match = None
    if match is None:
        raise CursorInvalid("cursor: not one of ours; take next_cursor of the page before as it is")
    return int(match[1]), match[2]
