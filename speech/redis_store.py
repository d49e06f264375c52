"""Bytes that several processes share in a Redis, for as long as it answers in time.

Nothing that a call needs may wait for it: each request has a short time-out, and after a failure
the server is left alone for a while (`speech.circuit`), with one warning. Whoever asks meanwhile
is told at once that there is nothing.
"""

import asyncio
import importlib.util
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from loguru import logger

from speech.circuit import CircuitBreaker
from speech.errors import EngineUnavailable, OptionInvalid

T = TypeVar("T")

HOW_TO_GET_IT = "run `pip install 'callwright[redis]'`"

_SCHEMES = ("redis", "rediss", "unix")
_SCAN_BATCH = 1_000
_GLOB = re.compile(r"([\[\]?*\\^-])")


class RedisStore:
    """One server, one prefix of keys. One serves all calls of a process; it connects when asked."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "callwright:",
        timeout_s: float = 0.1,
        max_value_bytes: int = 8 << 20,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        """Set up; nothing is sent yet.

        Args:
            url: "redis://[[user]:password@]host[:port][/database]", "rediss://" for TLS,
                "unix://[password@]/path/to/socket".
            prefix: of all keys: Callwrights that share a server share what they keep, too, if
                they have the same one.
            timeout_s: of each request, connecting included. A server in the same network answers
                in 1 ms; a caller hears 100 ms as no pause yet.
            max_value_bytes: longer ones are neither stored nor fetched. 8 MB is eight minutes of
                speech at 8 kHz. All of them together the server bounds itself (`maxmemory`).
            breaker: how soon the server is left alone, and for how long; None: after two failures
                in a row, for 15 s at first.

        Raises:
            OptionInvalid: the URL is no such URL.
            EngineUnavailable: the package redis is not installed.
        """
        self._where = _address(url)
        if importlib.util.find_spec("redis") is None:
            raise EngineUnavailable(f"redis is not installed: {HOW_TO_GET_IT}")
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        try:
            self._redis = cast(Any, Redis).from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),  # a second try is for whoever has the time
                decode_responses=False,
            )
        except ValueError as error:
            raise OptionInvalid(f"the Redis URL is wrong: {error}") from None
        self._failures = (RedisError, OSError, TimeoutError)
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._max_bytes = max_value_bytes
        self._breaker = breaker or CircuitBreaker()
        self._is_down = False

    async def get(self, key: str) -> bytes | None:
        """What is stored under `key`; None if nothing is, or the server does not answer."""
        # Not GET: a value of 500 MB that somebody else put there would be fetched whole.
        end = self._max_bytes
        found = await self._asked(lambda: self._redis.getrange(self._prefix + key, 0, end))
        content = cast("bytes | None", found)
        return content if content and len(content) <= self._max_bytes else None

    async def put(self, key: str, content: bytes, *, keeps_for_s: float | None = None) -> bool:
        """Store it, for ever or for so long; whether it was."""
        if len(content) > self._max_bytes or (keeps_for_s is not None and keeps_for_s < 0.001):
            return False
        keeps_ms = None if keeps_for_s is None else int(keeps_for_s * 1000)
        name = self._prefix + key
        return bool(await self._asked(lambda: self._redis.set(name, content, px=keeps_ms)))

    async def has(self, key: str) -> bool | None:
        """Whether something is stored under `key`; None if the server does not answer.

        To ask is a use: a server that is full lets go of what was not used for longest.
        """
        found = await self._asked(lambda: self._redis.touch(self._prefix + key))
        return None if found is None else bool(found)

    async def delete(self, key: str) -> bool:
        """Delete what is stored under `key`; whether the server answered."""
        return await self._asked(lambda: self._redis.delete(self._prefix + key)) is not None

    async def delete_all(self, beginning: str) -> bool:
        """Delete what is stored under keys that begin so; whether the server answered.

        Looks through all keys of the server, a thousand at a time: nothing for a call to wait on.
        """
        pattern = _GLOB.sub(r"\\\1", self._prefix + beginning) + "*"
        async for keys in self._scan(pattern):
            if keys and await self._asked(lambda keys=keys: self._redis.unlink(*keys)) is None:
                return False
        return not self._is_down

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def __aenter__(self) -> "RedisStore":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        cursor = 0
        while True:
            answer = await self._asked(
                lambda at=cursor: self._redis.scan(at, match=pattern, count=_SCAN_BATCH)
            )
            if answer is None:
                return
            cursor, keys = cast("tuple[int, list[bytes]]", answer)
            yield keys
            if not int(cursor):
                return

    async def _asked(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The server's answer; None if there is none in time."""
        if not self._breaker.may_try(time.monotonic()):
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask()
        except self._failures as error:
            self._breaker.failed(time.monotonic())
            if not self._is_down:
                self._is_down = True
                reason = f"no answer within {self._timeout_s:g} s"
                if not isinstance(error, TimeoutError) and str(error):
                    reason = str(error)
                logger.warning(
                    "Redis at {} does not help ({}): going on without it", self._where, reason
                )
            return None
        self._breaker.succeeded()
        if self._is_down:
            self._is_down = False
            logger.info("Redis at {} answers again", self._where)
        return answer


def _address(url: str) -> str:
    """Where a URL leads, without name and password.

    Raises:
        OptionInvalid: it is no URL of a Redis.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    is_local = parts.scheme == "unix" and bool(parts.path)
    if parts.scheme not in _SCHEMES or not (is_local or parts.hostname):
        raise OptionInvalid(
            "the Redis URL must be like redis://HOST:6379/0, rediss://HOST or unix:///PATH"
        )
    return parts.path if is_local else f"{parts.hostname}:{port or 6379}"
