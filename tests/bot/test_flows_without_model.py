"""Flows with conversations where no language model is set, or not all that they look up."""

from pathlib import Path
from typing import Any

import pytest

from bot.errors import StartFailed
from bot.flow_settings import usable_flows, warnings_of
from bot.settings import load_settings
from tests.converse_flow import YAML

ENDPOINT = {"endpoints": {"vllm": {"base_url": "http://127.0.0.1:9/v1", "model": "m"}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path


def warned(folder: Path, **given: Any) -> list[str]:
    settings = load_settings(env_file=None, flows_dir=folder, **given)
    return list(warnings_of(settings, usable_flows(settings)))


def test_a_flow_says_at_the_start_that_it_has_no_model(folder: Path) -> None:
    (told,) = (each for each in warned(folder) if "flow shop" in each)
    assert 'node "help" leads straight to "no_model"; set CALLWRIGHT_LLM__ENDPOINTS' in told


def test_a_shipped_flow_that_answers_nothing_says_nothing(folder: Path) -> None:
    default = {"default_flow": "vendor_confirmation"}
    assert not any("customer_support" in each for each in warned(folder, **default))


def test_with_a_model_and_its_knowledge_there_is_nothing_to_say(folder: Path) -> None:
    assert warned(folder, llm={**ENDPOINT, "knowledge": {"shop": folder}}) == []


def test_knowledge_that_is_not_there_keeps_the_server_from_starting(folder: Path) -> None:
    settings = load_settings(env_file=None, flows_dir=folder, llm=ENDPOINT)
    with pytest.raises(StartFailed) as refused:
        usable_flows(settings)
    assert 'node "help" looks things up in "shop"' in str(refused.value)
    assert "CALLWRIGHT_LLM__KNOWLEDGE" in str(refused.value)
