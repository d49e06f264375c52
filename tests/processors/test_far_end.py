"""Where the bot's audio is placed by the marks that came back: tables, and a busy start."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest

from processors.far_end import Cut, FarEnd
from processors.recording_timeline import RecordingTimeline
from speech.stt import Pcm
from telephony.pacing import PlayoutSchedule
from telephony.simulator.playout import Playout

RATE_HZ = 8000
PACKET = 160  # 20 ms


def pcm(samples: int, value: int = 1) -> Pcm:
    return np.full(samples, value, dtype=np.int16)


def at(samples: int) -> float:
    """When the call's clock stands there: in these tables the caller's packets are never late."""
    return samples / RATE_HZ


def far_end() -> FarEnd:
    return FarEnd(RATE_HZ, delay_ms=20, position=lambda at_s: round(at_s * RATE_HZ))


def echo(far: FarEnd, name: str, played: int, *, late: int = 0, packet: int = PACKET) -> None:
    """The mark comes back for audio played up to `played`, in front of the caller's packet."""
    least = (played - 1) // packet * packet
    far.echoed(name, at(played + late), least)
    far.caller_reached(least + packet)


def placed(far: FarEnd) -> list[tuple[int, int]]:
    """Where the audio lies: (first, end), what follows itself joined."""
    spans: list[tuple[int, int]] = []
    for item in far.settle(float("inf")):
        if isinstance(item, Cut):
            spans = [(first, min(end, item.at)) for first, end in spans if first < item.at]
        elif spans and spans[-1][1] == item[0]:
            spans[-1] = (spans[-1][0], item[0] + len(item[1]))
        else:
            spans.append((item[0], item[0] + len(item[1])))
    return spans


def say(far: FarEnd, packets: int, sent: int, *, every: int = PACKET, name: str = "end") -> None:
    """Packets from `sent` on, and a mark behind the last."""
    for n in range(packets):
        far.sent(pcm(PACKET), at(sent + n * every), sent + n * every)
    far.marked(name, at(sent + (packets - 1) * every))


def test_audio_lies_where_its_echo_says_it_was_played() -> None:
    far = far_end()
    say(far, 10, 8000)
    echo(far, "end", 8640 + 1600)  # 80 ms after it was sent
    assert placed(far) == [(8640, 10240)]


def test_without_an_echo_audio_lies_where_it_was_sent() -> None:
    far = far_end()
    say(far, 10, 8000)
    assert placed(far) == [(8160, 9760)]


def test_the_latency_that_echoes_told_holds_where_none_comes() -> None:
    far = far_end()
    say(far, 10, 8000, name="first")
    echo(far, "first", 8640 + 1600)
    say(far, 10, 16000, name="lost")
    assert placed(far) == [(8640, 10240), (16640, 18240)]


@pytest.mark.parametrize("late", [1, 400, 4000])
def test_an_echo_that_comes_late_is_believed_to_one_packet_of_the_caller(late: int) -> None:
    far = far_end()
    say(far, 10, 8000)
    echo(far, "end", 8700 + 1600, late=late)
    ((first, end),) = placed(far)
    assert end - first == 1600
    assert 0 <= first - 8700 < PACKET


def test_the_least_late_of_the_echoes_decides() -> None:
    far = far_end()
    for n, late in enumerate((300, 500, 20, 700)):  # of a carrier that sends 100 ms at once
        say(far, 20, 8000 + n * 3200, name=str(n))
        echo(far, str(n), 8640 + (n + 1) * 3200, late=late, packet=800)
    assert placed(far) == [(8660, 8660 + 4 * 3200)]


@pytest.mark.parametrize(("dry", "seams"), [(0, 0), (40, 0), (80, 0), (160, 1), (800, 1)])
def test_words_are_torn_only_where_the_far_end_ran_dry(dry: int, seams: int) -> None:
    far = far_end()
    say(far, 10, 8000, name="before")
    say(far, 10, 8000 + 1600 + 640 + dry, name="after")  # sent when nothing was left to play
    echo(far, "before", 8640 + 1600)
    echo(far, "after", 8640 + 3200 + dry)
    spans = placed(far)
    assert len(spans) == seams + 1
    assert spans[0][0] == 8640
    assert abs(spans[-1][1] - (8640 + 3200 + dry)) <= 80


