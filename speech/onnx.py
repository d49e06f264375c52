"""onnxruntime, as the engines of this package use it: one thread a job, typed at the border."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from speech.errors import EngineUnavailable

OrtValue = Any
"""An array that stays in onnxruntime's memory (`onnxruntime.OrtValue`)."""

ORT_FAILURES: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(
        importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    ).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
"""What a session may raise; they have no ancestor of their own."""


class Session(Protocol):
    """What is used of `onnxruntime.InferenceSession`. Its runs may overlap in several threads."""

    def run(
        self, output_names: Sequence[str] | None, inputs: dict[str, npt.NDArray[Any]]
    ) -> list[npt.NDArray[Any]]: ...

    def run_with_ort_values(
        self, output_names: Sequence[str], inputs: dict[str, OrtValue]
    ) -> list[OrtValue]: ...

    def get_inputs(self) -> list[Any]: ...


def load(path: Path, *, how_to_get_it: str) -> Session:
    """A session on the CPU that runs in its caller's thread and never spins.

    Spinning threads would win 1 ms a decode on an idle machine and cost other calls their core.

    Raises:
        EngineUnavailable: the file is missing or is no model; says `how_to_get_it`.
    """
    if not path.is_file():
        raise EngineUnavailable(f"{path} is missing: {how_to_get_it}")
    options = cast(Any, onnxruntime.SessionOptions())
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal: what fails is raised, and logged where it is handled
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    make = cast(Any, onnxruntime.InferenceSession)
    try:
        return cast(Session, make(str(path), options, providers=["CPUExecutionProvider"]))
    except ORT_FAILURES as error:
        raise EngineUnavailable(f"{path} can't be loaded ({error}): {how_to_get_it}") from error


def ort_value(array: npt.NDArray[Any]) -> OrtValue:
    """`array`, for `run_with_ort_values`."""
    return cast(Any, onnxruntime.OrtValue).ortvalue_from_numpy(np.ascontiguousarray(array))
