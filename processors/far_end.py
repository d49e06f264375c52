"""When the far end played what it was sent: pure, told of sends, echoes and `clear`.

A mark that comes back is the truth: the audio before it has been played. It comes between two
media messages of the caller on the same ordered socket, so it is known to one packet of his audio
when that was, however busy our event loop is; inside that packet its arrival tells. An echo can be
late but never early, and a far end that ran dry is behind for good: so no audio was played later
than the least late of the echoes behind it says.

All audio follows itself without a seam, unless its echoes show a gap: then the gap is put before
the packet that was sent latest of those between two marks. Where no echo comes, audio is placed
where it was sent. Positions are samples of the call's clock; audio is int16 mono PCM.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from speech.stt import Pcm

GAP_MS = 20
"""A lag of the bot's packets up to this is bridged, as a telephone's jitter buffer does; a longer
one is a pause. Larger: the bot's voice may sit so much too early. Smaller: the jitter of packets
tears gaps into words."""

DRY_MS = 10
"""The same where echoes show it: half of the 20 ms in which telephones play. Larger: a hole of one
step stays unseen, and all behind it sits too early. Smaller: the echoes' jitter tears words."""

PAUSE_MS = 300
"""Behind such a pause the far end has surely played what it had."""

PROMPT_MS = 10
"""A mark that left so soon behind its audio got there before that was played out."""

WITNESSES = 3
"""So many echoes that agree are believed though nothing was sent late. One may itself be late."""


@dataclass(slots=True)
class _Echo:
    """A mark came back: the caller's audio stood between `least` and `most` samples."""

    at_s: float
    least: int
    most: int | None = None  # None: his next packet has not come yet


@dataclass(slots=True)
class _Packet:
    first: int  # samples of the bot's audio before it
    pcm: Pcm
    at_s: float
    floor: int  # what had come of the caller when it was sent: it was not played before


@dataclass(slots=True)
class _Mark:
    name: str
    behind: int  # samples of the bot's audio
    is_prompt: bool
    echo: _Echo | None = None


@dataclass(slots=True)
class _Clear:
    at_s: float
    floor: int


@dataclass(frozen=True, slots=True)
class _Witness:
    """What an echo says of the shift of the audio before its mark."""

    least: int | None  # None: it says nothing of that
    most: int
    latest: int  # shift of the latest packet so far, had it been heard when it was sent


@dataclass(frozen=True, slots=True)
class Cut:
    """What was placed from here on was never heard."""

    at: int


