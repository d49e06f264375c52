"""What a carrier would reject, and what can go wrong in the simulator itself.

SimulatorError
├── ProtocolViolated     the peer broke the provider's protocol: carries the violations
├── CallUnknown          no call of that SID was ever placed here
├── CallNotFinished      the call did not end within the time that the waiter gave it
├── StreamRefused        the media websocket could not be opened, or was refused
├── TwimlRefused         the answer is not TwiML that the carrier can carry out (12100)
└── AnswerFailed         the answer webhook did not answer as it must (11200, 11205)
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a carrier would reject.

    `code` is the provider's own number where it has one ("31950"), else a word of ours that begins
    with the provider's name ("exotel-packet-multiple").
    """

    code: str
    text: str
    at_ms: int | None = None  # on the stream's sample clock; None: before or outside a stream

    def __str__(self) -> str:
        where = "" if self.at_ms is None else f" at {self.at_ms} ms"
        return f"{self.code}{where}: {self.text}"


class SimulatorError(Exception):
    """Any failure of the simulated carrier or telephone."""


class ProtocolViolated(SimulatorError):
    """The peer broke the provider's protocol; the message lists every violation."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(str(violation) for violation in violations))
        self.violations = violations


def violated_in(group: BaseExceptionGroup[BaseException]) -> ProtocolViolated | None:
    """The violations that a task group ended by, as one error; None when there was more to it."""
    matched, rest = group.split(ProtocolViolated)
    if matched is None or rest is not None:
        return None
    found: list[Violation] = []
    for error in matched.exceptions:
        inner = violated_in(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(inner, ProtocolViolated):
            found.extend(inner.violations)
    return ProtocolViolated(tuple(found))


class CallUnknown(SimulatorError):
    """No call of that SID was ever placed here."""


class CallNotFinished(SimulatorError):
    """The call did not end within the time that the waiter gave it."""


class StreamRefused(SimulatorError):
    """The media websocket could not be opened; `code` is the carrier's (31901, 31902, 31920...)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class TwimlRefused(SimulatorError):
    """The document is not TwiML that the carrier can carry out (12100)."""


class AnswerFailed(SimulatorError):
    """The answer webhook did not answer as it must; `code` is the carrier's (11200, 11205)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class ViolationLog:
    """Collects violations; with `fail_fast` the first one is raised where it is found.

    `once` reports a code a single time a log, as the carriers do for 31931, 31950 and 31951; every
    occurrence is counted in `counts` all the same.
    """

    def __init__(
        self, *, fail_fast: bool = False, now_ms: Callable[[], int | None] = lambda: None
    ) -> None:
        self._fail_fast = fail_fast
        self._now_ms = now_ms
        self._found: list[Violation] = []
        self.counts: dict[str, int] = {}

    @property
    def found(self) -> tuple[Violation, ...]:
        return tuple(self._found)

    def add(self, code: str, text: str, *, once: bool = False) -> None:
        """Raises ProtocolViolated when the log fails fast."""
        seen_before = code in self.counts
        self.counts[code] = self.counts.get(code, 0) + 1
        if once and seen_before:
            return
        violation = Violation(code, text, self._now_ms())
        self._found.append(violation)
        if self._fail_fast:
            raise ProtocolViolated((violation,))

    def raise_if_any(self) -> None:
        """Raises ProtocolViolated with all that was found."""
        if self._found:
            raise ProtocolViolated(self.found)
