"""How soon a caller's turn is ended after the last sound, and how often inside a pause.

    python -m benchmarks.turn_endings [--decode-ms N] [--without-flow]

Every answer comes as packets of 20 ms through mu-law at 8 kHz with line noise into a real `Hearing`
with Silero and Moonshine, and with what the shipped flows expect at the node where it would be
given. Time is the audio's, so that a busy machine measures the same: a transcript counts as known
`--decode-ms` after it was asked for. "Silence" is the time from the last sound in the clip (by its
level, not by Silero) to the decision; "words" to the moment when the flow has the words. A turn is
cut off when it is ended inside the pause of an answer that goes on.

The recorded voice (Debian's asterisk-core-sounds-en-wav) says single words; answers of several
words are put together from them with 60 ms between. The other voices are flite's and espeak-ng's.
"""

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import run_test
from rich.console import Console
from rich.table import Table

from benchmarks.hearing import mu_law
from benchmarks.turn_answers import RATE_HZ, Case, all_cases
from bot.voice_activity import CallVoiceActivity
from ivr_flows.actions import Listen
from ivr_flows.events import Heard
from ivr_flows.interpreter import Interpreter, Phase
from ivr_flows.loader import load_bytes
from processors.call_clock import CallClock
from processors.frames import ListenFrame, UtteranceHeardFrame
from processors.hearing import Hearing
from speech.engines.moonshine import MoonshineRecognizer
from speech.pool import EnginePool
from speech.stt import Pcm, RecognitionStream, Transcript
from speech.vad import SileroSession

FLOWS = Path(__file__).parents[1] / "ivr_flows" / "flows"
VENDOR, CUSTOMER = (
    load_bytes((FLOWS / f"{name}.yaml").read_bytes(), name)
    for name in ("vendor_confirmation", "customer_support")
)

BEFORE_MS, AFTER_MS = 500, 1_300
NOISE_RMS = 6.0


@dataclass(frozen=True, slots=True)
class Engines:
    """What all answers share."""

    pool: EnginePool
    ear: MoonshineRecognizer
    silero: SileroSession


@dataclass
class Outcome:
    """What became of it; times after the clip's first sound."""

    case: Case
    heard: list[UtteranceHeardFrame] = field(default_factory=list[UtteranceHeardFrame])
    decided_ms: list[int] = field(default_factory=list[int])
    known_ms: list[int] = field(default_factory=list[int])


class Ledger(FrameProcessor):
    """Notes what Hearing says, with the time at which it came out."""

    def __init__(self, outcome: Outcome, clock: CallClock) -> None:
        super().__init__()
        self._outcome = outcome
        self._clock = clock

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, UtteranceHeardFrame) and frame.text:
            self._outcome.heard.append(frame)
            self._outcome.decided_ms.append(frame.decided_ms - BEFORE_MS)
            self._outcome.known_ms.append(self._clock.now_ms() - BEFORE_MS)
        await self.push_frame(frame, direction)


class AudioTime:
    """Lets audio pass when all work on what came before is done, and words when they would be."""

    def __init__(self, decode_ms: int) -> None:
        self.clock = CallClock(lambda: 0.0)
        self.decode_ms = decode_ms
        self.computing = 0

    async def until(self, at_ms: float) -> None:
        while self.clock.audio_ms < at_ms:  # noqa: ASYNC110
            await asyncio.sleep(0.0005)


