"""Smart Turn, on the weights of Pipecat's wheel: shapes, sharing and refusals, not taste."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest

from speech.end_of_turn import SmartTurn
from speech.errors import EngineBusy, EngineUnavailable
from speech.pool import EnginePool, Priority

RATE_HZ = 8_000


def hum(seconds: float) -> np.ndarray:
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * 180 * at)).astype(np.int16)


@pytest.mark.parametrize("seconds", [0.1, 2.0, 12.0])
async def test_audio_of_any_length_gets_a_probability(seconds: float) -> None:
    async with EnginePool(2) as pool:
        assert (
            0.0
            <= await SmartTurn(pool, deadline_s=60.0).finished(hum(seconds), sample_rate_hz=RATE_HZ)
            <= 1.0
        )


async def test_only_the_last_eight_seconds_count() -> None:
    async with EnginePool(2) as pool:
        model = SmartTurn(pool, deadline_s=60.0)
        long = await model.finished(hum(9.0), sample_rate_hz=RATE_HZ)
        assert long == await model.finished(hum(9.0)[-8 * RATE_HZ :], sample_rate_hz=RATE_HZ)


async def test_it_is_not_asked_while_other_work_waits() -> None:
    go_on = threading.Event()
    async with EnginePool(1) as pool:
        jobs = [pool.submit(go_on.wait, 30, priority=Priority.FINAL) for _ in range(2)]
        with pytest.raises(EngineBusy):
            await SmartTurn(pool, deadline_s=60.0).finished(hum(1.0), sample_rate_hz=RATE_HZ)
        go_on.set()
        await asyncio.gather(*jobs)


async def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    async with EnginePool(1) as pool:
        model = SmartTurn(pool, path=tmp_path / "none.onnx")
        with pytest.raises(EngineUnavailable, match="pip install"):
            await model.finished(hum(1.0), sample_rate_hz=RATE_HZ)
