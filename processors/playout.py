"""What the far end has played: pure bookkeeping over utterances, marks and `clear`.

Each utterance is sent with marks after some of its audio and one after all of it. A mark that
comes back says that the audio before it was played. A mark that comes back because of `clear`
says nothing. Between two marks the call's clock fills in.
"""

from dataclasses import dataclass, field

END = "end"

LETTER_MS = 60.0
"""Of a text whose sound is still being made: what a letter of it will last (165 words a minute)."""


def mark_name(utterance_id: int, offset_ms: int | None) -> str:
    """The name of the mark after `offset_ms` of an utterance; None is its end."""
    return f"{utterance_id}:{END if offset_ms is None else offset_ms}"


@dataclass(slots=True)
class _Sent:
    """One utterance on its way to the far end's ear."""

    utterance_id: int
    text: str
    duration_ms: float = 0.0  # of the audio sent so far
    is_complete: bool = False  # all of its audio was sent
    start_ms: int | None = None
    played_ms: int = 0  # known from marks
    played_at_ms: int | None = None
    marks: set[int] = field(default_factory=set[int])  # offsets asked for and not yet back
    skipped_ms: float = 0.0  # of its audio, heard before

    @property
    def whole_ms(self) -> float:
        """How long it lasts, as far as that is known."""
        if self.is_complete:
            return self.duration_ms
        return max(self.duration_ms, LETTER_MS * len(self.text))


@dataclass(frozen=True, slots=True)
class Played:
    """An utterance that is over."""

    utterance_id: int
    text: str
    heard_text: str
    start_ms: int | None
    end_ms: int
    is_interrupted: bool
    heard_ms: float = 0.0  # of its audio, with what was heard before


class Playout:
    """The utterances of one call, in the order they were said."""

    def __init__(self) -> None:
        self._sent: list[_Sent] = []

    @property
    def is_idle(self) -> bool:
        """Whether everything said has been played or dropped."""
        return not self._sent

    @property
    def awaited_ms(self) -> float:
        """How much of what was sent is not known to have been played."""
        return sum(sent.duration_ms - sent.played_ms for sent in self._sent)

    def begin(self, utterance_id: int, text: str, *, skipped_ms: float = 0.0) -> None:
        """An utterance starts to be sent: what is left of it behind `skipped_ms` of its audio."""
        self._sent.append(_Sent(utterance_id, text, skipped_ms=skipped_ms))

    def started(self, now_ms: int) -> int | None:
        """Audio begins to leave for the line: the id of the utterance that it belongs to."""
        for sent in self._sent:
            if sent.start_ms is None:
                sent.start_ms = now_ms
                return sent.utterance_id
            if not sent.is_complete:
                return None
        return None

    def add_audio(self, utterance_id: int, duration_ms: float) -> None:
        """More audio of the utterance was sent."""
        self._find(utterance_id).duration_ms += duration_ms

    def add_mark(self, utterance_id: int) -> str:
        """A mark is sent behind the audio so far; returns its name."""
        sent = self._find(utterance_id)
        offset_ms = round(sent.duration_ms)
        sent.marks.add(offset_ms)
        return mark_name(utterance_id, offset_ms)

    def complete(self, utterance_id: int) -> str:
        """All audio of the utterance was sent; returns the name of its last mark."""
        self._find(utterance_id).is_complete = True
        return mark_name(utterance_id, None)

    def complete_without_audio(self, utterance_id: int, now_ms: int) -> Played | None:
        """The utterance, if it has no audio: no mark and no time is to be awaited for it."""
        sent = self._find(utterance_id)
        if sent.duration_ms > 0:
            return None
        self.drop(utterance_id)
        return Played(utterance_id, sent.text, sent.text, now_ms, now_ms, False)

    def mark_returned(self, name: str, now_ms: int) -> Played | None:
        """The far end's playhead reached a mark; the utterance, if that was its end."""
        head, _, tail = name.partition(":")
        sent = next((s for s in self._sent if str(s.utterance_id) == head), None)
        if sent is None:
            return None  # of an utterance that was cleared, or not ours
        if tail == END and sent.is_complete:
            return self._finish(sent, now_ms)
        if tail.isdigit() and int(tail) in sent.marks:
            sent.marks.discard(int(tail))
            sent.played_ms, sent.played_at_ms = int(tail), now_ms
            if sent.start_ms is None:  # it followed so soon that no beginning was told
                sent.start_ms = max(0, now_ms - int(tail))
        return None

    def played_by_time(self, now_ms: int) -> tuple[Played, ...]:
        """Marks stayed away: everything sent whole counts as played."""
        return tuple(self._finish(sent, now_ms) for sent in list(self._sent) if sent.is_complete)

    def clear(self, now_ms: int) -> tuple[Played, ...]:
        """The far end's buffer is emptied: what was heard of each utterance, and end them all."""
        ended = tuple(self._cut(sent, self._heard_ms(sent, now_ms), now_ms) for sent in self._sent)
        self._sent.clear()
        return ended

    def break_off(self, utterance_id: int, now_ms: int) -> Played:
        """No more of it will be sent; what was is taken for heard, and is not awaited."""
        sent = self._find(utterance_id)
        self.drop(utterance_id)
        return self._cut(sent, sent.duration_ms, now_ms)

    def drop(self, utterance_id: int) -> None:
        """The utterance is no longer awaited."""
        self._sent = [sent for sent in self._sent if sent.utterance_id != utterance_id]

    def _cut(self, sent: _Sent, heard_ms: float, now_ms: int) -> Played:
        return Played(
            sent.utterance_id,
            sent.text,
            heard_part(sent.text, heard_ms, sent.whole_ms),
            sent.start_ms,
            now_ms,
            is_interrupted=True,
            heard_ms=sent.skipped_ms + heard_ms,
        )

    def _heard_ms(self, sent: _Sent, now_ms: int) -> float:
        since_ms = sent.played_at_ms if sent.played_at_ms is not None else sent.start_ms
        if since_ms is None:
            return 0.0
        next_mark_ms = min((m for m in sent.marks if m > sent.played_ms), default=sent.duration_ms)
        return min(sent.played_ms + (now_ms - since_ms), next_mark_ms)

    def _finish(self, sent: _Sent, now_ms: int) -> Played:
        start_ms = sent.start_ms
        if start_ms is None:  # it followed another without a pause
            start_ms = max(0, now_ms - round(sent.duration_ms))
        self._sent.remove(sent)
        if self._sent and self._sent[0].start_ms is None and self._sent[0].duration_ms > 0:
            self._sent[0].start_ms = now_ms
        return Played(sent.utterance_id, sent.text, sent.text, start_ms, now_ms, False)

    def _find(self, utterance_id: int) -> _Sent:
        return next(sent for sent in self._sent if sent.utterance_id == utterance_id)


def rest_of(text: str, heard_text: str) -> str:
    """The words of `text` behind its first ones, `heard_text`."""
    return " ".join(text.split()[len(heard_text.split()) :])


def heard_part(text: str, heard_ms: float, duration_ms: float) -> str:
    """The words of `text` that fit into `heard_ms` of its `duration_ms`.

    Words are taken to last in proportion to their letters, which keeps the cut within a word
    or two of the truth for read sentences.
    """
    if heard_ms <= 0 or duration_ms <= 0:
        return ""
    letters = len(text) * min(1.0, heard_ms / duration_ms)
    heard: list[str] = []
    used = 0
    for word in text.split():
        used += len(word) + 1
        if used - 1 > letters:
            break
        heard.append(word)
    return " ".join(heard)
