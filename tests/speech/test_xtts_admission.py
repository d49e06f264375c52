"""How many streams are admitted, by what was measured; and what XTTS says where it isn't."""

import importlib.util

import numpy as np
import pytest

from speech.engines.xtts import XttsSynthesizer
from speech.engines.xtts_admission import streams_in_time
from speech.engines.xtts_options import XttsOptions
from speech.errors import (
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    OptionInvalid,
)
from speech.options import read_options
from speech.registry import make_synthesizer
from speech.tts import SpeechRequest, Voice


@pytest.mark.parametrize(
    ("factor_of_one", "admitted", "asked"),
    [
        (2.6, 1, [1]),  # slower than speech: one, for prompts
        (0.8, 1, [1, 2]),
        (0.35, 2, [1, 2, 4, 3]),
        (0.2, 4, [1, 2, 4, 8, 6]),
        (0.13, 6, [1, 2, 4, 8, 6]),
        (0.05, 16, [1, 2, 4, 8, 16, 32, 24]),
        (0.001, 32, [1, 2, 4, 8, 16, 32]),
    ],
)
def test_as_many_are_admitted_as_keep_up(
    factor_of_one: float, admitted: int, asked: list[int]
) -> None:
    tried: list[int] = []

    def factor(streams: int) -> float:
        tried.append(streams)
        return factor_of_one * streams

    assert streams_in_time(factor, most=32) == admitted
    assert tried == asked


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"max_streams": "0"}, "max_streams"),
        ({"max_streams": "many"}, "max_streams"),
        ({"device": "gpu"}, "device"),
        ({"precision": "int4"}, "precision"),
        ({"stream_chunk_tokens": "1"}, "stream_chunk_tokens"),
        ({"modle": "x"}, "no option 'modle'; it has: .*model"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, str], match: str) -> None:
    with pytest.raises(OptionInvalid, match=match):
        read_options("xtts", XttsOptions, given)


def test_options_are_read_from_text() -> None:
    options = read_options("xtts", XttsOptions, {"max_streams": "4", "accept_licence": "true"})
    assert (options.max_streams, options.accept_licence) == (4, True)
    assert read_options("xtts", XttsOptions, {}).max_streams == "auto"


@pytest.mark.skipif(importlib.util.find_spec("TTS") is not None, reason="coqui-tts is installed")
def test_without_its_environment_it_says_how_to_make_it() -> None:
    with pytest.raises(EngineUnavailable, match=r"not installed here: run `make engine-xtts`"):
        make_synthesizer("xtts")


async def test_before_it_is_started_it_refuses_by_name() -> None:
    engine = XttsSynthesizer()
    with pytest.raises(LanguageUnsupported, match=r"xtts does not speak 'mr', only .*en.*hi"):
        await anext(engine.synthesize(SpeechRequest("नमस्कार", "mr")))
    with pytest.raises(EngineFailed, match="not started"):
        await anext(engine.synthesize(SpeechRequest("Hello", "en")))
    with pytest.raises(EngineFailed, match="not started"):
        engine.hold(Voice("custom:a", "en", "a caller"), b"")
    with pytest.raises(EngineFailed, match="not started"):
        await engine.learn(np.zeros(16_000, np.int16), 16_000)
    assert (engine.max_streams, engine.streams, engine.decode_steps) == (0, 0, 0)
    engine.release("nobody")
    await engine.close()
