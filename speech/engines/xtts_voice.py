"""A voice that XTTS has learned, and its bytes: safetensors, with what made them written inside."""

import importlib
import json
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from speech.errors import EngineFailed

ENGINE = "xtts"
LARGEST_BYTES = 4_000_000
"""A voice is 133 kB (32 vectors of 1024 numbers, and one of 512); more is something else."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What makes the model speak like one person."""

    style: npt.NDArray[np.float32]  # gpt_cond_latent, shape (1, n, channels)
    speaker: npt.NDArray[np.float32]  # speaker_embedding, shape (1, 512, 1)


def packed(learned: Learned, version: str) -> bytes:
    """safetensors: gpt_cond_latent and speaker_embedding; engine and version as metadata."""
    tensors = {
        "gpt_cond_latent": np.ascontiguousarray(learned.style),
        "speaker_embedding": np.ascontiguousarray(learned.speaker),
    }
    return cast(bytes, _safetensors().save(tensors, {"engine": ENGINE, "version": version}))


def unpacked(data: bytes, version: str, *, channels: int, speaker_numbers: int) -> Learned:
    """The voice in `data`, for the model of that version and those sizes.

    Raises:
        EngineFailed: it is no voice, or another engine's or version's; says which.
    """
    if len(data) > LARGEST_BYTES:
        raise EngineFailed(f"{len(data)} bytes are no xtts voice: one is under {LARGEST_BYTES}")
    made_by = _metadata(data)
    if made_by.get("engine") != ENGINE:
        other = made_by.get("engine", "an unknown engine")
        raise EngineFailed(f"this voice was learned by {other}, not by xtts: learn it again")
    if made_by.get("version") != version:
        raise EngineFailed(
            f"this voice was learned by weights {made_by.get('version')!r}, these are {version!r}: "
            "learn it again from its recording"
        )
    safetensors = _safetensors()
    try:
        tensors = cast(dict[str, npt.NDArray[Any]], safetensors.load(data))
    except (_error_type(), ValueError, KeyError, TypeError) as error:
        raise EngineFailed(f"the voice is damaged: {error}") from error
    return Learned(
        style=_checked(tensors, "gpt_cond_latent", (1, None, channels)),
        speaker=_checked(tensors, "speaker_embedding", (1, speaker_numbers, 1)),
    )


def _checked(
    tensors: dict[str, npt.NDArray[Any]], name: str, shape: tuple[int | None, ...]
) -> npt.NDArray[np.float32]:
    values = tensors.get(name)
    if values is None:
        raise EngineFailed(f"the voice is damaged: it has no {name}")
    fits = values.ndim == len(shape) and all(
        wanted in (None, size) and size > 0
        for wanted, size in zip(shape, values.shape, strict=True)
    )
    if values.dtype != np.float32 or not fits:
        raise EngineFailed(
            f"the voice is damaged: {name} is {values.dtype} of shape {values.shape}, "
            f"not float32 of {shape}"
        )
    if not np.isfinite(values).all():
        raise EngineFailed(f"the voice is damaged: {name} holds what is no number")
    return cast(npt.NDArray[np.float32], values)


def _metadata(data: bytes) -> dict[str, str]:
    """The metadata of safetensors, whose header is a length (8 bytes) and JSON."""
    length = int.from_bytes(data[:8], "little")
    if not 0 < length <= len(data) - 8:
        raise EngineFailed("this is no xtts voice: it is not in the safetensors format")
    try:
        header: Any = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise EngineFailed("this is no xtts voice: it is not in the safetensors format") from error
    fields = cast(dict[str, Any], header) if isinstance(header, dict) else {}
    found: Any = fields.get("__metadata__")
    return cast(dict[str, str], found) if isinstance(found, dict) else {}


def _safetensors() -> Any:
    return importlib.import_module("safetensors.numpy")


def _error_type() -> type[Exception]:
    return cast(type[Exception], importlib.import_module("safetensors").SafetensorError)
