"""Models and knowledge as the settings name them: opened, closed, and looked at by the doctor."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.doctor.machine import State
from bot.doctor.models import examine_models
from bot.errors import StartFailed
from bot.llm.opening import open_knowledge_bases, open_model, open_understanding
from bot.settings import Settings, load_settings
from tests.llm_peer import HttpError, LlmPeer, llm_peer, says
from tests.llm_replies import end_of, replied, text_of


@pytest.fixture(name="peer")
async def _peer() -> AsyncIterator[LlmPeer]:
    async with llm_peer() as peer:
        yield peer


def settings(tmp_path: Path, **llm: Any) -> Settings:
    return load_settings(env_file=None, data_dir=tmp_path / "data", llm=llm)


def endpoint(peer: LlmPeer, **more: Any) -> dict[str, Any]:
    return {"base_url": peer.base_url, "model": "scripted-7b", **more}


async def test_the_endpoints_of_the_settings_reply_in_their_order(
    peer: LlmPeer, tmp_path: Path
) -> None:
    async with llm_peer([HttpError(500)]) as first, AsyncExitStack() as stack:
        key = "sk-of-this-endpoint"
        named = {"second": endpoint(peer, api_key=key), "first": endpoint(first)}
        chosen = settings(tmp_path, endpoints=named, order="first", temperature=0.9)
        model = open_model(chosen.llm, stack)
        assert model is not None
        assert model.names == ("first", "second")
        peer.turns.append(says("Hello."))
        pieces = await replied(model)
        assert (text_of(pieces), end_of(pieces).endpoint) == ("Hello.", "second")
        assert peer.asked[0].headers["Authorization"] == f"Bearer {key}"
        assert peer.asked[0].body["temperature"] == 0.9
        assert key not in str(first.asked[0].headers)


async def test_without_an_endpoint_there_is_neither_model_nor_help(tmp_path: Path) -> None:
    chosen = settings(tmp_path).llm
    async with AsyncExitStack() as stack:
        assert open_model(chosen, stack) is None
    assert open_understanding(chosen, None) is None


async def test_menus_are_helped_only_where_that_is_wanted(peer: LlmPeer, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        for wanted in (False, True):
            chosen = settings(tmp_path, endpoints={"a": endpoint(peer)}, understands=wanted).llm
            model = open_model(chosen, stack)
            assert (open_understanding(chosen, model) is not None) == wanted


async def test_knowledge_is_opened_by_name_and_a_missing_folder_stops_the_start(
    peer: LlmPeer, tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.md").write_text("Tea is thirty rupees.")
    meaning = {"base_url": peer.base_url, "model": "e", "passage_prefix": "passage:"}
    folders = {"shop": tmp_path / "shop"}
    async with AsyncExitStack() as stack:
        chosen = settings(tmp_path, knowledge=folders, embeddings=meaning)
        bases = await open_knowledge_bases(chosen, stack)
        assert [each.text for each in await bases["shop"].search("tea")]
        assert peer.embedded == [["passage: Tea is thirty rupees."], ["tea"]]
        gone = settings(tmp_path, knowledge={"shop": tmp_path / "gone"}, embeddings=meaning)
        with pytest.raises(StartFailed, match=r"CALLWRIGHT_LLM__KNOWLEDGE__SHOP: .*gone"):
            await open_knowledge_bases(gone, stack)


async def test_the_doctor_asks_each_endpoint_for_its_models_and_shows_no_key(
    peer: LlmPeer, tmp_path: Path
) -> None:
    async with llm_peer() as gone:
        pass
    named = {
        "good": endpoint(peer, api_key="sk-canary"),
        "other": endpoint(peer, model="gpt-99"),
        "gone": endpoint(gone),
        "wrong": endpoint(peer, base_url=peer.base_url + "/v2"),
    }
    checks = await examine_models(settings(tmp_path, endpoints=named))
    assert [check.state for check in checks] == [State.OK, *[State.BROKEN] * 3]
    assert "does not list gpt-99; it has scripted-7b" in checks[1].detail
    assert "HTTP 404" in checks[3].detail
    assert "canary" not in str(checks)


async def test_the_doctor_reads_the_folders(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.md").write_text("Tea is thirty rupees.")
    (tmp_path / "shop" / "b.pdf").write_text("no PDF")
    (tmp_path / "empty").mkdir()
    folders = {name: tmp_path / name for name in ("shop", "empty", "gone")}
    checks = await examine_models(settings(tmp_path, knowledge=folders))
    assert [(check.name, check.state) for check in checks] == [
        ("knowledge shop", State.OK),
        ("knowledge shop", State.OPTIONAL),
        ("knowledge empty", State.BROKEN),
        ("knowledge gone", State.BROKEN),
    ]
    assert checks[0].detail == "1 passages of 1 documents"


async def test_nothing_is_looked_at_where_nothing_is_set(tmp_path: Path) -> None:
    assert await examine_models(settings(tmp_path)) == ()
