"""What Chatterbox learns of a voice, as bytes: tensors and a header in the safetensors format.

The header names the engine and the model, so that what one learned is never spoken by another.
Read here without torch's pickles: the bytes may come from a store that others can write.
"""

import importlib
import json
import struct
from collections.abc import Mapping
from typing import Any, cast

from speech.errors import EngineFailed

FORM = "1"
"""Of the bytes; changes when tensors are added or mean something else."""

_LONGEST_BYTES = 8_000_000
"""A voice takes 0.3 MB: 10 s of 80 mel bands at 50 frames a second, and a few numbers."""

_LONGEST_HEADER_BYTES = 20_000

_DIMENSIONS = {
    "speaker_emb": 2,
    "cond_prompt_speech_tokens": 2,
    "prompt_token": 2,
    "prompt_token_len": 1,
    "prompt_feat": 3,
    "embedding": 2,
}
"""The tensors and how many dimensions each has."""

_SPEAKER_NUMBERS = 256
_MEL_BANDS = 80
_IDENTITY_NUMBERS = 192


def to_bytes(conditionals: Any, variant: str) -> bytes:
    """What `prepare_conditionals` left: a `Conditionals` with `t3` and `gen`."""
    safetensors: Any = importlib.import_module("safetensors.torch")
    found = {name: _tensor_of(conditionals, name) for name in _DIMENSIONS}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}
    about = {"engine": "chatterbox", "variant": variant, "form": FORM}
    return cast("bytes", safetensors.save(tensors, metadata=about))


def from_bytes(learned: bytes, variant: str) -> Mapping[str, Any]:
    """The tensors by name, on the processor.

    Raises:
        EngineFailed: the bytes are not such, or of another engine, model or form.
    """
    about = _about(learned)
    expected = {"engine": "chatterbox", "variant": variant, "form": FORM}
    if about != expected:
        raise EngineFailed(
            f"this voice was learned by {about or 'something else'}, and {expected} is needed: "
            "let this engine learn it from the recording"
        )
    safetensors: Any = importlib.import_module("safetensors")
    loader: Any = importlib.import_module("safetensors.torch")
    try:
        tensors = cast("dict[str, Any]", loader.load(learned))
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise EngineFailed(f"the bytes of this voice are broken: {error}") from error
    shapes = {name: tuple(int(size) for size in tensor.shape) for name, tensor in tensors.items()}
    if {name: len(shape) for name, shape in shapes.items()} != _DIMENSIONS or not (
        shapes["speaker_emb"][-1] == _SPEAKER_NUMBERS
        and shapes["prompt_feat"][-1] == _MEL_BANDS
        and shapes["embedding"][-1] == _IDENTITY_NUMBERS
        and all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    ):
        raise EngineFailed(f"the bytes of this voice hold {shapes}, which is no voice")
    return tensors


def _about(learned: bytes) -> dict[str, str]:
    """The header's own words; {} where there are none.

    Raises:
        EngineFailed: the bytes are no safetensors.
    """
    if not 8 <= len(learned) <= _LONGEST_BYTES:
        raise EngineFailed(f"{len(learned)} bytes are no voice of chatterbox")
    (size,) = struct.unpack("<Q", learned[:8])
    if not 2 <= size <= min(len(learned) - 8, _LONGEST_HEADER_BYTES):
        raise EngineFailed("the bytes of this voice are not in the safetensors format")
    try:
        header = cast("object", json.loads(learned[8 : 8 + size]))
    except ValueError as error:
        raise EngineFailed("the bytes of this voice are not in the safetensors format") from error
    about = cast("dict[str, object]", header).get("__metadata__") if _is_dict(header) else None
    return cast("dict[str, str]", about) if _is_dict(about) else {}


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _tensor_of(conditionals: Any, name: str) -> Any:
    if name in ("speaker_emb", "cond_prompt_speech_tokens"):
        return getattr(conditionals.t3, name)
    return conditionals.gen[name]
