"""The custom voices of a speech server, and the Redis that keeps them where there is one."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from speech.custom_voices import CustomVoices
from speech.errors import EngineUnavailable
from speech.redis_store import RedisStore
from speech.server.settings import ServerSettings
from speech.vad import SileroSession


@asynccontextmanager
async def custom_voices(
    settings: ServerSettings, vad: SileroSession | None
) -> AsyncGenerator[CustomVoices]:
    """Those of one process. Close them yourself before their engines: that releases the voices.

    Raises:
        OptionInvalid: `redis_url` is no URL of a Redis.
        EngineUnavailable: there is one, and the package redis is not installed.
    """
    async with AsyncExitStack() as stack:
        store = None
        if settings.redis_url is not None:
            store = await stack.enter_async_context(RedisStore(settings.redis_url))
        yield CustomVoices(redis=store, vad=vad)


def vad_at_hand() -> SileroSession | None:
    """Tells speech from noise in recordings for voices; its weights come with Pipecat's wheel."""
    try:
        return SileroSession()
    except EngineUnavailable:
        return None