class LateEar:
    """Moonshine, whose words come a fixed time of audio after they were asked for."""

    def __init__(self, ear: MoonshineRecognizer, audio: AudioTime) -> None:
        self._ear = ear
        self._audio = audio
        self.name, self.languages = ear.name, ear.languages
        self.sample_rate_hz = ear.sample_rate_hz

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        stream = self._ear.open(language=language, sample_rate_hz=sample_rate_hz, hints=hints)
        return LateStream(stream, self._audio)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class LateStream:
    """See LateEar. What was decoded before comes at once."""

    def __init__(self, stream: RecognitionStream, audio: AudioTime) -> None:
        self._stream = stream
        self._audio = audio
        self._decoded_ms = -1

    def feed(self, pcm: Pcm) -> None:
        self._stream.feed(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        return await self._late(self._stream.partial(is_urgent=is_urgent))

    async def finish(self) -> Transcript:
        return await self._late(self._stream.finish())

    def cancel(self) -> None:
        self._stream.cancel()

    async def _late(self, decode: Awaitable[Transcript]) -> Transcript:
        asked_ms = self._audio.clock.audio_ms
        self._audio.computing += 1
        try:
            transcript = await decode
        finally:
            self._audio.computing -= 1
        if transcript.audio_ms != self._decoded_ms:
            self._decoded_ms = transcript.audio_ms
            await self._audio.until(asked_ms + self._audio.decode_ms)
        return transcript


class Pacer(FrameProcessor):
    """Lets a packet through when all work on the last one is done."""

    def __init__(self, audio: AudioTime) -> None:
        super().__init__()
        self._audio = audio
        self._sent_ms = 0.0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._audio.until(self._sent_ms)
            for _ in range(4):  # the last packet's window: its probability, its decode begun
                await asyncio.sleep(0.0005)
                while self._audio.computing:  # noqa: ASYNC110
                    await asyncio.sleep(0.0005)
            self._sent_ms += len(frame.audio) / 2 * 1000 / RATE_HZ
        await self.push_frame(frame, direction)


def expected_at(node: str, *, without_flow: bool) -> ListenFrame:
    """What the driver would tell hearing at the node."""
    flow = CUSTOMER if node == "number" else VENDOR
    name = "ask_order_id" if node == "number" else node
    interpreter = Interpreter(flow, hearing=frozenset({"en"}))
    start = interpreter.start_state({n: v.example for n, v in flow.variables.items()}, "en")
    state = replace(start, node=name, phase=Phase.ASKING)
    _, actions = interpreter.step(state, Heard("", 1.0, "en"))
    hints = next((a.hints for a in actions if isinstance(a, Listen)), ())
    expectation = None if without_flow else interpreter.expected(state)
    return ListenFrame(language="en", speech=True, hints=hints, expectation=expectation)


async def play(case: Case, audio: AudioTime, engines: Engines, listen: ListenFrame) -> Outcome:
    """One answer through a Hearing of its own."""
    silence = [np.zeros(RATE_HZ * ms // 1000, np.int16) for ms in (BEFORE_MS, AFTER_MS)]
    line = np.concatenate((silence[0], case.pcm, silence[1])).astype(np.float32)
    line += np.random.default_rng(len(line)).normal(0, NOISE_RMS, len(line)).astype(np.float32)
    pcm = mu_law(np.clip(line, -32000, 32000).astype(np.int16))
    outcome = Outcome(case)
    hearing = Hearing(
        voice_activity=CallVoiceActivity(engines.silero, engines.pool, RATE_HZ),
        recognizer_for={"en": LateEar(engines.ear, audio)}.get,
        clock=audio.clock,
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(listen, FrameDirection.UPSTREAM)
    packets: list[Frame] = [
        InputAudioRawFrame(audio=pcm[at : at + 160].tobytes(), sample_rate=RATE_HZ, num_channels=1)
        for at in range(0, len(pcm), 160)
    ]
    pipeline = Pipeline([Pacer(audio), hearing, Ledger(outcome, audio.clock)])
    await run_test(pipeline, frames_to_send=packets, start_timeout=60.0)
    return outcome


async def run(at_once: int, decode_ms: int, *, without_flow: bool) -> None:
    """Play everything, and print the tables."""
    console = Console()
    async with EnginePool() as pool:
        engines = Engines(pool, MoonshineRecognizer(pool), SileroSession())
        await engines.ear.start()
        places = asyncio.Semaphore(at_once)

        async def one(case: Case) -> Outcome:
            async with places:
                listen = expected_at(case.node, without_flow=without_flow)
                return await play(case, AudioTime(decode_ms), engines, listen)

        outcomes = await asyncio.gather(*map(one, await all_cases()))
    show_whole([o for o in outcomes if o.case.pause_ms is None], console)
    show_paused([o for o in outcomes if o.case.pause_ms is not None], console)


def show_whole(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table(title="whole answers (ms after the last sound)")
    for heading in ("voice", "node", "said", "heard", "silence", "words", "turns"):
        table.add_column(heading)
    silences: list[int] = []
    words: list[int] = []
    for o in outcomes:
        end_ms = len(o.case.pcm) * 1000 // RATE_HZ
        if o.heard:
            silences.append(o.decided_ms[-1] - end_ms)
            words.append(o.known_ms[-1] - end_ms)
        heard = " | ".join(f"{h.text} ({h.confidence:.2f})" for h in o.heard)
        cells = (str(silences[-1]), str(words[-1])) if o.heard else ("-", "-")
        table.add_row(o.case.voice, o.case.node, o.case.text, heard, *cells, str(len(o.heard)))
    console.print(table)
    for name, values in (("decided", silences), ("words", words)):
        p90 = statistics.quantiles(values, n=10)[-1]
        console.print(f"{name}: P50 {statistics.median(values):.0f} P90 {p90:.0f} n {len(values)}")
    split = sum(len(o.heard) > 1 for o in outcomes)
    console.print(f"answers without a long pause that were cut in two: {split} of {len(outcomes)}")


def show_paused(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table(title="answers with a pause inside")
    for heading in ("voice", "said", "heard", "cut off"):
        table.add_column(heading)
    cut_off = 0
    for o in outcomes:
        assert o.case.pause_ms
        is_cut = any(at < o.case.pause_ms[1] for at in o.decided_ms)
        cut_off += is_cut
        heard = " | ".join(f"{h.text} ({h.confidence:.2f})" for h in o.heard)
        table.add_row(o.case.voice, o.case.text, heard, "CUT" if is_cut else "")
    console.print(table)
    console.print(f"cut off inside the pause: {cut_off} of {len(outcomes)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--at-once", type=int, default=4, help="answers played at the same time")
    parser.add_argument("--decode-ms", type=int, default=40, help="that a transcript takes")
    parser.add_argument(
        "--without-flow", action="store_true", help="nothing is expected: silence decides alone"
    )
    args = parser.parse_args()
    asyncio.run(run(args.at_once, args.decode_ms, without_flow=args.without_flow))


if __name__ == "__main__":
    main()
