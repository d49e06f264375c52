"""What keeps the server from starting, before anybody calls."""

import json
from pathlib import Path

import pytest

from bot.errors import StartFailed
from bot.services import open_services
from bot.settings import load_settings
from bot.urls import Urls
from tests.calls import short_flow


async def test_a_number_whose_flow_could_not_say_its_values_to_the_end_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = short_flow.YAML.replace("max_length: 600", "max_length: 2000")
    (tmp_path / "short.yaml").write_text(flow, encoding="utf-8")
    monkeypatch.setenv("CALLWRIGHT_FLOWS_DIR", str(tmp_path))
    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CALLWRIGHT_NUMBERS", json.dumps({"+918047490001": {"flow": "short"}}))
    given = {"short": {"opening": "x" * 1999}}
    monkeypatch.setenv("CALLWRIGHT_FLOW_VARIABLES", json.dumps(given))
    with pytest.raises(StartFailed, match=r"opening.*at most 2000.*CALLWRIGHT_FLOW_VARIABLES"):
        async with open_services(load_settings(env_file=None), Urls("http://localhost")):
            pass
