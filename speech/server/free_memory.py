"""Whether an engine fits into what is free now: on its GPU, or in this machine's memory."""

from collections.abc import Mapping
from pathlib import Path

import psutil
from loguru import logger

from speech.gpu_plan import check_fits, in_gib
from speech.gpu_sizes import SIZES
from speech.server.gpu_status import Gpu, gpu_status

_ON_A_GPU = frozenset({size.engine for size in SIZES})

_CGROUP = Path("/sys/fs/cgroup")


def fits_here(engine: str, options: Mapping[str, str]) -> None:
    """Refuse a load that would fail for want of memory. Asks the driver: a few ms.

    Raises:
        EngineUnavailable: says how much is missing.
    """
    if engine not in _ON_A_GPU:
        return
    device = options.get("device", "auto")
    gpus = () if device == "cpu" else gpu_status().gpus
    if gpu := gpu_meant(device, gpus):
        logger.debug("GPU {} has {} free", gpu.index, in_gib(gpu.memory_free_bytes))
        check_fits(engine, options, gpu.memory_free_bytes)
    elif device in ("auto", "cpu"):
        check_fits(engine, options, free_memory_bytes(), is_on_gpu=False)
    # Else a GPU was asked for that isn't seen: the engine itself says so, and better.


def gpu_meant(device: str, gpus: "list[Gpu] | tuple[Gpu, ...]") -> Gpu | None:
    """The GPU of option `device`; None where it is not there."""
    _, _, index = device.partition(":")
    wanted = int(index) if index.isdecimal() else 0
    return next((gpu for gpu in gpus if gpu.index == wanted), None)


def free_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """What this process may still take: of the machine, and of a container that has a limit."""
    free = psutil.virtual_memory().available
    try:
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return min(free, max(int(limit) - used, 0)) if limit.isdecimal() else free
