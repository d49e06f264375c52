"""Telling the business what came of a call: JSON over HTTP, signed, tried until it is taken.

    Callwright-Delivery: <id>          the same at every attempt: tells a repetition
    Callwright-Signature: t=<Unix time in seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">

Any 2xx takes it, 410 refuses it for good, anything else is tried again.
"""

import asyncio
import hashlib
import hmac
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from loguru import logger

from telephony.delivery_queue import Delivery, DeliveryQueue
from telephony.errors import DeliveryRefused, StoreUnavailable
from telephony.outcome_address import addresses_of, is_ip_literal, outcome_url

SIGNATURE_HEADER = "Callwright-Signature"
DELIVERY_HEADER = "Callwright-Delivery"


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How patiently outcomes are delivered. The defaults try for about a day."""

    timeout_s: float = 10.0  # for one attempt, names and all; slow receivers hold `at_once` slots
    max_attempts: int = 34
    first_wait_s: float = 2.0  # doubled after each attempt, up to `longest_wait_s`
    longest_wait_s: float = 3_600.0
    at_once: int = 8
    poll_s: float = 1.0  # how soon a new outcome is noticed
    allow_private: bool = False  # outcomes may go to private networks


def signature(secret: bytes, at_unix_s: int, body: bytes) -> str:
    """The value of the signature header."""
    mac = hmac.new(secret, f"{at_unix_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_unix_s},v1={mac}"


def signature_is_valid(
    secret: bytes, header: str, body: bytes, now_unix_s: float, tolerance_s: float = 300.0
) -> bool:
    """Whether a receiver may trust `body`: signed with `secret`, and not long ago."""
    stamp = header.partition(",")[0].removeprefix("t=")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        return False
    expected = signature(secret, int(stamp), body)
    is_ours = hmac.compare_digest(expected.encode(), header.encode("utf-8", "replace"))
    return is_ours and abs(now_unix_s - int(stamp)) <= tolerance_s


def wait_ms(rules: DeliveryRules, attempts: int, chance: float) -> int:
    """How long to wait after the `attempts`-th attempt (from 1); `chance` is 0..1.

    Half is fixed and half by chance: receivers that come back aren't met by everybody at once.
    """
    doubled = rules.first_wait_s * 2.0 ** min(attempts - 1, 32)
    return round(min(doubled, rules.longest_wait_s) * 1000 * (0.5 + 0.5 * chance))


class OutcomeDelivery:
    """The worker that delivers what the queue holds. `secret` must not be empty."""

    def __init__(
        self,
        queue: DeliveryQueue,
        secret: bytes,
        rules: DeliveryRules | None = None,
        *,
        now_unix_s: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if not secret:
            raise ValueError("the secret that signs outcomes is empty")
        self._queue = queue
        self._secret = secret
        self._rules = rules or DeliveryRules()
        self._now_unix_s = now_unix_s
        self._chance = chance
        self._slots = asyncio.Semaphore(self._rules.at_once)

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        async with _client(self._rules.timeout_s) as client, asyncio.TaskGroup() as attempts:
            while True:
                await self._slots.acquire()
                delivery = await self._next()
                if delivery is None:
                    self._slots.release()
                    await asyncio.sleep(self._rules.poll_s)
                else:
                    attempts.create_task(self._attempt(client, delivery))

    async def _next(self) -> Delivery | None:
        # The lease outlasts an attempt and the writing of its end.
        lease_ms = round(self._rules.timeout_s * 2_000) + 10_000
        try:
            due = await self._queue.take_due(1, lease_ms)
        except StoreUnavailable as error:
            logger.warning("no outcomes can be delivered: {}", error)
            return None
        return due[0] if due else None

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            await self._settle(delivery, *await self._send(client, delivery))
        except StoreUnavailable as error:  # the lease runs out, and it is tried again
            logger.warning("delivery {}: its end was not written: {}", delivery.id, error)
        finally:
            self._slots.release()

    async def _settle(self, delivery: Delivery, error: str | None, is_final: bool) -> None:
        if error is None:
            logger.info("delivery {}: outcome of call {} taken", delivery.id, delivery.call_id)
            await self._queue.delivered(delivery.id)
        elif is_final or delivery.attempts >= self._rules.max_attempts:
            logger.error("delivery {}: given up: {}", delivery.id, error)
            await self._queue.give_up(delivery.id, error)
        else:
            wait = wait_ms(self._rules, delivery.attempts, self._chance())
            logger.warning("delivery {}: {}; next try in {} ms", delivery.id, error, wait)
            await self._queue.retry_in(delivery.id, wait, error)

    async def _send(self, client: httpx.AsyncClient, delivery: Delivery) -> tuple[str | None, bool]:
        """One attempt: (what went wrong or None, whether trying again is useless)."""
        try:
            url = outcome_url(delivery.url)
            async with asyncio.timeout(self._rules.timeout_s):
                addresses = await addresses_of(url, allow_private=self._rules.allow_private)
                status = await self._post(client, url, addresses, delivery)
        except DeliveryRefused as error:
            return f"outcome_url: {error}", True
        except TimeoutError:
            return f"no answer within {self._rules.timeout_s:g} s", False
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The class alone: the text of some names the URL, which may carry a secret.
            return f"not reached: {type(error).__name__}", False
        if 200 <= status < 300:
            return None, True
        return f"answered with HTTP {status}", status == 410

    async def _post(
        self, client: httpx.AsyncClient, url: httpx.URL, addresses: list[str], delivery: Delivery
    ) -> int:
        """Post to the first address that takes a connection; returns the HTTP status."""
        body = delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            "Host": url.netloc.decode("ascii"),
            "User-Agent": "callwright",
            DELIVERY_HEADER: delivery.id,
            SIGNATURE_HEADER: signature(self._secret, int(self._now_unix_s()), body),
        }
        # The connection goes to a checked address; certificate and name are the URL's.
        sni = {} if is_ip_literal(url.host) else {"sni_hostname": url.raw_host.decode("ascii")}
        for number, address in enumerate(addresses, start=1):
            target = url.copy_with(host=address)
            try:
                async with client.stream(
                    "POST", target, content=body, headers=headers, extensions=sni
                ) as response:
                    return response.status_code  # the body is of no interest, and may be endless
            except httpx.ConnectError:
                if number == len(addresses):
                    raise
        raise OSError("the name has no address")


def _client(timeout_s: float) -> httpx.AsyncClient:
    # httpx logs each URL, which may carry a secret, at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.AsyncClient(
        timeout=timeout_s,
        # A proxy from the environment would connect in our place, past the address check.
        trust_env=False,
        # A connection is known by its address: kept, it would serve another name's outcome
        # under the first name's certificate.
        limits=httpx.Limits(max_keepalive_connections=0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
