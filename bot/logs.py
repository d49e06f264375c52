"""The log: one line a record, on one stream, with the call it belongs to and without secrets.

    2026-03-01T10:00:00.123+0530 INFO    [c-7f3a] bot.session: answered ***210 after 4.1 s

Pipecat logs through loguru, the servers and clients through the standard library: both end here.
Everything a record says passes the masks of `log_masks.py`, tracebacks too.
"""

import logging
import re
import sys
import traceback
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO, cast

from loguru import logger

from bot.log_masks import masker

if TYPE_CHECKING:
    from loguru import Message, Record

_QUIET = (
    "alembic",
    "httpx",
    "httpcore",
    "hpack",
    "websockets",
    "asyncio",
    "numba",
    "aiosqlite",
    "aioice",
)
"""Libraries whose ordinary records repeat ours, or print whole messages of the line."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def set_up_logging(
    level: str = "INFO", *, secrets: Collection[str] = (), stream: TextIO | None = None
) -> None:
    """Log records of `level` and above to `stream` (else stderr). Replaces any set-up before.

    `secrets` are never written, whoever logs them: see `Settings.secret_values`.
    """
    sink = _LineSink(stream or sys.stderr, secrets)
    logger.remove()
    # `diagnose` would print the values of variables. `catch` would print a failed record unmasked.
    logger.add(sink, level=level, format="{message}", backtrace=False, diagnose=False, catch=False)
    logging.root.handlers = [_ToLoguru()]
    logging.root.setLevel(level if level != "TRACE" else logging.DEBUG)
    for name in tuple(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
        library.setLevel(logging.NOTSET)  # whatever another server of this process has set
        library.disabled = False
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def call_context(call_id: str) -> AbstractContextManager[None]:
    """Within this, every record carries the call's id, also in the tasks started there."""
    return cast(AbstractContextManager[None], logger.contextualize(call_id=call_id))


class _LineSink:
    """Writes a record as one masked line."""

    def __init__(self, stream: TextIO, secrets: Collection[str]) -> None:
        self._stream = stream
        self._mask = masker(secrets)

    def __call__(self, message: "Message") -> None:
        try:
            self._stream.write(self._line(message.record))
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of the log is gone, or the stream is closed. A call goes on without one.
            return

    def _line(self, record: "Record") -> str:
        text = record["message"]
        if record["exception"] is not None:
            kind, error, trace = record["exception"]
            text += "\n" + "".join(traceback.format_exception(kind, error, trace)).rstrip()
        time = record["time"].strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + record["time"].strftime("%z")
        call_id = record["extra"].get("call_id", "-")
        # Escaped: what a caller or a carrier sends cannot forge a line or move the cursor.
        said = _CONTROL.sub(_escape, self._mask(f"{record['name']}: {text}"))
        return f"{time} {record['level'].name:<7} [{_CONTROL.sub(_escape, str(call_id))}] {said}\n"


class _ToLoguru(logging.Handler):
    """Hands records of the standard library to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it again, under the library's own name."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        name = record.name

        def keep_name(seen: "Record") -> None:
            seen["name"] = name

        patched = logger.patch(keep_name).opt(exception=record.exc_info)
        patched.log(level, "{}", record.getMessage())


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