def test_a_packet_that_was_late_and_was_not_missed_tears_nothing() -> None:
    far = far_end()
    say(far, 10, 8000, name="before")
    say(far, 10, 8000 + 1600 + 600, name="after")  # the far end had 80 ms, and it came after 75
    echo(far, "before", 8640 + 1600)
    echo(far, "after", 8640 + 3200)
    assert placed(far) == [(8640, 11840)]


def test_one_late_echo_at_the_end_of_an_utterance_tears_nothing() -> None:
    far = far_end()
    for n in range(4):
        say(far, 20, 8000 + n * 3200, name=str(n))
        echo(far, str(n), 8640 + (n + 1) * 3200, late=400 if n == 3 else 0, packet=800)
    assert placed(far) == [(8640, 8640 + 4 * 3200)]


def test_a_hole_that_the_network_made_is_believed_when_all_echoes_behind_it_agree() -> None:
    far = far_end()
    for n in range(6):
        say(far, 20, 8000 + n * 3200, name=str(n))
        echo(far, str(n), 8640 + (n + 1) * 3200 + (480 if n >= 2 else 0), packet=800)
    (before, after) = placed(far)
    assert before[0] == 8640
    assert after[1] == 8640 + 6 * 3200 + 480
    assert 8640 + 2 * 3200 <= before[1] <= 8640 + 3 * 3200


def test_a_mark_that_was_sent_late_does_not_tear_the_words_before_it() -> None:
    far = far_end()
    say(far, 20, 8000, name="first")
    echo(far, "first", 8640 + 3200)
    for n in range(10):
        far.sent(pcm(PACKET), at(11200 + n * PACKET), 11200 + n * PACKET)
    far.marked("late", at(14400))  # the far end had played it all, and returns it at once
    echo(far, "late", 14560)
    assert placed(far) == [(8640, 13440)]


def test_clear_cuts_and_what_is_said_next_is_anchored_anew() -> None:
    far = far_end()
    say(far, 50, 8000, name="cleared")
    far.cleared(at(12000), 12000)
    say(far, 10, 13600, name="next")
    far.echoed("cleared", at(12100), 12000)  # because of the clear: it says nothing
    echo(far, "next", 14240 + 1600)
    assert placed(far) == [(8160, 12000), (14240, 15840)]


def test_what_is_held_is_never_placed_before_its_floor() -> None:
    far = far_end()
    assert far.floor() is None
    say(far, 10, 8000)
    assert far.floor() == 8000
    assert list(far.settle(7999)) == []
    assert far.held_samples == 1600
    echo(far, "end", 3200)  # no echo comes before its audio was sent: a garbled clock
    assert placed(far)[0][0] >= 8000 - PACKET
    assert (far.floor(), far.held_samples) == (None, 0)


@dataclass(frozen=True)
class Carrier:
    """How a carrier talks, and how our side paces what it is sent."""

    packet_ms: int
    lead_s: float
    least_spacing: float
    jitter_ms: int
    skew: float


