"""The calls behind the table on turn taking: who says what when, and what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from benchmarks.peers import Peer
from benchmarks.turn_scoring import (
    Overlap,
    Turn,
    Voice,
    first_sound_ms,
    overlap,
    sounds_on_after_ms,
    turn,
)
from benchmarks.utterances import RATE_HZ, Kind, Utterance
from telephony.simulator.line_noise import Line
from telephony.simulator.measure import audible_spans
from telephony.simulator.party import Party
from telephony.simulator.recording import StreamRecording
from telephony.simulator.script import BargeIn, HangUp, Pause, Speak, Step, WaitForPrompt

TURNS_A_CALL: Final = 6
QUIET_MS: Final = 500  # after the bot's last sound, until the caller speaks
REPLY_WITHIN_MS: Final = 8_000  # a caller who waited so long speaks again
OVER_AFTER_MS: Final = (1200, 2000, 2900, 1600, 2500)
"""How long the bot has been talking at least when something sounds over it, in turn."""
SOUNDS_ON_MS: Final = 200  # that the bot's voice then goes on without a pause
JUDGED_FOR_MS: Final = 2_000  # after the end of what sounded: a later stop has another reason
USUAL_LINE: Final = Line(noise_dbfs=-65.0)
ECHO_DB: Final = -18.0
ECHO_DELAYS_MS: Final = (60, 120, 200, 300, 400)
ANSWERING: Final = (Kind.SHORT, Kind.SENTENCE, Kind.PAUSED)


@dataclass(frozen=True, slots=True)
class AnswerTrial:
    """One utterance when it was the caller's turn."""

    kind: Kind
    name: str
    turn: Turn | None  # None: the call was over before


@dataclass(frozen=True, slots=True)
class OverTrial:
    """One sound over the bot's voice. `kind` None: the bot's own echo."""

    kind: Kind | None
    name: str
    overlap: Overlap | None  # None: it could not be compared


@dataclass(slots=True)
class Findings:
    """All that one peer did."""

    answers: list[AnswerTrial] = field(default_factory=list[AnswerTrial])
    overs: list[OverTrial] = field(default_factory=list[OverTrial])
    greetings_ms: list[float | None] = field(default_factory=list[float | None])
    telephone_lateness_ms: float = 0.0
    calls: int = 0
    violations: int = 0

    def add_call(self, recording: StreamRecording, violations: int) -> None:
        """What every call is good for."""
        self.calls += 1
        self.violations += violations
        self.greetings_ms.append(first_sound_ms(recording.played, RATE_HZ))
        late_ms = recording.worst_lateness_ms
        self.telephone_lateness_ms = max(self.telephone_lateness_ms, late_ms)


Told = Callable[[str], None]


async def measure_peer(
    peer: Peer, material: Sequence[Utterance], echoes: int, at_once: int, tell: Told
) -> Findings:
    """Place all calls, `at_once` at a time, and score each as it ends."""
    findings = Findings()
    undisturbed = await _undisturbed(peer)
    by_node: dict[str, list[Utterance]] = defaultdict(list)
    for one in material:
        if one.kind in ANSWERING:
            by_node[one.node].append(one)
    calls: list[Callable[[], Awaitable[None]]] = [
        partial(_answers, peer, node, said[first : first + TURNS_A_CALL], findings, tell)
        for node, said in by_node.items()
        for first in range(0, len(said), TURNS_A_CALL)
    ]
    over = [one for one in material if one.kind not in ANSWERING]
    calls += [
        partial(_over, peer, one, index, undisturbed, findings, tell)
        for index, one in enumerate(over)
    ]
    calls += [partial(_echo, peer, index, undisturbed, findings, tell) for index in range(echoes)]
    places = asyncio.Semaphore(at_once)

    async def placed(call: Callable[[], Awaitable[None]]) -> None:
        async with places:
            await call()

    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(placed(call))
    return findings


async def _undisturbed(peer: Peer) -> Voice:
    """The long statement as it sounds to a caller who keeps still; also wakes the server up."""
    steps: list[Step] = [WaitForPrompt(quiet_ms=800, timeout_ms=40_000), HangUp()]
    result = await peer.call("statement", Party.answers(steps, line=USUAL_LINE))
    if result.recording is None:
        raise RuntimeError(f"{peer.name} did not take the call: {result.violations}")
    return voice_of(result.recording)


