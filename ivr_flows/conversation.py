"""What was said at a `converse` node so far: a value, and the messages that a model sees of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ivr_flows.dialogue import Message, ToolCall

CUT_SIGN = "…"
"""Stands where the caller interrupted: the model sees that the rest was not heard."""

NOT_DONE = "Not done"
"""How a tool's message begins that refuses a call: what it names of the call is known to nobody."""

MAX_ENTRIES = 120
"""Of a dialogue; the oldest are left out, the first replies of a call before its last."""


MAX_REPORTS = 20


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a reply that is spoken in one go."""

    number: int  # counts up within the conversation, from 1
    text: str  # as it was said: what was withheld never stands here
    heard: str | None = None  # what of it the far end played; None: not known yet


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bot said in one turn, and the tools that the model wanted."""

    clauses: tuple[Clause, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    is_over: bool = False  # the caller has answered: what isn't known as heard never was

    @property
    def content(self) -> str:
        """What the model is to believe it said."""
        if not self.is_over:
            return " ".join(clause.text for clause in self.clauses)
        heard = " ".join(clause.heard for clause in self.clauses if clause.heard)
        is_whole = all(clause.heard == clause.text for clause in self.clauses)
        return heard if is_whole or not heard else heard + CUT_SIGN


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation with a model, at one node."""

    entries: tuple[Message | Reply, ...] = ()
    clauses: int = 0  # said so far; the number of the last one
    turns: int = 0  # of the caller
    tokens: int = 0  # of the requests that ended, both ways
    owed: int = 0  # tokens of the request under way, as guessed; an endpoint's count replaces them
    called: int = 0  # tools that the model wanted so far
    rounds: int = 0  # of tools since the caller's last words
    faults: int = 0  # of the model since the caller's last words
    friction: int = 0  # signs of anger or of not being understood
    awaited: tuple[str, ...] = ()  # ids of tool calls without an answer
    words: tuple[str, ...] = ()  # what the caller said while tools were at work
    spoken: str = ""  # of the reply under way
    reports: tuple[str, ...] = ()  # of tools: what they said is done about money; the last few
    passages: tuple[str, ...] = ()  # found so far, by the numbers that the model cites
    has_withheld: bool = False  # something of the reply under way was not let through
    is_over_time: bool = False
    notes: tuple[str, ...] = ()  # for the model, on what happened in this turn

    @property
    def tokens_used(self) -> int:
        """Of all requests, both ways: also of those that were cut short, failed or go on."""
        return self.tokens + self.owed

    @property
    def last_reply(self) -> Reply | None:
        """The reply at the end; None where the caller or a tool had the last word."""
        last = self.entries[-1] if self.entries else None
        return last if isinstance(last, Reply) else None

    def add(self, entry: Message | Reply) -> "Dialogue":
        """With one more entry."""
        return replace(self, entries=_shortened((*self.entries, entry)))

    def say(self, text: str) -> "Dialogue":
        """With one more clause of the reply under way."""
        clause = Clause(self.clauses + 1, text)
        last = self.last_reply
        if last is None or last.is_over or last.calls:
            return replace(self.add(Reply((clause,))), clauses=clause.number)
        reply = replace(last, clauses=(*last.clauses, clause))
        return replace(self, entries=(*self.entries[:-1], reply), clauses=clause.number)

    def call(self, calls: tuple[ToolCall, ...]) -> "Dialogue":
        """With tools that the reply under way asked for."""
        counted = replace(self, called=self.called + len(calls))
        last = self.last_reply
        if last is None or last.is_over or last.calls:
            return counted.add(Reply(calls=calls))
        return replace(counted, entries=(*self.entries[:-1], replace(last, calls=calls)))

    def report(self, reports: tuple[str, ...]) -> "Dialogue":
        """With what a tool reported as done about money."""
        kept = tuple(dict.fromkeys((*self.reports, *reports)))
        return replace(self, reports=kept[-MAX_REPORTS:])

    def heard(self, number: int, text: str) -> "Dialogue":
        """With what the far end played of a clause: of one that is said twice, the most of it."""
        return replace(self, entries=tuple(_told(entry, number, text) for entry in self.entries))

    def answered(self, words: str) -> "Dialogue":
        """The caller has the word: what was not heard of the bot's was not said."""
        entries = tuple(
            replace(entry, is_over=True) if isinstance(entry, Reply) else entry
            for entry in self.entries
        )
        return replace(self, entries=entries).add(Message("user", words))

    @property
    def said_last(self) -> tuple[Clause, ...]:
        """The clauses of the last reply that has any."""
        replies = (e for e in reversed(self.entries) if isinstance(e, Reply) and e.clauses)
        last = next(replies, None)
        return last.clauses if last else ()

    def messages(self) -> tuple[Message, ...]:
        """The dialogue as a model is shown it: no message is empty, and no two of the caller's
        follow each other, which some models' templates don't take."""
        return tuple(_joined(self._all()))

    def _all(self) -> Iterator[Message]:
        for entry in self.entries:
            if isinstance(entry, Message):
                yield entry
            elif entry.content or entry.calls:
                yield Message("assistant", entry.content, entry.calls)


def _told(entry: Message | Reply, number: int, text: str) -> Message | Reply:
    if not isinstance(entry, Reply) or all(c.number != number for c in entry.clauses):
        return entry
    told = tuple(
        replace(c, heard=max(c.heard or "", text, key=len)) if c.number == number else c
        for c in entry.clauses
    )
    return replace(entry, clauses=told)


def _joined(messages: Iterator[Message]) -> Iterator[Message]:
    before: Message | None = None
    for message in messages:
        alike = before is not None and before.role == message.role != "tool"
        if before is not None and alike and not before.tool_calls:
            content = f"{before.content}\n{message.content}".strip()
            before = replace(message, content=content)
            continue
        if before is not None:
            yield before
        before = message
    if before is not None:
        yield before


def _shortened(entries: tuple[Message | Reply, ...]) -> tuple[Message | Reply, ...]:
    """Without the oldest, from a message of the caller's on: tools' answers need their calls."""
    if len(entries) <= MAX_ENTRIES:
        return entries
    for at in range(len(entries) - MAX_ENTRIES, len(entries)):
        entry = entries[at]
        if isinstance(entry, Message) and entry.role == "user":
            return entries[at:]
    return entries


@dataclass(frozen=True, slots=True)
class Found:
    """A passage of a knowledge base."""

    source: str  # the file's name
    heading: str
    text: str

    @property
    def cited(self) -> str:
        """Its name for the transcript."""
        return f"{self.source} § {self.heading}" if self.heading else self.source