class BusyCall:
    """Ten minutes between a server with stalls, a network with jitter and a far end.

    The server stalls for 60 to 180 ms every 0.3 s in the first five seconds, then every few
    seconds. Messages take 20 to 35 ms each way, in order. The far end plays in steps of 20 ms
    behind its jitter buffer and returns marks.
    """

    DURATION_S = 600

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._random = Random(11)
        self._packet = RATE_HZ * carrier.packet_ms // 1000
        self._stalls: list[tuple[float, float]] = []
        start_s = 0.05
        while start_s < self.DURATION_S + 10:
            self._stalls.append((start_s, start_s + self._random.uniform(0.06, 0.18)))
            start_s += 0.3 if start_s < 5 else self._random.uniform(1, 8)
        self.played = np.zeros(0, np.int16)

    def run(self, timeline: RecordingTimeline) -> Pcm:
        """The recorded bot; `played` is then what the far end played."""
        sends = self._sends()
        returned = list(self._far_end(sends))
        events = sorted(
            [(at_s, 0, what) for at_s, what in sends]
            + [(at_s, 1, what) for at_s, what in returned],
            key=lambda event: event[:2],
        )
        recorded: list[Pcm] = []
        for at_s, side, what in events:
            if side == 0 and isinstance(what, str):
                timeline.mark(what, at_s)
            elif side == 0 and isinstance(what, np.ndarray):
                timeline.bot(what, at_s)
            elif isinstance(what, tuple):
                timeline.echo(what[0], at_s, what[1])
            else:
                timeline.caller(pcm(self._packet, 0), at_s)
                recorded.extend(block[:, 1] for block in timeline.blocks())
        recorded.extend(block[:, 1] for block in timeline.finish(self.DURATION_S + 10.0))
        return np.concatenate(recorded)

    def _handled(self, at_s: float) -> float:
        """When the server's loop gets to it."""
        return next((end for start, end in self._stalls if start <= at_s < end), at_s)

    def _sends(self) -> list[tuple[float, Pcm | str]]:
        """Utterances of 0.5 to 10 s, packet by packet; each begins with a number of its own."""
        carrier, random = self._carrier, self._random
        schedule = PlayoutSchedule(lead_s=carrier.lead_s, least_spacing=carrier.least_spacing)
        packet_s = carrier.packet_ms / 1000
        sends: list[tuple[float, Pcm | str]] = []
        now_s, number = 0.3, 0
        while now_s < self.DURATION_S - 15:
            length = random.randint(round(0.5 / packet_s), round(10 / packet_s))
            for n in range(length):
                now_s = self._handled(now_s + schedule.delay_s(now_s, packet_s))
                schedule.sent(now_s, packet_s)
                number += 1
                audio = pcm(self._packet, 0)
                audio[0] = number
                sends.append((now_s, audio))
                if n == 0 or (n + 1) * carrier.packet_ms % 400 == 0 or n == length - 1:
                    sends.append((now_s, f"mark {number}"))
            now_s = self._handled(now_s + random.uniform(0.4, 3.0))
        return sends

    def _far_end(
        self, sends: list[tuple[float, Pcm | str]]
    ) -> Iterator[tuple[float, tuple[str, int] | None]]:
        """What the server sees come back: a mark and the caller's samples before it, or audio."""
        playout = Playout(RATE_HZ * 600, RATE_HZ * self._carrier.jitter_ms // 1000)
        played: list[Pcm] = []
        coming, out_s, back_s, caller = iter(sends), 0.0, 0.0, 0
        sent = next(coming, None)
        for tick in range(self.DURATION_S * 50):
            now_s = tick * 0.02 / (1 + self._carrier.skew)
            while sent and max(out_s, sent[0] + 0.02) <= now_s:
                out_s = max(out_s, sent[0] + self._random.uniform(0.020, 0.035))
                if isinstance(sent[1], str):
                    if playout.mark(sent[1]):
                        back_s = max(back_s, now_s + self._random.uniform(0.020, 0.035))
                        yield self._handled(back_s), (sent[1], caller)
                else:
                    playout.push(sent[1])
                sent = next(coming, None)
            step = playout.advance(PACKET)
            played.append(step.pcm)
            end_s = now_s + 0.02 / (1 + self._carrier.skew)
            back_s = max(back_s, end_s + self._random.uniform(0.020, 0.035))
            for name in step.marks:
                yield self._handled(back_s), (name, caller)
            if (tick + 1) * PACKET % self._packet == 0:
                caller += self._packet
                yield self._handled(back_s), None
        self.played = np.concatenate(played)


TWILIO = Carrier(packet_ms=20, lead_s=0.08, least_spacing=0.0, jitter_ms=60, skew=50e-6)
EXOTEL = Carrier(packet_ms=100, lead_s=0.2, least_spacing=0.9, jitter_ms=60, skew=-50e-6)


@pytest.mark.parametrize("carrier", [TWILIO, EXOTEL], ids=["twilio", "exotel"])
def test_ten_minutes_that_begin_on_a_busy_server_are_recorded_within_20_ms_as_heard(
    carrier: Carrier,
) -> None:
    call = BusyCall(carrier)
    timeline = RecordingTimeline(RATE_HZ, bot_delay_ms=20, echoes_marks=True)
    recorded = call.run(timeline)
    heard, found = np.flatnonzero(call.played), np.flatnonzero(recorded)
    assert len(heard) > 3000
    assert recorded[found].tolist() == call.played[heard].tolist()  # nothing lost, all in order
    error_ms = (found - heard) * 1000 / RATE_HZ
    assert np.abs(error_ms).max() <= 20
    assert np.abs(np.median(error_ms)) <= 2
