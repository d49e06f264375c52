"""torch and torchaudio as engines import them: late, and where both load.

Nothing here is imported before an engine that needs torch starts.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

from speech.errors import EngineUnavailable


def import_torch(*, cpu_threads: int = 0) -> Any:
    """The module torch. `cpu_threads`: of one operation, for the whole process; 0 leaves it.

    Raises:
        EngineUnavailable: it is not installed, or does not load.
    """
    try:
        torch: Any = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"torch does not load ({error}): make the engine's environment (docs/engines.md)"
        ) from error
    if cpu_threads:
        torch.set_num_threads(cpu_threads)
    return torch


def import_torchaudio() -> Any:
    """The module torchaudio, beside a torch without CUDA too.

    The registry's torchaudio is built for CUDA: beside a CPU build of torch its compiled part asks
    for a library that isn't there. Resampling and mel spectrograms are plain torch, so it does
    without that part then; forced alignment says that it is missing.

    Raises:
        EngineUnavailable: it is not installed, or does not load beside a torch with CUDA.
    """
    torch = import_torch()
    try:
        return importlib.import_module("torchaudio")
    except ImportError as error:
        raise EngineUnavailable(f"torchaudio does not load: {error}") from error
    except OSError as error:
        if torch.version.cuda is not None:
            raise EngineUnavailable(
                f"torchaudio does not load ({error}): install the one of torch {torch.__version__}"
            ) from error
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
        del sys.modules[name]  # half imported
    sys.modules["torchaudio._extension"] = _without_extension()
    return importlib.import_module("torchaudio")


def choose_device(torch: Any, wanted: str) -> str:
    """The device to compute on: "auto" is the first NVIDIA GPU, or else the processor.

    Raises:
        EngineUnavailable: a GPU is wanted and there is none.
    """
    count = int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    if wanted == "cpu":
        return wanted
    index = int(wanted.partition(":")[2] or 0)
    if index >= count:
        raise EngineUnavailable(
            f"there is no device {wanted}: torch {torch.__version__} sees {count} GPUs; "
            "set device to cpu or auto, or install torch with CUDA and the driver"
        )
    return f"cuda:{index}"


def _without_extension() -> ModuleType:
    """What torchaudio's other modules import from its compiled part, without one."""
    module = ModuleType("torchaudio._extension")

    def fail_if_no_align(function: Any) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError(f"{function.__name__} needs a torchaudio with its compiled part")

        return fail

    parts = {"_IS_TORCHAUDIO_EXT_AVAILABLE": False, "fail_if_no_align": fail_if_no_align}
    module.__dict__.update(parts)
    return module