class FarEnd:
    """The far end's playout of one call. What it is told is held until `settle` judges it.

    A shift is a position on the call's clock less the samples of the bot's audio before it: it
    stays the same while the far end has something to play, and grows where it had nothing.
    """

    def __init__(
        self, sample_rate_hz: int, *, delay_ms: int, position: Callable[[float], int]
    ) -> None:
        """`delay_ms`: from a send to the ear, until echoes tell. `position`: the call's clock in
        samples at a time in seconds."""
        self._gap = GAP_MS * sample_rate_hz // 1000
        self._dry = DRY_MS * sample_rate_hz // 1000
        self._pause = PAUSE_MS * sample_rate_hz // 1000
        self._delay = delay_ms * sample_rate_hz // 1000
        self._latency: int | None = None  # the same as echoes tell it: the least seen
        self._restart: int | None = None  # the same after a pause: a jitter buffer fills first
        self._latest: int | None = None  # shift of the latest packet settled, as if heard when sent
        self._position = position
        self._held: deque[_Packet | _Mark | _Clear] = deque()
        self._clears: deque[_Clear] = deque()  # those of `_held`
        self._out: dict[str, _Mark] = {}  # sent and not back
        self._open: list[_Echo] = []  # whose packet of the caller is not whole
        self._sent = self._settled = 0  # samples of the bot
        self._sent_at_s = 0.0
        self.end = 0  # of what was settled

    @property
    def held_samples(self) -> int:
        """How much of the bot's audio is held."""
        return self._sent - self._settled

    def sent(self, pcm: Pcm, at_s: float, floor: int) -> None:
        """The bot's next audio left, when `floor` samples of the caller had come."""
        self._held.append(_Packet(self._sent, pcm, at_s, floor))
        self._sent += len(pcm)
        self._sent_at_s = at_s

    def marked(self, name: str, at_s: float) -> None:
        """A mark left behind what was sent."""
        mark = _Mark(name, self._sent, is_prompt=at_s - self._sent_at_s <= PROMPT_MS / 1000)
        self._held.append(mark)
        self._out[name] = mark

    def echoed(self, name: str, at_s: float, least: int) -> None:
        """A mark came back, behind `least` samples of the caller."""
        mark = self._out.pop(name, None)
        if mark:
            mark.echo = _Echo(at_s, least)
            self._open.append(mark.echo)

    def caller_reached(self, samples: int) -> None:
        """The caller's next packet came."""
        for echo in self._open:
            if samples > echo.least:
                echo.most = samples
        self._open = [echo for echo in self._open if echo.most is None]

    def cleared(self, at_s: float, floor: int) -> None:
        """The far end was told to drop what it had not played. Marks still out say nothing."""
        clear = _Clear(at_s, floor)
        self._held.append(clear)
        self._clears.append(clear)
        self._out.clear()

    def floor(self) -> int | None:
        """Nothing that is held is placed or cuts before this, less the gap; None: nothing is."""
        while self._held and isinstance(self._held[0], _Mark):
            self._out.pop(self._held[0].name, None)
            self._held.popleft()
        if not self._held:
            return None
        first = self._held[0]
        floors = [clear.floor for clear in list(self._clears)[:1]]
        if isinstance(first, _Packet):
            floors.append(max(first.floor, self.end))
        return min(floors)

    def settle(self, until: float) -> Iterator[tuple[int, Pcm] | Cut]:
        """What was sent and should have been played by `until`: audio and its place, and cuts.

        Places rise and don't overlap; a cut may lie before the end of what came before it.
        """
        while (floor := self.floor()) is not None and floor <= until:
            first = self._held[0]
            if isinstance(first, _Clear):
                self._held.popleft()
                self._clears.popleft()
                cut = Cut(max(first.floor, self._position(first.at_s)))
                self.end = min(self.end, cut.at)
                self._latest = None
                yield cut
            else:
                yield from self._settle_stretch()

    def _settle_stretch(self) -> Iterator[tuple[int, Pcm]]:
        """Place the packets up to the next mark that came back, or one packet where none did."""
        first = self._held[0]
        assert isinstance(first, _Packet)
        before = self.end - first.first
        sent, witnesses = self._ahead() if self._has_echo() else ([self._sent_shift(first)], [])
        if witnesses:
            shifts = self._by_marks(sent, before, witnesses)
        else:
            shifts = [self._alone(sent[0], before)]
        for own in sent[: len(shifts)]:
            self._latest = own if self._latest is None else max(own, self._latest)
        for shift in shifts:
            while not isinstance(item := self._held.popleft(), _Packet):
                assert isinstance(item, _Mark)
                self._out.pop(item.name, None)
            place = max(self.end, shift + item.first, item.floor - self._gap)
            self.end, self._settled = place + len(item.pcm), item.first + len(item.pcm)
            yield place, item.pcm

    def _ahead(self) -> tuple[list[int], list[_Witness]]:
        """The shifts of the packets before the next mark that came back, each as if it had been
        heard when it was sent; and what that mark says, and those after it up to a `clear`.

        Learns from them how long audio takes: the marks to come tell of a call's first words too.
        """
        sent: list[int] = []
        witnesses: list[_Witness] = []
        latest, since, is_restart = self._latest, None, False
        for item in self._held:
            if isinstance(item, _Clear):
                break
            if isinstance(item, _Packet):
                own = self._sent_shift(item)
                if latest is None or own - latest > self._pause:
                    is_restart = True
                since = own if since is None else max(own, since)
                latest = own if latest is None else max(own, latest)
                if not witnesses:
                    sent.append(own)
            elif item.echo and latest is not None:
                most = self._played(item.echo) - item.behind
                # A mark that was sent late may have found nothing left to play.
                least = min(most, item.echo.least - item.behind) if item.is_prompt else None
                witnesses.append(_Witness(least, most, latest))
                if since is not None:
                    latency = max(0, most - since)
                    self._latency = _least(latency, self._latency)
                    if is_restart and least is not None and most - least <= self._gap:
                        self._restart = _least(latency, self._restart)
                since, is_restart = None, False
        return sent, witnesses

    def _alone(self, sent: int, before: int) -> int:
        """The shift of a packet that no echo tells of; `before` is that of the audio before it."""
        shift = sent + (self._delay if self._latency is None else self._latency)
        return shift if shift - before > self._gap else before

    def _by_marks(self, sent: list[int], before: int, witnesses: list[_Witness]) -> list[int]:
        """The shifts of the packets before the first of the marks."""
        least, most = witnesses[0].least, min(witness.most for witness in witnesses)
        latency = self._latency or 0
        restart = max(latency, self._restart or 0)
        shift, behind_gap, earliest = before, None, before
        shifts: list[int] = []
        for index, own in enumerate(sent):
            if own + latency - shift > self._dry:  # the far end had nothing left
                shift, behind_gap, earliest = min(own + restart, most), index, own + latency
            shifts.append(shift)
        # A gap that comes later is no reason for one here.
        agree = sum(
            witness.most - most <= self._gap and witness.latest + latency - earliest <= self._dry
            for witness in witnesses
        )
        likely = earliest if behind_gap is None else earliest + self._dry
        likely = likely if least is None else max(least, likely)
        is_exact = least is not None and most - least <= self._gap
        if agree < WITNESSES and (behind_gap is None or not is_exact):
            most = min(most, likely)
        if behind_gap is None:
            if most - before <= self._dry:
                return shifts
            behind_gap = sent.index(max(sent))
        return shifts[:behind_gap] + [max(before, most)] * (len(sent) - behind_gap)

    def _has_echo(self) -> bool:
        return any(isinstance(item, _Mark) and item.echo for item in self._held)

    def _sent_shift(self, packet: _Packet) -> int:
        return max(packet.floor, self._position(packet.at_s)) - packet.first

    def _played(self, echo: _Echo) -> int:
        """Where on the call's clock the audio before the mark had been played at the latest."""
        at = max(echo.least, self._position(echo.at_s))
        return at if echo.most is None else min(at, echo.most)


def _least(value: int, known: int | None) -> int:
    return value if known is None else min(value, known)
