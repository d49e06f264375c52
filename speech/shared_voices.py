"""Custom voices in a Redis, where other processes find them, and learn that one was revoked.

A revocation leaves a note for as long as any process may hold the voice, and nothing else of it. A
voice that is gone without a note made room for others: whoever holds it goes on.
"""

import re

from speech.learned_voice import CUSTOM, LearnedVoice, pack, unpack
from speech.redis_store import RedisStore

_IS_ID = re.compile(r"[0-9a-f]{32}")
_REVOKED = "revoked:"
"""Before a voice's name: the key of the note that it was revoked."""


class SharedVoices:
    """The voices of one Redis, as far as it answers."""

    def __init__(self, redis: RedisStore) -> None:
        """`redis`: its owner closes it."""
        self._redis = redis

    async def find(self, name: str, *, now_s: float) -> LearnedVoice | None:
        """The voice, if it is there and not over at the Unix time `now_s`."""
        if not _is_name(name):
            return None
        content = await self._redis.get(name)
        voice = unpack(content) if content is not None else None
        if voice is None or voice.name != name or voice.remaining_s(now_s=now_s) <= 0:
            return None
        return None if await self.is_revoked(name) else voice

    async def put(self, voice: LearnedVoice, *, now_s: float) -> bool:
        """Store it for as long as it may be spoken in; whether it was.

        If it was revoked once, it is not any more: its speaker has agreed anew.
        """
        if not await self._redis.delete(_REVOKED + voice.name):
            return False
        remaining_s = voice.remaining_s(now_s=now_s)
        return await self._redis.put(voice.name, pack(voice), keeps_for_s=remaining_s)

    async def is_revoked(self, name: str) -> bool:
        """Whether some process revoked it; no, where Redis does not answer.

        To ask is to use the voice: Redis keeps what is used where it must let go of something.
        """
        await self._redis.has(name)
        if not await self._redis.has(_REVOKED + name):
            return False
        await self._redis.delete(name)  # who did not know yet may have put it back
        return True

    async def revoke(self, name: str, *, noted_for_s: float) -> bool:
        """Delete it, and leave a note for so long; whether Redis did."""
        if not _is_name(name):
            return True
        # The note first: who misses the voice then finds why.
        is_noted = await self._redis.put(_REVOKED + name, b"revoked", keeps_for_s=noted_for_s)
        return await self._redis.delete(name) and is_noted


def _is_name(name: str) -> bool:
    return name.startswith(CUSTOM) and _IS_ID.fullmatch(name.removeprefix(CUSTOM)) is not None
