"""Engines that are Pipecat's services: they stand beside those of `speech/engine_table.py`, which
must not know Pipecat."""

from collections.abc import Mapping

from speech import registry
from speech.engine_table import ENGINES, EngineEntry
from speech.pool import EnginePool
from speech.stt import Recognizer
from speech.tts import Synthesizer

PIPECAT_ENGINES: tuple[EngineEntry, ...] = (
    EngineEntry(
        name="deepgram",
        kind="hears",
        languages=("en", "hi", "mr"),
        licence="Deepgram's terms: a paid service, and the caller's voice leaves the house; MIT "
        "(its client)",
        needs="a key of Deepgram's, and the deepgram-sdk package",
        how_to_get_it="pip install 'callwright[deepgram]'",
        factory="processors.deepgram_ear:DeepgramRecognizer",
        options="processors.deepgram_ear:DeepgramOptions",
        packages=("deepgram",),
    ),
    EngineEntry(
        name="elevenlabs",
        kind="speaks",
        languages=("en", "hi", "mr"),
        licence="ElevenLabs' terms: a paid service, and what is said leaves the house",
        needs="a key of ElevenLabs'; nothing is installed",
        how_to_get_it="pip install callwright",
        factory="processors.elevenlabs_mouth:ElevenLabsSynthesizer",
        options="processors.elevenlabs_mouth:ElevenLabsOptions",
    ),
)

ALL_ENGINES = (*ENGINES, *PIPECAT_ENGINES)
"""Every engine that a call can use."""


def make_recognizer(
    name: str, pool: EnginePool, options: Mapping[str, str] = registry.NO_OPTIONS
) -> Recognizer:
    """As `speech.registry.make_recognizer`, of all engines."""
    return registry.make_recognizer(name, pool, options, engines=ALL_ENGINES)


def make_synthesizer(name: str, options: Mapping[str, str] = registry.NO_OPTIONS) -> Synthesizer:
    """As `speech.registry.make_synthesizer`, of all engines."""
    return registry.make_synthesizer(name, options, engines=ALL_ENGINES)