async def _answers(
    peer: Peer, node: str, said: Sequence[Utterance], findings: Findings, tell: Told
) -> None:
    wait = WaitForPrompt(quiet_ms=QUIET_MS, timeout_ms=REPLY_WITHIN_MS)
    steps: list[Step] = []
    for one in said:
        steps += [wait, Speak(one.pcm, RATE_HZ, one.name)]
    result = await peer.call(node, Party.answers([*steps, wait, HangUp()], line=USUAL_LINE))
    if result.recording is None:
        raise RuntimeError(f"{peer.name} did not take the call: {result.violations}")
    findings.add_call(result.recording, len(result.violations))
    turns = turns_of(result.recording)
    for one in said:
        findings.answers.append(AnswerTrial(one.kind, one.name, turns.get(one.name)))
        tell(f"{peer.name}  {one.name}: {turns.get(one.name)}")


def turns_of(recording: StreamRecording) -> dict[str, Turn]:
    """Each utterance of a recorded call, by its name, and how the bot took its turn after it."""
    rate_hz, spoken = recording.sample_rate_hz, recording.spoken
    bot = audible_spans(recording.played, rate_hz)
    starts_ms = [span.start_samples * 1000.0 / rate_hz for span in spoken]
    found: dict[str, Turn] = {}
    for span, from_ms, until_ms in zip(
        spoken, starts_ms, [*starts_ms[1:], float("inf")], strict=True
    ):
        to_ms = span.end_samples * 1000.0 / rate_hz
        caller = [
            heard
            for heard in audible_spans(recording.said, rate_hz)
            if heard.end_ms > from_ms and heard.start_ms < to_ms
        ]
        if caller:
            found[span.text] = turn(caller, bot, until_ms)
    return found


async def _over(
    peer: Peer, one: Utterance, index: int, undisturbed: Voice, findings: Findings, tell: Told
) -> None:
    least_ms = OVER_AFTER_MS[index % len(OVER_AFTER_MS)]
    after_ms = sounds_on_after_ms(undisturbed, least_ms, SOUNDS_ON_MS)
    steps: list[Step] = [
        BargeIn(after_ms, one.pcm, RATE_HZ, one.name),
        Pause(JUDGED_FOR_MS),
        HangUp(),
    ]
    result = await peer.call("statement", Party.answers(steps, line=USUAL_LINE))
    if result.recording is None:
        raise RuntimeError(f"{peer.name} did not take the call: {result.violations}")
    findings.add_call(result.recording, len(result.violations))
    scored = overlap_of(result.recording, undisturbed)
    findings.overs.append(OverTrial(one.kind, one.name, scored))
    tell(f"{peer.name}  over: {one.name}: {scored}")


def voice_of(recording: StreamRecording) -> Voice:
    """The bot's."""
    return Voice.of(recording.played, recording.supplied, recording.sample_rate_hz)


def overlap_of(recording: StreamRecording, undisturbed: Voice) -> Overlap | None:
    """What the bot's voice did from the first sample of the clip that was said over it."""
    rate_hz, span = recording.sample_rate_hz, recording.spoken[0]
    onset_ms = span.start_samples * 1000.0 / rate_hz
    until_ms = span.end_samples * 1000.0 / rate_hz + JUDGED_FOR_MS
    return overlap(voice_of(recording), undisturbed, onset_ms, until_ms)


async def _echo(peer: Peer, index: int, undisturbed: Voice, findings: Findings, tell: Told) -> None:
    delay_ms = ECHO_DELAYS_MS[index % len(ECHO_DELAYS_MS)]
    line = Line(noise_dbfs=-65.0, echo_db=ECHO_DB, echo_delay_ms=delay_ms, seed=index)
    steps: list[Step] = [WaitForPrompt(quiet_ms=800, timeout_ms=25_000), HangUp()]
    result = await peer.call("statement", Party.answers(steps, line=line))
    if result.recording is None:
        raise RuntimeError(f"{peer.name} did not take the call: {result.violations}")
    findings.add_call(result.recording, len(result.violations))
    begins_ms = first_sound_ms(result.recording.played, RATE_HZ) or 0.0
    until_ms = begins_ms + undisturbed.pcm.size * 1000.0 / RATE_HZ
    scored = overlap(voice_of(result.recording), undisturbed, begins_ms, until_ms)
    findings.overs.append(OverTrial(None, f"echo after {delay_ms} ms", scored))
    tell(f"{peer.name}  echo after {delay_ms} ms: {scored}")
