"""What the bot says, in order: what is being spoken, and what waits behind it. Pure."""

from dataclasses import dataclass, replace

from ivr_flows.actions import Say
from processors.playout import rest_of
from speech.expression import without_marks


@dataclass(frozen=True, slots=True)
class Telling:
    """A text, and how far the far end has heard it."""

    say: Say
    heard_text: str = ""  # its first words
    heard_ms: int = 0  # of its audio
    is_filler: bool = False

    @property
    def rest(self) -> str:
        """What is left to be said."""
        words = without_marks(self.say.text)
        return rest_of(words, self.heard_text) if self.heard_text else words


class SayQueue:
    """Hands texts on as far as the first prompt that must not be cut short.

    An interruption empties everything handed on, so what may be dropped never queues behind what
    may not. What a caller's voice has stopped is kept until that voice is known for what it was.
    """

    def __init__(self) -> None:
        self._unplayed: dict[int, Telling] = {}  # handed on to be spoken, by utterance id
        self._held: list[Telling] = []
        self._stopped: list[tuple[int | None, Telling]] = []  # None: it had not been handed on
        self._stopped_by_ms = 0  # where the voice began that they gave way to
        self._told_until_ms = 0  # where the last prompt that nothing cuts short ended

    @property
    def is_speaking(self) -> bool:
        """Whether something handed on has not been played yet."""
        return bool(self._unplayed)

    @property
    def is_telling(self) -> bool:
        """Whether it is more than a filler."""
        return any(not telling.is_filler for telling in self._unplayed.values())

    @property
    def is_done(self) -> bool:
        """Whether everything has been played or dropped."""
        return not self._unplayed and not self._held

    @property
    def playing_node(self) -> str:
        """The flow's node of what is being said, or was when a voice stopped it; "" where nothing
        is."""
        stopped = (telling for _, telling in self._stopped)
        return next((telling.say.node for telling in (*self._unplayed.values(), *stopped)), "")

    @property
    def is_asking(self) -> bool:
        """Whether what is being said, or was when a voice stopped it, asks for an answer."""
        stopped = (telling for _, telling in self._stopped)
        return next((telling.say.asks for telling in (*self._unplayed.values(), *stopped)), True)

    @property
    def must_finish(self) -> bool:
        """Whether a prompt is being said that nothing cuts short."""
        return any(not telling.say.interruptible for telling in self._unplayed.values())

    def was_meanwhile(self, start_ms: int, end_ms: int) -> bool:
        """Whether what the caller said fell mostly into a prompt that nothing cuts short.

        The "haan, boliye" to a greeting is no answer to the question behind it.
        """
        return self.must_finish or self._told_until_ms - start_ms > end_ms - self._told_until_ms

    def hold(self, say: Say) -> None:
        """It is to be said behind everything else."""
        if say.clause and self._stopped:  # the rest of what gave way: said with it, or not at all
            self._stopped.append((None, Telling(say)))
        else:
            self._held.append(Telling(say))

    def next(self) -> Telling | None:
        """What may be spoken now, if anything: to be told `handed_on` at once."""
        if not self._held or self.must_finish:
            return None
        if self._unplayed and not self._held[0].say.interruptible:
            return None
        return self._held.pop(0)

    def handed_on(self, utterance_id: int, telling: Telling) -> None:
        """It is being spoken under this id."""
        self._unplayed[utterance_id] = telling

    def played(self, utterance_id: int, end_ms: int, heard_text: str, heard_ms: int) -> bool:
        """An utterance is over, at `end_ms`; whether it was awaited.

        `heard_text`: what was heard of it this time; `heard_ms`: of its audio, in all.
        """
        for index, (stopped_id, telling) in enumerate(self._stopped):
            if stopped_id == utterance_id:
                whole = f"{telling.heard_text} {heard_text}".strip()
                heard = replace(telling, heard_text=whole, heard_ms=heard_ms)
                self._stopped[index] = stopped_id, heard
        over = self._unplayed.pop(utterance_id, None)
        if over is not None and not over.say.interruptible:
            self._told_until_ms = end_ms
        return over is not None

    def drop_held(self) -> None:
        """What waits, or was stopped, is not to be said: an answer overtook it."""
        self._held.clear()
        self._stopped.clear()

    def cut_off(self) -> tuple[int, ...]:
        """Nothing handed on is awaited any more; their ids."""
        utterance_ids = tuple(self._unplayed)
        self._unplayed.clear()
        return utterance_ids

    # A voice over the bot's

    def stop_for(self, start_ms: int) -> None:
        """A voice since `start_ms` speaks over it: all stops, up to what must be said all the same.

        To be told `cut_off` next.
        """
        if start_ms != self._stopped_by_ms:
            self._stopped.clear()
        self._stopped_by_ms = start_ms
        self._stopped += [pair for pair in self._unplayed.items() if not pair[1].is_filler]
        while self._held and self._held[0].say.interruptible:
            self._stopped.append((None, self._held.pop(0)))

    def has_stopped_for(self, start_ms: int) -> bool:
        """Whether the voice since `start_ms` stopped what was being said."""
        return bool(self._stopped) and self._stopped_by_ms == start_ms

    def forget_stopped(self) -> None:
        """An answer came: what was stopped is of no use any more."""
        self._stopped.clear()

    def take_up(self) -> None:
        """That voice wanted nothing: what it stopped is to be said first, from where it was."""
        self._held[:0] = [telling for _, telling in self._stopped if telling.rest]
        self._stopped.clear()
