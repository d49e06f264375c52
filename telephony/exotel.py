"""Calls through Exotel's REST interface."""

import asyncio
from collections.abc import Mapping
from typing import Protocol, cast

import httpx

from telephony.call import TERMINAL, CarrierUpdate
from telephony.carrier import DialRequest, DialResult
from telephony.errors import CarrierRejected, CarrierUnreachable, CarrierUnsupported
from telephony.exotel_webhooks import STATUS

NAME = "exotel"
_TIME_LIMIT_S = 14_400  # the longest that Exotel takes

_FIXES = {
    400: "Check the numbers (E.164) and the ExoPhone of the settings",
    401: "Check the API key and the API token in the settings",
    402: "The account's balance is used up: recharge it",
    403: "The account may not do that: check the account SID, the app id and the number's KYC",
    404: "Check the account SID and the region's API URL (Mumbai or Singapore) in the settings",
    429: "Exotel takes 200 requests a minute: place fewer calls",
}


class TransferBook(Protocol):
    """Where a transfer is noted until the flow asks where to go on; `CallStore` is one."""

    async def book_transfer(self, carrier: str, carrier_call_id: str, to: str) -> None: ...


class ExotelCarrier:
    """One account at Exotel.

    With `app_id`, calls run through that flow of Exotel's dashboard (Voicebot, then Passthru and
    Connect); without, the stream's URL is given with the call (direct-bot), and nothing follows
    the stream. No REST command hangs up or redirects a call: both happen by closing the stream.
    """

    name = NAME
    ends_with_stream = True

    def __init__(
        self,
        account_sid: str,
        api_key: str,
        api_token: str,
        transfers: TransferBook,
        *,
        app_id: str | None = None,
        api_base_url: str = "https://api.in.exotel.com",
        timeout_s: float = 15.0,
    ) -> None:
        self._account_sid = account_sid
        self._transfers = transfers
        self._app_id = app_id
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=f"{api_base_url.rstrip('/')}/v1/Accounts/{account_sid}/Calls/",
            auth=(api_key, api_token),
            timeout=timeout_s,
        )

    async def dial(self, request: DialRequest) -> DialResult:
        """See `Carrier.dial`. Exotel takes 200 requests a minute, and finds no machines."""
        form: dict[str, str | list[str]] = {
            "From": request.to_number,  # whom Exotel calls first, and only
            "CallerId": request.from_number,
            "CallType": "trans",
            "TimeOut": str(request.ring_timeout_s),
            "TimeLimit": str(min(request.time_limit_s, _TIME_LIMIT_S)),
            "CustomField": request.call_id,
            "StatusCallback": request.status_url,
            "StatusCallbackEvents[]": ["ringing", "answered", "terminal"],
            "StatusCallbackContentType": "application/json",
            **self._where_to(request),
        }
        call = await self._call("POST", "connect.json", form)
        sid = call.get("Sid")
        if not isinstance(sid, str) or not sid:
            raise CarrierUnreachable(f"{NAME}: took the call but named no Sid")
        return DialResult(sid)

    async def hang_up(self, carrier_call_id: str) -> None:
        """Raises CarrierUnsupported: close the call's media stream instead."""
        raise CarrierUnsupported(
            f"{NAME}: has no command to end a call; close its stream, or wait for the time-out"
        )

    async def transfer(self, carrier_call_id: str, to: str) -> None:
        """Note whom the flow's Connect applet shall call; then close the media stream."""
        if self._app_id is None:
            raise CarrierUnsupported(
                f"{NAME}: a call without a flow ends with its stream and can't be transferred; set"
                " the app id of a flow with Voicebot, Passthru and Connect"
            )
        await self._transfers.book_transfer(NAME, carrier_call_id, to)

    async def fetch_status(self, carrier_call_id: str) -> CarrierUpdate | None:
        """How a call ended; None while it runs. For when callbacks, a best effort, don't come.

        "in-progress" is said of calls that nobody answered yet, and hence means nothing.
        """
        call = await self._call("GET", f"{carrier_call_id}.json")
        status = STATUS.get(str(call.get("Status")))
        return None if status is None or status not in TERMINAL else CarrierUpdate(status)

    async def close(self) -> None:
        await self._client.aclose()

    def _where_to(self, request: DialRequest) -> dict[str, str]:
        """The flow, or the stream: Exotel refuses both together."""
        if self._app_id is not None:
            flow = f"http://my.exotel.com/{self._account_sid}/exoml/start_voice/{self._app_id}"
            return {"Url": flow}
        if request.stream_url is None:
            raise CarrierRejected(
                NAME, "no-stream", "neither a flow nor a stream", "Set the app id or a stream URL"
            )
        return {"StreamUrl": request.stream_url, "StreamType": "bidirectional"}

    async def _call(
        self, method: str, path: str, form: Mapping[str, str | list[str]] | None = None
    ) -> Mapping[str, object]:
        """One request; the `Call` of its answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(method, path, data=form)
        except TimeoutError as error:
            raise CarrierUnreachable(f"{NAME}: no answer within {self._timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise CarrierUnreachable(f"{NAME}: not reached: {error!r}") from error
        status = response.status_code
        if status >= 500 or 300 <= status < 400:
            raise CarrierUnreachable(f"{NAME}: answered with HTTP {status}")
        answer = _object(response)
        if status >= 400:
            fix = _FIXES.get(status, "See the account's call logs at Exotel")
            reason = _inner(answer, "RestException").get("Message") or response.reason_phrase
            raise CarrierRejected(NAME, f"http-{status}", str(reason), fix)
        call = _inner(answer, "Call")
        if not call:
            raise CarrierUnreachable(f"{NAME}: its answer can't be read: it has no Call")
        return call


def _object(response: httpx.Response) -> Mapping[str, object]:
    """The answer's JSON object; empty where it is none (Exotel may answer in XML)."""
    try:
        decoded: object = response.json()
    except ValueError:
        return {}
    return cast(dict[str, object], decoded) if isinstance(decoded, dict) else {}


def _inner(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = answer.get(name)
    return cast(dict[str, object], inner) if isinstance(inner, dict) else {}
