"""The voices of simulated vendors: phrases spoken by an engine of this machine."""

from collections.abc import Iterable
from contextlib import aclosing

import numpy as np

from bot.simulation.caller import Clip
from speech.tts import SpeechRequest, Synthesizer


async def clips(
    synthesizer: Synthesizer, texts: Iterable[str], *, voice: str | None = None
) -> dict[str, Clip]:
    """Each English text as it sounds in the voice."""
    made: dict[str, Clip] = {}
    for text in texts:
        request = SpeechRequest(text, "en", voice)
        async with aclosing(synthesizer.synthesize(request)) as chunks:
            pcm = [chunk async for chunk in chunks]
        made[text] = Clip(text, np.concatenate(pcm), synthesizer.sample_rate_hz)
    return made
