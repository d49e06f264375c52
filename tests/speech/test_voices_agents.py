"""Agents' voices: a package of voice training, or a clear word that there is none."""

import hashlib
import json
from pathlib import Path

import pytest

from speech.agent_voices import LEARNED, MANIFEST, AgentPackages
from speech.cache import SpeechCache
from speech.errors import ConsentInvalid, EngineFailed, VoiceUnknown
from speech.tts import SpeechRequest
from speech.voice_presets import Presets
from speech.voices import VoiceChoice, VoiceShelf
from tests.speech.parrot import CONSENT, Clock, Parrot

WEIGHTS = b"learned by training"


def package(folder: Path, agent: str = "A123", learned: bytes = WEIGHTS, **changes: object) -> Path:
    place = folder / agent
    place.mkdir(parents=True)
    (place / LEARNED).write_bytes(learned)
    manifest = {
        "format": 1,
        "id": agent,
        "engine": "parrot",
        "engine_version": "1",
        "language": "hi",
        "made_at": "2027-01-10T00:00:00Z",
        "learned_sha256": hashlib.sha256(learned).hexdigest(),
        "consent": {**CONSENT, "uses": ["calls", "training"]},
        **changes,
    }
    (place / MANIFEST).write_text(json.dumps(manifest))
    return place


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agents(tmp_path: Path, clock: Clock) -> AgentPackages:
    return AgentPackages(tmp_path / "agents", clock=clock)


async def test_a_package_is_spoken_by_the_engine_that_it_was_trained_for(
    tmp_path: Path, agents: AgentPackages
) -> None:
    package(tmp_path / "agents")
    parrot, crow = Parrot(), Parrot("crow")
    shelf = VoiceShelf(Presets({}), agents=agents)
    engines = {"crow": crow, "parrot": parrot}
    found = await shelf.resolve("agent:A123", "hi", engines)
    assert found == (VoiceChoice("parrot", "agent:A123"),)
    assert parrot.held == {"agent:A123": WEIGHTS}
    asked = SpeechRequest("hello", "hi", "agent:A123")
    assert shelf.fit(asked, "parrot", parrot) == asked
    assert shelf.fit(asked, "crow", crow) is None


async def test_what_an_agent_says_is_kept_until_the_consent_ends(
    tmp_path: Path, agents: AgentPackages, clock: Clock
) -> None:
    package(tmp_path / "agents")
    parrot = Parrot()
    await agents.ready("agent:A123", parrot)
    cache = SpeechCache(parrot, lease=agents.lease, clock=clock)
    prompt = SpeechRequest("hello", "hi", "agent:A123")
    assert await cache.prewarm([prompt], sample_rate_hz=8_000) == []
    clock.now_s += 30 * 86_400
    assert await cache.holds(prompt, sample_rate_hz=8_000)
    clock.now_s += 365 * 86_400
    with pytest.raises(ConsentInvalid, match="expired"):
        await cache.holds(prompt, sample_rate_hz=8_000)
    assert not agents.is_ready("agent:A123", parrot)
    with pytest.raises(ConsentInvalid):
        await agents.ready("agent:A123", parrot)


async def test_without_a_package_it_says_who_makes_one(
    tmp_path: Path, agents: AgentPackages
) -> None:
    with pytest.raises(VoiceUnknown, match=r"voice training has made no package .*agents/A123"):
        await agents.ready("agent:A123", Parrot())
    with pytest.raises(VoiceUnknown, match="not loaded"):
        agents.lease("agent:A123")
    package(tmp_path / "agents")
    await agents.ready("agent:A123", Parrot())  # training has finished meanwhile


@pytest.mark.parametrize("name", ["agent:", "agent:..", "agent:../x", "agent:a/b", "agent:a\0b"])
async def test_no_name_leads_out_of_the_folder(agents: AgentPackages, name: str) -> None:
    with pytest.raises(VoiceUnknown, match="names no agent"):
        await agents.ready(name, Parrot())


async def test_a_package_of_another_version_must_be_trained_again(
    tmp_path: Path, agents: AgentPackages
) -> None:
    package(tmp_path / "agents", engine_version="0")
    with pytest.raises(VoiceUnknown, match="trained for parrot 0, not for parrot 1"):
        await agents.ready("agent:A123", Parrot())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format"),
        ({"id": "B1"}, "agent 'B1': name the folder so"),
        ({"language": "Hindi"}, "language"),
        ({"learned_sha256": "0" * 64}, "is not what agent.json says"),
        ({"consent": {**CONSENT, "expires_at": None}}, "consent.expires_at"),
        ({"engine": ""}, "engine"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_broken_package_is_refused_by_its_field(
    tmp_path: Path, agents: AgentPackages, changes: dict[str, object], reason: str
) -> None:
    package(tmp_path / "agents", **changes)
    with pytest.raises(VoiceUnknown, match=reason):
        await agents.ready("agent:A123", Parrot())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b" " * 70_000])
async def test_what_is_no_manifest_is_refused(
    tmp_path: Path, agents: AgentPackages, content: bytes
) -> None:
    (package(tmp_path / "agents") / MANIFEST).write_bytes(content)
    with pytest.raises(VoiceUnknown, match=r"agent\.json"):
        await agents.ready("agent:A123", Parrot())


async def test_a_package_without_its_voice_is_refused(
    tmp_path: Path, agents: AgentPackages
) -> None:
    (package(tmp_path / "agents") / LEARNED).unlink()
    with pytest.raises(VoiceUnknown, match="can't be read"):
        await agents.ready("agent:A123", Parrot())


async def test_what_the_engine_does_not_take_is_told(tmp_path: Path, agents: AgentPackages) -> None:
    package(tmp_path / "agents", learned=b"something else")
    with pytest.raises(EngineFailed, match="no voice"):
        await agents.ready("agent:A123", Parrot())
