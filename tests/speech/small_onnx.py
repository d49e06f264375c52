"""A writer of small ONNX files, so that tests of networks need no package to make one.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
_IR_VERSION, _OPSET = 8, 17


@dataclass(frozen=True, slots=True)
class Node:
    """One operation."""

    kind: str  # "MatMul"
    inputs: Sequence[str]
    outputs: Sequence[str]
    lists: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])


def write(
    path: Path,
    nodes: Sequence[Node],
    *,
    inputs: Mapping[str, tuple[type[np.generic], Sequence[int | str]]],
    outputs: Mapping[str, tuple[type[np.generic], Sequence[int | str]]],
    constants: Mapping[str, npt.NDArray[np.generic]],
    beside: Sequence[str] = (),
) -> None:
    """Write a model; the constants named in `beside` go into files of their own, next to it."""
    tensors = [
        _tensor(name, array, path.parent if name in beside else None)
        for name, array in constants.items()
    ]
    graph = b"".join(
        [
            *(_bytes(1, _node(node)) for node in nodes),
            _bytes(2, b"small"),
            *(_bytes(5, tensor) for tensor in tensors),
            *(_bytes(11, _value(name, *of)) for name, of in inputs.items()),
            *(_bytes(12, _value(name, *of)) for name, of in outputs.items()),
        ]
    )
    path.write_bytes(_int(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _int(2, _OPSET)))


def _node(node: Node) -> bytes:
    return b"".join(
        [
            *(_bytes(1, name.encode()) for name in node.inputs),
            *(_bytes(2, name.encode()) for name in node.outputs),
            _bytes(4, node.kind.encode()),
            *(
                _bytes(5, _bytes(1, name.encode()) + _ints(8, values) + _int(20, 7))
                for name, values in node.lists.items()
            ),
        ]
    )


def _tensor(name: str, array: npt.NDArray[np.generic], folder: Path | None) -> bytes:
    head = _ints(1, array.shape) + _int(2, _TYPES[array.dtype]) + _bytes(8, name.encode())
    data = np.ascontiguousarray(array).tobytes()
    if folder is None:
        return head + _bytes(9, data)
    (folder / name).write_bytes(data)
    return head + _bytes(13, _bytes(1, b"location") + _bytes(2, name.encode())) + _int(14, 1)


def _value(name: str, kind: type[np.generic], shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _bytes(1, _int(1, size) if isinstance(size, int) else _bytes(2, size.encode()))
        for size in shape
    )
    tensor = _int(1, _TYPES[np.dtype(kind)]) + _bytes(2, sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _ints(number: int, values: Sequence[int]) -> bytes:
    return b"".join(_int(number, value) for value in values)


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
