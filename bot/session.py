"""One call, from its first frame to its final record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from loguru import logger
from pipecat.frames.frames import InputTransportMessageFrame
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from bot.ending import CallEnding
from bot.flow_driver import FlowDriver
from bot.flow_requests import carry_out
from bot.minds import Minds
from bot.pipeline import call_pipeline
from bot.saying import Ducking
from bot.services import Services
from bot.store_journal import StoreJournal
from bot.voice import Voice
from bot.voice_activity import CallVoiceActivity
from ivr_flows.interpreter import Interpreter
from processors.call_clock import CallClock
from processors.echo_placement import EchoPlacement
from processors.hearing import Hearing
from processors.recorder import Recorder
from processors.speaking import Speaking
from processors.turn_taking import TurnPolicy
from processors.turn_thresholds import NO_PARTIALS
from speech.line_echo import LineEcho
from telephony.call import Call, Disposition, EndedBy
from telephony.records import CallEvent, PartialTurn

LINE_SILENT_S = 15.0
"""A carrier sends audio all the time; none for so long, and the line is dead."""

BREAK_OFF_S = 2.0
"""For a pipeline to end by itself; one that hangs on a dead line is cancelled."""

RECORDING_S = 20.0
"""For the rest of a recording to be written; a call whose disk hangs ends without it."""


@dataclass(frozen=True, slots=True)
class LineShape:
    """What a call needs to know of its line."""

    sample_rate_hz: int
    packet_ms: int
    mark_timeout_ms: int | None = None  # None: the line returns marks; else what stands for them
    rtvi: bool = False  # the far end is a Pipecat client, which waits for the bot's greeting
    bot_delay_ms: int = 0  # how long the bot's audio lasts on its way, where no mark tells
    ducking: Ducking | None = None  # its gain, where it has one
    unplayed_ms: Callable[[], float] | None = None
    """What the far end should hold unplayed, on lines that may send the bot's voice back; None:
    there something else takes it out."""

    @property
    def returns_marks(self) -> bool:
        """Whether the far end says what it has played."""
        return self.mark_timeout_ms is None


class CallSession:
    """Runs one call on one transport. `run` returns when the record is final."""

    def __init__(
        self,
        services: Services,
        call: Call,
        transport: BaseTransport,
        line: LineShape,
        transfer: Callable[[str], Awaitable[str | None]],
    ) -> None:
        """`transfer` hands the call over to a number: None when it did, else why it could not.

        Raises FlowError when the call's flow or its variables are not good.
        """
        self.call_id = call.id
        self._services = services
        self._call = call
        self._line = line
        self._clock = CallClock()
        self._journal = StoreJournal(services.store, call.id)
        self._recorder = self._new_recorder()
        self._echo = self._new_echo()
        self._ending: CallEnding | None = None
        self._pipeline_ended = asyncio.Event()
        self._voice = Voice(
            services.mouths.by_language, services.settings.voices, line.sample_rate_hz
        )
        self._driver = self._new_driver(transfer)
        self._transport = transport
        self._worker = self._new_worker()

    async def run(self) -> None:
        """The whole call."""
        with logger.contextualize(call_id=self.call_id):
            logger.info("call begins: flow {}, language {}", self._call.flow, self._call.language)
            await self._services.mouths.get_ready(self._services.settings.voices)
            async with asyncio.TaskGroup() as notes:
                notes.create_task(self._journal.run())
                await self._converse()
                self._journal.close()
            await self._finish()

    async def _converse(self) -> None:
        try:
            self._journal.began(self.recording_path.name if self._recorder else None)
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch_line())
                await self._run_pipeline()
                watch.cancel()
        except Exception:  # the session's edge: the record is closed whatever happened
            logger.exception("the call broke")
            await self._note_ending(
                CallEnding(Disposition.FAILED, EndedBy.BOT, reason="the call broke; see the log")
            )

    @property
    def partial(self) -> PartialTurn | None:
        """What the caller is saying just now."""
        return self._journal.partial

    async def end(self, ending: CallEnding) -> None:
        """End the call at once, from outside the conversation."""
        await self._driver.break_off(ending)
        try:
            async with asyncio.timeout(BREAK_OFF_S):
                await self._pipeline_ended.wait()
        except TimeoutError:
            await self._worker.cancel(reason=ending.reason or ending.disposition)

    # Parts

    def _new_recorder(self) -> Recorder | None:
        if not self._services.settings.record_calls:
            return None
        return Recorder(
            self.recording_path,
            self._line.sample_rate_hz,
            bot_delay_ms=self._line.bot_delay_ms,
            echoes_marks=self._line.returns_marks,
        )

    def _new_echo(self) -> LineEcho | None:
        if self._line.unplayed_ms is None or not self._services.settings.cancel_echo:
            return None
        try:
            return LineEcho(sample_rate_hz=self._line.sample_rate_hz)
        except ValueError as error:
            logger.warning("the bot may hear itself in this call: {}", error)
            return None

    def _echo_placement(self) -> EchoPlacement | None:
        if self._echo is None or self._line.unplayed_ms is None:
            return None
        rate_hz = self._line.sample_rate_hz
        return EchoPlacement(self._echo, rate_hz, unplayed_ms=self._line.unplayed_ms)

    @property
    def recording_path(self) -> Path:
        """Where the recording is written."""
        return self._services.settings.recordings_dir / f"{self.call_id}.flac"

    def _new_driver(self, transfer: Callable[[str], Awaitable[str | None]]) -> FlowDriver:
        services = self._services
        without = services.settings.without
        prepares = not without & {"speculation", "speech_cache"}
        flow = services.flow(self._call.flow)
        minds = Minds(services.llm, services.knowledge, services.understanding)
        interpreter = Interpreter(
            flow, hearing=frozenset(services.ears.by_language), has_model=minds.model is not None
        )
        language = self._call.language or services.settings.default_language
        state = interpreter.start_state(self._call.variables, language)
        return FlowDriver(
            interpreter=interpreter,
            state=state,
            journal=self._journal,
            clock=self._clock,
            request=lambda request: carry_out(services.http, request),
            transfer=transfer,
            prepare=self._voice.prepare if prepares else _prepare_nothing,
            on_end=self._note_ending,
            disconnect_is_hang_up=self._line.rtvi,
            ducking=self._line.ducking,
            tells_hearing="flow_endings" not in without,
            minds=minds,
        )

    def _new_worker(self) -> PipelineWorker:
        services, rate_hz = self._services, self._line.sample_rate_hz
        hearing = Hearing(
            voice_activity=CallVoiceActivity(services.silero, services.pool, rate_hz, self._echo),
            recognizer_for=services.ears.by_language.get,
            clock=self._clock,
            sample_rate_hz=rate_hz,
            policy=TurnPolicy(NO_PARTIALS if "partials" in services.settings.without else None),
            end_of_turn=services.smart_turn,  # in free speech; loaded when it is first asked
        )
        speaking = Speaking(
            speaker=self._voice,
            clock=self._clock,
            sample_rate_hz=rate_hz,
            packet_ms=self._line.packet_ms,
            mark_timeout_ms=self._line.mark_timeout_ms
            or round(services.settings.timeouts.play_out_s * 1000),
            sends_marks=self._line.returns_marks,
        )
        pipeline = call_pipeline(
            self._transport,
            hearing=hearing,
            driver=self._driver,
            speaking=speaking,
            recorder=self._recorder,
            echo=self._echo_placement(),
        )
        return PipelineWorker(
            pipeline,
            params=PipelineParams(audio_in_sample_rate=rate_hz, audio_out_sample_rate=rate_hz),
            enable_rtvi=self._line.rtvi,
            enable_turn_tracking=False,
            idle_timeout_secs=None,  # silence is the flow's to judge, a dead line is watched here
        )

    # The life of the call

    async def _run_pipeline(self) -> None:
        async def gone(*_: object) -> None:
            # Through the pipeline, behind the stream's own `stop`, whose reason is the better one.
            stop = {"event": "stop", "reason": "disconnected"}
            await self._worker.queue_frame(InputTransportMessageFrame(message=stop))

        self._transport.add_event_handler("on_client_disconnected", gone)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        await runner.run()
        self._pipeline_ended.set()

    async def _watch_line(self) -> None:
        """End a call that lasts too long or whose line has gone silent without closing."""
        loop = asyncio.get_running_loop()
        ends_at_s = loop.time() + self._services.settings.timeouts.call_s
        heard_ms, heard_at_s = 0, loop.time()
        while True:
            await asyncio.sleep(1.0)
            if self._clock.audio_ms != heard_ms:
                heard_ms, heard_at_s = self._clock.audio_ms, loop.time()
            if loop.time() > ends_at_s:
                await self.end(
                    CallEnding(Disposition.FAILED, EndedBy.BOT, reason="the call lasted too long")
                )
            elif loop.time() - heard_at_s > LINE_SILENT_S:
                await self.end(
                    CallEnding(
                        Disposition.FAILED,
                        EndedBy.CARRIER,
                        reason=f"no audio from the carrier for {LINE_SILENT_S:g} s",
                    )
                )

    async def _note_ending(self, ending: CallEnding) -> None:
        if self._ending is None:
            self._ending = ending
            detail = {"disposition": str(ending.disposition), "by": str(ending.ended_by)}
            if ending.reason:
                detail["reason"] = ending.reason
            self._journal.event(CallEvent("ended", self._clock.now_ms(), detail))
            logger.info("call ends: {}", detail)

    async def _finish(self) -> None:
        ending = self._ending or CallEnding(
            Disposition.FAILED, EndedBy.BOT, reason="the pipeline stopped"
        )
        if self._recorder:
            await self._close(self._recorder)
        if self._echo:
            self._echo.close()
        await self._journal.finish(ending)

    @staticmethod
    async def _close(recorder: Recorder) -> None:
        try:
            async with asyncio.timeout(RECORDING_S):
                await recorder.close()
        except TimeoutError:
            logger.error("the recording is not whole: its disk did not answer")
            recorder.abandon()
        except Exception:  # the session's edge: the end of the call is written all the same
            logger.exception("the recording broke")


async def _prepare_nothing(_text: str, _language: str) -> None:
    """The reply's speech is not made ahead."""
