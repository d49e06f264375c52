"""A small XTTS v2 with random weights, written as the real one comes, and an engine over it.

It always says the same of the same text (it takes the likeliest token), and never stops by itself:
a piece lasts `PIECE_TOKENS` of 46 ms.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("TTS", reason="XTTS's own environment: make test-engine-xtts")

from benchmarks.random_xtts import Size, write_model
from speech.engines.xtts import XttsSynthesizer
from speech.engines.xtts_model import Loading, XttsModel
from speech.engines.xtts_options import XttsOptions

PIECE_TOKENS = 12
FIRST_TOKENS, CHUNK_TOKENS = 4, 8


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """config.json, vocab.json, model.pth (90 MB), and two voices in speakers_xtts.pth."""
    size = Size(most_audio_tokens=PIECE_TOKENS + 3)
    return write_model(tmp_path_factory.mktemp("xtts"), size)


def options_of(folder: Path, **others: object) -> XttsOptions:
    """As settings give them, in text."""
    chosen = {
        "model": str(folder),
        "max_streams": "2",
        "device": "cpu",
        "cpu_threads": "1",
        "first_chunk_tokens": str(FIRST_TOKENS),
        "stream_chunk_tokens": str(CHUNK_TOKENS),
    }
    return XttsOptions.model_validate({**chosen, **others})


@pytest.fixture(scope="session")
def model(folder: Path) -> XttsModel:
    """The weights alone."""
    return XttsModel.load(Loading(folder, device="cpu", cpu_threads=1))


@pytest.fixture(scope="session")
def xtts(folder: Path) -> Iterator[XttsSynthesizer]:
    """Started, with two streams at once."""
    engine = XttsSynthesizer(options=options_of(folder))
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.close())
