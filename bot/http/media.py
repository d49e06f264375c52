"""The carriers' media sockets: who may connect, which call it is, and its session."""

from fastapi import APIRouter, WebSocket
from loguru import logger

from bot.errors import StreamRefused
from bot.http.peers import has_exotel_password, is_local
from bot.live_calls import LiveCalls
from bot.services import Services
from bot.session import CallSession, LineShape
from ivr_flows.errors import FlowError
from processors.ducking_filter import DuckingFilter
from telephony.call import Call, CallStatus, Direction, Disposition, EndedBy, NewCall
from telephony.errors import AnswerInvalid, CallUnknown, CarrierError, LineRefused, StoreError
from telephony.exotel_media import packet_ms as exotel_packet_ms
from telephony.line_transport import LineTransport
from telephony.media_fields import CarrierName
from telephony.media_messages import StreamStart
from telephony.media_stream import read_start, refuse
from telephony.twilio_media import PACKET_MS as TWILIO_PACKET_MS

# The far end plays in steps of 20 ms: what arrives sounds up to one step later. Of use to the
# recording until the call's first mark has come back, and where none does.
_PLAYOUT_STEP_MS = 20


def router(services: Services, live: LiveCalls) -> APIRouter:
    """`/telephony/twilio/stream` and `/telephony/exotel/stream`."""
    routes = APIRouter()

    @routes.websocket("/telephony/twilio/stream")
    async def twilio(websocket: WebSocket) -> None:
        await MediaSocket(services, live, websocket, "twilio").serve()

    @routes.websocket("/telephony/exotel/stream")
    async def exotel(websocket: WebSocket) -> None:
        await MediaSocket(services, live, websocket, "exotel").serve()

    return routes


class MediaSocket:
    """One socket of a carrier's, from its handshake to its close."""

    def __init__(
        self, services: Services, live: LiveCalls, websocket: WebSocket, carrier: CarrierName | None
    ) -> None:
        """`carrier`: whose address it is; None: told from its first messages."""
        self._services = services
        self._live = live
        self._websocket = websocket
        self._carrier: CarrierName | None = carrier
        self._is_local = is_local(websocket)

    async def serve(self) -> None:
        """Take the call, or close the socket with a code and a reason."""
        if not self._may_connect():
            logger.warning("a {} stream was refused: the peer is not known", self._carrier)
            await self._websocket.close(code=1008)  # before it is accepted: the answer is 403
            return
        await self._websocket.accept()
        await self.take_call()

    async def take_call(self) -> None:
        """The same on an accepted socket whose peer is known to belong here."""
        try:
            peer = self._websocket.client
            async with self._live.handshake(peer.host if peer else ""):
                start = await read_start(
                    self._websocket,
                    carrier=self._carrier,
                    timeout_s=self._services.settings.timeouts.handshake_s,
                )
            # Not before: sockets that say nothing would keep callers out.
            call = await self._known_call(start)
            with self._live.place(call.id if call else None) as place:
                if call is None:
                    call = await self._inbound(start)
                    place.belongs_to(call.id)
                if not self._services.store.leads(call):  # another worker answered it
                    call = await self._services.store.adopt(call.id)
                await self._live.run(await self._session(start, call))
        except LineRefused as error:
            await refuse(self._websocket, error)
        except StoreError as error:
            await refuse(self._websocket, StreamRefused(f"The record can't be written: {error}"))

    def _may_connect(self) -> bool:
        """Programs of this machine may; others by the proof that their carrier gives."""
        if self._is_local:
            return True
        settings = self._services.settings
        if self._carrier == "twilio":
            return settings.twilio.is_configured  # and `start` must bring a call's own id
        return has_exotel_password(self._websocket, settings)

    async def _session(self, start: StreamStart, call: Call) -> CallSession:
        encoding = self._services.settings.exotel.stream_encoding
        ducking = DuckingFilter()
        try:
            transport = LineTransport(
                self._websocket, start, exotel_encoding=encoding, audio_out_filter=ducking
            )
        except ValueError as error:
            raise StreamRefused(f"CALLWRIGHT_EXOTEL__STREAM_ENCODING: {error}") from error
        is_twilio = start.carrier == "twilio"
        line = LineShape(
            start.sample_rate_hz,
            packet_ms=TWILIO_PACKET_MS if is_twilio else exotel_packet_ms(encoding),
            bot_delay_ms=_PLAYOUT_STEP_MS,
            ducking=ducking,
            unplayed_ms=lambda: transport.unplayed_ms,
        )

        async def transfer(to: str) -> str | None:
            return await self._transfer(call, start, to)

        try:
            return CallSession(self._services, call, transport, line, transfer)
        except FlowError as error:
            await self._services.store.finish(
                call.id,
                Disposition.FAILED,
                EndedBy.BOT,
                status=CallStatus.FAILED,
                reason=str(error),
            )
            raise StreamRefused(f"The call's flow can't be started: {error}") from error

    async def _known_call(self, start: StreamStart) -> Call | None:
        """The call that the stream belongs to, by our id or the carrier's; None: a new one."""
        store = self._services.store
        call_id = start.custom_parameters.get("call_id") or self._websocket.query_params.get(
            "call_id"
        )
        if call_id:
            try:
                call = await store.get(call_id)
            except CallUnknown as error:
                raise StreamRefused(f"start.custom_parameters.call_id: {error}") from error
            _check_open(call)
            if call.carrier_call_id is None and start.call_sid:
                await store.note(call_id, carrier_call_id=start.call_sid)
            return call
        known = await store.find_by_carrier_call_id(start.carrier, start.call_sid)
        if known is not None:
            _check_open(known)
            return known
        if start.carrier == "twilio" and not self._is_local:
            raise StreamRefused(
                "start.customParameters.call_id is missing: point the number's webhook at "
                "/telephony/twilio/answer, which sends it"
            )
        return None

    async def _inbound(self, start: StreamStart) -> Call:
        to_number = start.to_number or start.custom_parameters.get("to") or ""
        created = await self._services.store.create_call(
            NewCall(
                Direction.INBOUND,
                to_number=to_number,
                from_number=start.from_number or start.custom_parameters.get("from") or "",
                carrier=start.carrier,
                carrier_call_id=start.call_sid,
                outcome_url=self._services.settings.business.outcome_url,
                **self._services.route(to_number),
            )
        )
        _check_open(created.call)  # another stream may have made it, and ended it, just now
        return created.call

    async def _transfer(self, call: Call, start: StreamStart, to: str) -> str | None:
        carrier = self._services.carriers.get(start.carrier)
        if carrier is None:
            return f"no account at {start.carrier} is set: calls can't be transferred"
        number = self._services.settings.desks.get(to, to)
        try:
            await carrier.transfer(call.carrier_call_id or start.call_sid, number)
        except (CarrierError, AnswerInvalid, StoreError) as error:
            return str(error)
        try:
            await self._services.store.note(call.id, transfer_to=number)
        except StoreError as error:
            logger.error("the transfer to {} was made and is not on record: {}", number, error)
        return None


def _check_open(call: Call) -> None:
    """Raises StreamRefused for a call that is over: its record is final."""
    if call.is_terminal:
        raise StreamRefused(f"Call {call.id} is over: it is {call.status}")
