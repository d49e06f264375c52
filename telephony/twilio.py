"""Calls through Twilio's REST interface, with Twilio's own library."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.call import CallInstance

from telephony.carrier import DialRequest, DialResult
from telephony.errors import CarrierRejected, CarrierUnreachable
from telephony.twilio_twiml import transfer_twiml

_T = TypeVar("_T")
NAME = "twilio"
_NOT_IN_PROGRESS = 21220

# Twilio's codes (https://www.twilio.com/docs/api/errors) -> what the reader can do.
_FIXES = {
    13224: "Write the number in E.164, e.g. +919876543210",
    20003: "Check the account SID and the auth token in the settings",
    20404: "The call is not known to this account: check the account SID",
    20429: "Too many requests at once: place fewer calls a second, or ask Twilio for more",
    21205: "The server's public URL must be https and reachable from the internet",
    21210: "Verify the calling number in Twilio's console, or buy one there",
    21211: "Write the number to call in E.164, e.g. +919876543210",
    21212: "Set the calling number to one of this account's, in E.164",
    21215: "Allow calls to that country in Twilio's console (Voice > Geographic permissions)",
    21216: "Twilio does not call that number; take it off the list",
    21217: "Write the number in E.164, e.g. +919876543210",
    21219: "A trial account calls verified numbers only: verify it, or upgrade the account",
    21220: "The call is not in progress",
    21262: "Answering-machine detection needs a callback URL: set the server's public URL",
    21609: "The status callback's URL can't be used: set the server's public URL",
}


class TwilioCarrier:
    """One account at Twilio. `api_base_url` may lead to a simulated carrier."""

    name = NAME
    ends_with_stream = False

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        api_base_url: str = "https://api.twilio.com",
        timeout_s: float = 15.0,
    ) -> None:
        self._http = _HttpClient(api_base_url, timeout_s)
        # Without an environment of its own the library reads the process's.
        client = Client(
            account_sid, auth_token, http_client=self._http, environment={"TWILIO_REGION": ""}
        )
        self._calls = client.calls
        self._timeout_s = timeout_s

    async def dial(self, request: DialRequest) -> DialResult:
        """See `Carrier.dial`. Twilio asks `answer_url` for TwiML when the call is answered."""
        detection: dict[str, str] = {}
        if request.machine_url is not None:
            # In the background: else the callee listens to silence until Twilio has decided.
            detection = {
                "machine_detection": "Enable",
                "async_amd": "true",
                "async_amd_status_callback": request.machine_url,
                "async_amd_status_callback_method": "POST",
            }
        call = await self._wait(
            self._calls.create_async(
                to=request.to_number,
                from_=request.from_number,
                url=request.answer_url,
                method="POST",
                status_callback=request.status_url,
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                status_callback_method="POST",
                timeout=request.ring_timeout_s,
                time_limit=request.time_limit_s,
                **detection,
            )
        )
        return DialResult(_sid_of(call))

    async def hang_up(self, carrier_call_id: str) -> None:
        """See `Carrier.hang_up`."""
        try:
            await self._wait(
                self._calls(carrier_call_id).update_async(
                    status=CallInstance.UpdateStatus.COMPLETED
                )
            )
        except CarrierRejected as error:
            if error.code != str(_NOT_IN_PROGRESS):  # over already
                raise

    async def transfer(self, carrier_call_id: str, to: str) -> None:
        """See `Carrier.transfer`. The media stream stops when the new TwiML takes over."""
        await self._wait(self._calls(carrier_call_id).update_async(twiml=transfer_twiml(to)))

    async def close(self) -> None:
        await self._http.close()

    async def _wait(self, request: Awaitable[_T]) -> _T:
        """The request's result in time, its failure as one of ours."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await request
        except TwilioRestException as error:
            raise _typed(error.status, error.code, error.msg) from error
        except TwilioServiceException as error:
            raise _typed(error.status, error.code, error.detail or error.title) from error
        except TimeoutError as error:
            raise CarrierUnreachable(f"{NAME}: no answer within {self._timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise CarrierUnreachable(f"{NAME}: not reached: {error!r}") from error
        # What the library makes of an answer that is not Twilio's JSON.
        except (TwilioException, ValueError, AttributeError, TypeError) as error:
            raise CarrierUnreachable(f"{NAME}: its answer can't be read: {error!r}") from error


def _typed(status: int, code: int | None, message: str) -> CarrierRejected | CarrierUnreachable:
    if not 400 <= status < 500:
        return CarrierUnreachable(f"{NAME}: answered with HTTP {status}: {message}")
    fix = _FIXES.get(code or status, f"See https://www.twilio.com/docs/api/errors/{code or status}")
    return CarrierRejected(NAME, str(code or f"http-{status}"), message, fix)


def _sid_of(call: CallInstance) -> str:
    sid = cast(object, call.sid)
    if not isinstance(sid, str) or not sid:
        raise CarrierUnreachable(f"{NAME}: took the call but named no call SID")
    return sid


class _HttpClient(AsyncHttpClient):
    """The library's requests on httpx: to our base URL, cancellable, without threads."""

    def __init__(self, base_url: str, timeout_s: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True, timeout=timeout_s)
        self._base_url = base_url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=timeout_s)

    async def request(  # the library's signature
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
        allow_redirects: bool = False,
    ) -> Response:
        response = await self._client.request(
            method,
            self._base_url + urlsplit(uri).path,
            params=cast(Any, params or None),
            data=data,
            headers=headers,
            auth=auth,
        )
        return Response(response.status_code, response.text, response.headers)

    async def close(self) -> None:
        await self._client.aclose()
