"""What the bot says, in order: what is being spoken, and what waits behind it. Pure."""

from ivr_flows.actions import Say


class SayQueue:
    """Hands texts on as far as the first prompt that must not be cut short.

    An interruption empties everything handed on, so what may be dropped never queues behind what
    may not.
    """

    def __init__(self) -> None:
        self._unplayed: dict[int, Say] = {}  # handed on to be spoken, by utterance id
        self._held: list[Say] = []
        self._told_until_ms = 0  # where the last prompt that nothing cuts short ended

    @property
    def is_speaking(self) -> bool:
        """Whether something handed on has not been played yet."""
        return bool(self._unplayed)

    @property
    def is_done(self) -> bool:
        """Whether everything has been played or dropped."""
        return not self._unplayed and not self._held

    @property
    def playing_node(self) -> str:
        """The flow's node of what is being said; "" where nothing is."""
        return next((say.node for say in self._unplayed.values()), "")

    @property
    def must_finish(self) -> bool:
        """Whether a prompt is being said that nothing cuts short."""
        return any(not say.interruptible for say in self._unplayed.values())

    def was_meanwhile(self, start_ms: int, end_ms: int) -> bool:
        """Whether what the caller said fell mostly into a prompt that nothing cuts short.

        The "haan, boliye" to a greeting is no answer to the question behind it.
        """
        return self.must_finish or self._told_until_ms - start_ms > end_ms - self._told_until_ms

    def hold(self, say: Say) -> None:
        """It is to be said behind everything else."""
        self._held.append(say)

    def next(self) -> Say | None:
        """What may be spoken now, if anything: to be told `handed_on` at once."""
        if not self._held or self.must_finish:
            return None
        if self._unplayed and not self._held[0].interruptible:
            return None
        return self._held.pop(0)

    def handed_on(self, utterance_id: int, say: Say) -> None:
        """It is being spoken under this id."""
        self._unplayed[utterance_id] = say

    def played(self, utterance_id: int, end_ms: int) -> bool:
        """An utterance is over, at `end_ms`; whether it was awaited."""
        say = self._unplayed.pop(utterance_id, None)
        if say is not None and not say.interruptible:
            self._told_until_ms = end_ms
        return say is not None

    def drop_held(self) -> None:
        """What waits is not to be said: an answer overtook it."""
        self._held.clear()

    def drop_held_interruptible(self) -> None:
        """The caller speaks over it: what waits is dropped up to what must be said."""
        while self._held and self._held[0].interruptible:
            self._held.pop(0)

    def cut_off(self) -> tuple[int, ...]:
        """Nothing handed on is awaited any more; their ids."""
        utterance_ids = tuple(self._unplayed)
        self._unplayed.clear()
        return utterance_ids
