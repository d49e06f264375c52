"""Which memory an engine would be loaded into, and how much of it is free."""

from pathlib import Path

import psutil
import pytest

from speech.errors import EngineUnavailable
from speech.pool import EnginePool
from speech.server.free_memory import fits_here, free_memory_bytes, gpu_meant
from speech.server.gpu_status import Gpu
from speech.server.host import EngineHost
from speech.server.settings import EngineSpec

TB = 1 << 40


def gpu(index: int) -> Gpu:
    return Gpu(
        index=index,
        name="a card",
        memory_total_bytes=12 << 30,
        memory_used_bytes=0,
        memory_free_bytes=12 << 30,
        busy_percent=None,
        temperature_c=None,
        processes=[],
    )


@pytest.mark.parametrize(
    ("device", "index"), [("auto", 0), ("cuda", 0), ("cuda:0", 0), ("cuda:1", 1), ("cuda:2", None)]
)
def test_the_device_option_names_the_gpu(device: str, index: int | None) -> None:
    found = gpu_meant(device, [gpu(0), gpu(1)])
    assert (found.index if found else None) == index


def test_without_a_gpu_none_is_meant() -> None:
    assert gpu_meant("auto", ()) is None


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [("1000", "400", 600), ("1000", "2000", 0), ("max", "400", None), ("nonsense", "x", None)],
)
def test_a_containers_limit_counts_where_it_has_one(
    tmp_path: Path, limit: str, used: str, free: int | None
) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    if free is not None:
        assert free_memory_bytes(tmp_path) == free
    else:
        assert 0 < free_memory_bytes(tmp_path) <= psutil.virtual_memory().total


def test_without_a_container_the_machines_memory_counts(tmp_path: Path) -> None:
    assert 0 < free_memory_bytes(tmp_path / "none") <= psutil.virtual_memory().total


def a_folder_of_a_terabyte(folder: Path) -> dict[str, str]:
    with (folder / "model.onnx").open("wb") as file:
        file.truncate(TB)  # a hole: it takes no room
    return {"model": str(folder), "device": "cpu"}


def test_what_is_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"indic_conformer needs about .* GiB"):
        fits_here("kokoro", {"device": "cpu"}) or fits_here(
            "indic_conformer", a_folder_of_a_terabyte(tmp_path)
        )


async def test_the_server_refuses_it_before_it_is_loaded(tmp_path: Path) -> None:
    async with EnginePool(1) as pool:
        host = EngineHost(pool, fits=fits_here)
        spec = EngineSpec("ear", "indic_conformer", "hears", a_folder_of_a_terabyte(tmp_path))
        with pytest.raises(EngineUnavailable, match="too little"):
            await host.switch(spec)
        assert not host.states
        await host.close()


def test_engines_that_take_little_are_not_asked_about() -> None:
    for engine in ("espeak", "flite", "moonshine", "remote", "openai"):
        fits_here(engine, {"device": "cuda:9"})
