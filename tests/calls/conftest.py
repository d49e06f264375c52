"""A real server in a process of its own, one for all tests of a worker, and voices."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from bot.simulation.caller import Clip
from bot.simulation.loopback import Loopback, loopback
from bot.simulation.vendor_voices import clips
from bot.simulation.vendors import VENDORS, texts
from speech.registry import make_synthesizer
from tests.calls import short_flow
from tests.calls.raw_telephone import PATIENT_NUMBER

API_TOKEN = "only-for-these-tests-5d1f"
OUTCOME_SECRET = "signs-what-these-tests-are-told"
VOICE = "en-us+m3"
YES, NO = "yes, I agree", "no, I don't want it"


@pytest.fixture(scope="session")
def flows_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the short flow and the patient one."""
    folder = tmp_path_factory.mktemp("flows")
    (folder / "short.yaml").write_text(short_flow.YAML, encoding="utf-8")
    (folder / "patient.yaml").write_text(short_flow.PATIENT, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of `line`."""
    return tmp_path_factory.mktemp("data")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def line(flows_dir: Path, data_dir: Path) -> AsyncIterator[Loopback]:
    """The server with its simulated carriers. Tests share it: each uses numbers of its own."""
    settings = {
        "CALLWRIGHT_FLOWS_DIR": str(flows_dir),
        "CALLWRIGHT_MAX_CALLS": "60",
        "CALLWRIGHT_API_TOKEN": API_TOKEN,
        "CALLWRIGHT_BUSINESS__OUTCOME_SECRET": OUTCOME_SECRET,
        "CALLWRIGHT_DEFAULT_FLOW": "short",
        "CALLWRIGHT_NUMBERS": f'{{"{PATIENT_NUMBER}": {{"flow": "patient"}}}}',
    }
    async with loopback(data_dir, settings) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def voices() -> Mapping[str, Clip]:
    """What people say in these tests, in an espeak voice."""
    said = {YES, NO, *(text for vendor in VENDORS.values() for text in texts(vendor, speaks=True))}
    engine = make_synthesizer("espeak")
    await engine.start()
    try:
        return await clips(engine, said, voice=VOICE)
    finally:
        await engine.close()
