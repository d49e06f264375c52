"""The bytes of a learned voice: what made them stands inside, and nothing else is believed."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from speech.engines.xtts import XttsSynthesizer
from speech.engines.xtts_voice import Learned, packed, unpacked
from speech.errors import EngineFailed, EngineUnavailable

from .conftest import options_of

STYLE = np.linspace(-1, 1, 32 * 64, dtype=np.float32).reshape(1, 32, 64)
SPEAKER = np.linspace(-1, 1, 512, dtype=np.float32).reshape(1, 512, 1)
GOOD = packed(Learned(STYLE, SPEAKER), "v1")


def read(data: bytes) -> Learned:
    return unpacked(data, "v1", channels=64, speaker_numbers=512)


def with_tensors(metadata: dict[str, str] | None = None, **tensors: np.ndarray) -> bytes:
    made_by = {"engine": "xtts", "version": "v1"} if metadata is None else metadata
    return safetensors.numpy.save(tensors, made_by)


def test_a_voice_comes_back_as_it_was() -> None:
    learned = read(GOOD)
    assert np.array_equal(learned.style, STYLE)
    assert np.array_equal(learned.speaker, SPEAKER)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not in the safetensors format"),
        (b"RIFF" * 100, "not in the safetensors format"),
        (b"\xff" * 8, "not in the safetensors format"),
        ((10).to_bytes(8, "little") + b'["a list"]', "an unknown engine"),
        (GOOD[:-100], "damaged"),
        (GOOD + b"more", "damaged"),
        (b"\0" * 4_000_001, "4000001 bytes are no xtts voice"),
        (packed(Learned(STYLE, SPEAKER), "v2"), "weights 'v2', these are 'v1': learn it again"),
        (with_tensors({"engine": "kokoro"}, a=STYLE), "learned by kokoro, not by xtts"),
        (with_tensors({}, gpt_cond_latent=STYLE), "an unknown engine"),
        (with_tensors(gpt_cond_latent=STYLE), "no speaker_embedding"),
        (with_tensors(gpt_cond_latent=STYLE[:, :, :32], speaker_embedding=SPEAKER), "shape"),
        (with_tensors(gpt_cond_latent=STYLE[:, :0], speaker_embedding=SPEAKER), "shape"),
        (with_tensors(gpt_cond_latent=STYLE, speaker_embedding=SPEAKER[0]), "shape"),
        (with_tensors(gpt_cond_latent=STYLE.astype(int), speaker_embedding=SPEAKER), "int64"),
        (with_tensors(gpt_cond_latent=STYLE * np.nan, speaker_embedding=SPEAKER), "no number"),
    ],
)
def test_what_is_no_voice_of_these_weights_is_refused(data: bytes, match: str) -> None:
    with pytest.raises(EngineFailed, match=match):
        read(data)


def test_a_voice_of_other_weights_is_not_held(xtts: XttsSynthesizer) -> None:
    with pytest.raises(EngineFailed, match="weights 'v1', these are "):
        xtts.hold(xtts.voices[0], GOOD)


async def test_a_folder_of_voices_is_listed_and_a_foreign_one_named(
    folder: Path, tmp_path: Path, xtts: XttsSynthesizer
) -> None:
    weights = xtts.version.split("-")[1]
    (tmp_path / "priya.safetensors").write_bytes(packed(Learned(STYLE, SPEAKER), weights))
    (tmp_path / "notes.txt").write_text("not a voice")
    options = options_of(folder, speakers_folder=str(tmp_path), default_voice="priya")
    engine = XttsSynthesizer(options=options)
    await engine.start()
    try:
        assert next(voice.name for voice in engine.voices if voice.language == "hi") == "priya"
    finally:
        await engine.close()
    (tmp_path / "foreign.safetensors").write_bytes(GOOD)
    with pytest.raises(EngineUnavailable, match=r"foreign\.safetensors: .* learn it again"):
        await XttsSynthesizer(options=options).start()
