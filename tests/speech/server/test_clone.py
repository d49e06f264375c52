"""Custom voices over HTTP: made with a consent, listed, spoken in, and withdrawn."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from speech.errors import EngineFailed
from speech.server.customs_kept import custom_voices
from speech.server.settings import ServerSettings
from speech.stt import Pcm
from speech.tts import Voice
from tests.conftest import RedisPlace
from tests.speech.server.own_speech_server import (
    ScriptedEar,
    ScriptedMouth,
    own_speech_server,
    refusal,
    wav,
)

CLONE = "/v1/audio/clone"
RATE_HZ = 24_000


@dataclass
class CloningMouth(ScriptedMouth):
    """One that imitates voices: it learns how long the recording was."""

    held: dict[str, bytes] = field(default_factory=dict)

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        if not reference.any():
            raise EngineFailed("nothing in it")
        return str(len(reference) // sample_rate_hz).encode()

    def hold(self, voice: Voice, learned: bytes) -> None:
        self.held[voice.name] = learned

    def release(self, voice_name: str) -> None:
        self.held.pop(voice_name, None)


def speech_like(seconds: float) -> bytes:
    """A WAV of noise in syllables, which has the ups and downs of speech."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(7).normal(0, 3_000, len(time_s))
    syllables = np.sin(2 * np.pi * 3 * time_s) > -0.5
    return wav((noise * np.where(syllables, 1, 0.001)).astype(np.int16), RATE_HZ)


def consent(**changed: Any) -> str:
    now = datetime.now(UTC)
    record = {
        "speaker": "Asha Rao",
        "agreed_text": "I agree that my voice is imitated in calls of my restaurant.",
        "agreed_at": (now - timedelta(days=1)).isoformat(),
        "evidence_sha256": hashlib.sha256(b"signed").hexdigest(),
        "uses": ["calls"],
        "expires_at": (now + timedelta(days=30)).isoformat(),
    }
    return json.dumps({**record, **changed})


async def test_a_voice_is_made_listed_spoken_in_and_withdrawn() -> None:
    mouth = CloningMouth()
    async with own_speech_server(mouth=mouth) as server:
        made = await server.http.post(
            CLONE,
            files={"file": ("me.wav", speech_like(14.0))},
            data={"consent": consent(), "language": "en"},
        )
        assert made.status_code == 201, made.text
        name = made.json()["id"]
        assert name.startswith("custom:")
        assert mouth.held == {name: b"14"}
        listed = (await server.http.get("/v1/voices?language=en")).json()["data"]
        assert [voice["kind"] for voice in listed if voice["id"] == name] == ["custom"]
        spoken = {"input": "hello", "voice": name, "response_format": "pcm"}
        assert (await server.http.post("/v1/audio/speech", json=spoken)).status_code == 200
        assert mouth.requests[-1].voice == name
        assert (await server.http.delete(f"/v1/voices/{name}")).json()["deleted"] is True
        answer = await server.http.post("/v1/audio/speech", json=spoken)
        assert refusal(answer) == (400, "voice", "voice_unknown")
        assert mouth.held == {}


async def test_a_voice_made_by_one_server_is_spoken_in_by_another_with_the_same_redis(
    redis_place: RedisPlace,
) -> None:
    settings = ServerSettings(redis_url=redis_place.url)
    version = uuid4().hex  # the voice's name, and so its key, is this test's alone
    form = {"consent": consent(), "language": "en"}
    async with (
        custom_voices(settings, None) as here,
        custom_voices(settings, None) as there,
        own_speech_server(mouth=CloningMouth(version=version), customs=here) as maker,
        own_speech_server(mouth=CloningMouth(version=version), customs=there) as speaker,
        asyncio.timeout(60),  # of Redis is asked in 0.1 s, or again after a while
    ):
        spoken: dict[str, str] = {"input": "hello", "response_format": "pcm"}
        status, content = 0, speech_like(14.0)
        while status != 200:
            made = await maker.http.post(CLONE, files={"file": ("me.wav", content)}, data=form)
            assert made.status_code == 201, made.text
            spoken["voice"] = made.json()["id"]
            answer = await speaker.http.post("/v1/audio/speech", json=spoken)
            status = answer.status_code
            await asyncio.sleep(0.1)
        assert (await maker.http.delete(f"/v1/voices/{spoken['voice']}")).status_code == 200


async def test_two_who_send_the_same_recording_get_the_same_voice() -> None:
    async with own_speech_server(mouth=CloningMouth()) as server:
        content = speech_like(14.0)
        answers = await asyncio.gather(
            *(
                server.http.post(
                    CLONE,
                    files={"file": ("me.wav", content)},
                    data={"consent": consent(), "language": "en"},
                )
                for _ in range(2)
            )
        )
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("form", "seconds", "param", "code"),
    [
        ({"language": "en"}, 14, "consent", "missing"),
        ({"language": "en", "consent": "{"}, 14, "consent", "consent_invalid"),
        ({"language": "en", "consent": consent(uses=["training"])}, 14, "consent", None),
        ({"language": "en", "consent": consent(speaker="")}, 14, "consent", None),
        ({"consent": consent()}, 14, "language", "invalid_value"),
        ({"language": "en", "consent": consent()}, 4, "file", "reference_refused"),
        ({"language": "en", "consent": consent(), "model": "no"}, 14, "model", "model_not_found"),
        ({"language": "mr", "consent": consent()}, 14, "model", "no_cloning_engine"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(
    form: dict[str, str], seconds: float, param: str, code: str | None
) -> None:
    mouth = CloningMouth()
    async with own_speech_server(mouth=mouth) as server:
        answer = await server.http.post(
            CLONE, files={"file": ("me.wav", speech_like(seconds))}, data=form
        )
    status, named, found = refusal(answer)
    assert 400 <= status < 500
    assert named == param
    assert code in (None, found)
    assert mouth.held == {}


async def test_where_nothing_imitates_voices_it_is_said() -> None:
    async with own_speech_server(mouth=ScriptedMouth(), ear=ScriptedEar()) as server:
        answer = await server.http.post(
            CLONE,
            files={"file": ("me.wav", speech_like(14.0))},
            data={"consent": consent(), "language": "en"},
        )
        named = await server.http.post(
            CLONE,
            files={"file": ("me.wav", speech_like(14.0))},
            data={"consent": consent(), "language": "en", "model": "mouth"},
        )
        shipped = await server.http.delete("/v1/voices/low")
    assert refusal(answer)[1] == "model"
    assert refusal(named) == (400, "model", "no_cloning_engine")
    assert refusal(shipped)[:2] == (400, "name")


async def test_a_voice_that_is_not_there_can_not_be_withdrawn() -> None:
    async with own_speech_server(mouth=CloningMouth()) as server:
        answer = await server.http.delete("/v1/voices/custom:nobody")
    assert refusal(answer) == (404, "name", "voice_unknown")


async def test_voices_are_listed_by_model_and_language() -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        everything = (await server.http.get("/v1/voices")).json()["data"]
        hindi = (await server.http.get("/v1/voices?language=hi&model=mouth")).json()["data"]
        nothing = (await server.http.get("/v1/voices?model=nosuch")).json()["data"]
    assert [voice["name"] for voice in everything] == ["low", "nima"]
    assert [voice["name"] for voice in hindi] == ["nima"]
    assert nothing == []
