"""A conversation on the whole server, as it is started: its settings, its ear, its carrier."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.simulation.caller import Clip
from bot.simulation.loopback import loopback
from bot.simulation.simulated_calls import PlannedCall
from telephony.simulator.script import Speak, StayOnLine, Step, WaitForPrompt
from tests.calls.conftest import YES
from tests.calls.short_flow import answers, take
from tests.converse_flow import NAME, YAML
from tests.llm_peer import calls, llm_peer, says

pytestmark = pytest.mark.asyncio(loop_scope="session")

RETURNS = "# Returns\n\nAnything that was bought can be returned within 14 days.\n"


def says_twice(clip: Clip) -> tuple[Step, ...]:
    once = (
        WaitForPrompt(quiet_ms=900, timeout_ms=60_000),
        Speak(clip.pcm, clip.sample_rate_hz, clip.text),
    )
    return (*once, *once, StayOnLine(timeout_ms=60_000))


async def test_a_model_looks_something_up_says_it_and_brings_a_person_on_the_line(
    tmp_path: Path, voices: Mapping[str, Clip]
) -> None:
    for name, file, text in (("flows", "shop.yaml", YAML), ("shop", "returns.md", RETURNS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text, encoding="utf-8")
    turns = [
        calls("look_up", query="how long can it be returned"),
        says("You can return it within 14 days [1]. Shall I bring you a colleague?"),
        calls("talk_to_person"),
    ] * 2  # a call is placed once more where the machine stood still
    async with llm_peer(*turns) as peer:
        endpoint = {"peer": {"base_url": peer.base_url, "model": "scripted"}}
        settings = {
            "CALLWRIGHT_FLOWS_DIR": str(tmp_path / "flows"),
            "CALLWRIGHT_LLM__ENDPOINTS": json.dumps(endpoint),
            "CALLWRIGHT_LLM__KNOWLEDGE": json.dumps({"shop": str(tmp_path / "shop")}),
        }
        plan = PlannedCall(
            label="shop",
            party=answers(*says_twice(voices[YES])),
            flow=NAME,
            language="en",
            carrier="twilio",
            variables={},
            disposition="transferred",
            outcome={},
        )
        async with loopback(tmp_path / "data", settings) as line:
            call = await take(line, plan)
        assert call.problems == ()
        assert call.result is not None
        assert call.result.transferred_to
        said = [turn["text"] for turn in call.record["turns"] if turn["who"] == "bot"]
        assert "within 14 days" in " ".join(said)
        assert not any("[1]" in text for text in said)
        kinds = [event["kind"] for event in call.record["events"]]
        assert {"reply", "tool", "cited"} <= set(kinds)
        heard = peer.asked[0].messages[-1]
        assert heard["role"] == "user"
        assert "agree" in heard["content"].lower()
        assert "14 days" in str(peer.asked[1].messages[-1]["content"])
