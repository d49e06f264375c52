"""What NVIDIA's driver says of its GPUs, through NVML."""

import importlib
from typing import Any, cast

from pydantic import BaseModel


class GpuProcess(BaseModel):
    """A process that holds memory of a GPU."""

    pid: int
    used_bytes: int | None


class Gpu(BaseModel):
    """One GPU."""

    index: int
    name: str
    memory_total_bytes: int
    memory_used_bytes: int
    memory_free_bytes: int
    busy_percent: int | None
    temperature_c: int | None
    processes: list[GpuProcess]


class GpuStatus(BaseModel):
    """All GPUs of this machine, or why none is known."""

    gpus: list[Gpu]
    message: str


def gpu_status() -> GpuStatus:
    """Ask the driver; takes some ms, so ask in a thread."""
    try:
        nvml = cast(Any, importlib.import_module("pynvml"))
    except ImportError:
        return GpuStatus(
            gpus=[], message="unknown: nvidia-ml-py is missing; run `pip install nvidia-ml-py`"
        )
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return GpuStatus(gpus=[], message=f"no GPU: {error}")
    try:
        gpus = [_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError as error:
        return GpuStatus(gpus=[], message=f"the driver does not answer: {error}")
    finally:
        nvml.nvmlShutdown()
    return GpuStatus(gpus=gpus, message=f"{len(gpus)} GPU" + "s" * (len(gpus) != 1))


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    name = nvml.nvmlDeviceGetName(handle)
    return Gpu(
        index=index,
        name=name.decode() if isinstance(name, bytes) else str(name),
        memory_total_bytes=int(memory.total),
        memory_used_bytes=int(memory.used),
        memory_free_bytes=int(memory.free),
        busy_percent=_maybe(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
        temperature_c=_maybe(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, 0)),
        processes=_maybe(
            nvml,
            lambda: [
                GpuProcess(pid=p.pid, used_bytes=p.usedGpuMemory)
                for p in nvml.nvmlDeviceGetComputeRunningProcesses(handle)
            ],
        )
        or [],
    )


def _maybe(nvml: Any, ask: Any) -> Any:
    """What not every GPU tells."""
    try:
        return ask()
    except nvml.NVMLError:
        return None
