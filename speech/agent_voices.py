"""Agent voices: `agent:ID`, the voice that voice training made of an agent's recorded calls.

A package is a folder, `FOLDER/ID`, that training writes and nobody changes afterwards:

    agent.json           what it is: the fields of `AgentManifest`
    voice.safetensors    what the engine learned, as its `VoiceCloner.learn` gives it

Training writes the folder beside its place and renames it, so that it is there whole or not at all.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from speech.cache import VoiceLease
from speech.consent import Consent
from speech.custom_voices import cloner_of, lists
from speech.errors import ConsentInvalid, VoiceUnknown
from speech.learned_voice import AGENT, LearnedVoice
from speech.tts import Synthesizer, VoiceCloner

MANIFEST, LEARNED = "agent.json", "voice.safetensors"

_IS_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MANIFEST_BYTES = 64 << 10
_LEARNED_BYTES = 64 << 20  # XTTS' latents have 130 kB, the largest of the other engines' 5 MB


class AgentManifest(BaseModel):
    """`agent.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1]
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    engine: str = Field(min_length=1, description="the engine that learned it")
    engine_version: str = Field(min_length=1)
    language: str = Field(pattern=r"^[a-z]{2,3}$", description="what the agent speaks, ISO 639-1")
    made_at: AwareDatetime
    learned_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of voice.safetensors")
    consent: Consent = Field(description="the agent's, for training and for calls")


class AgentVoices(Protocol):
    """Where agents' voices come from."""

    async def engine_of(self, name: str) -> str:
        """The engine that learned the voice `name`. Raises VoiceUnknown, ConsentInvalid."""
        ...

    async def ready(self, name: str, engine: Synthesizer) -> LearnedVoice:
        """See that `engine` can speak as `name`. Raises VoiceUnknown, ConsentInvalid,
        EngineFailed."""
        ...

    def is_ready(self, name: str, engine: Synthesizer) -> bool:
        """Whether `engine` may and can speak as `name` now."""
        ...

    def lease(self, name: str) -> VoiceLease:
        """How long may be spoken as `name`. Raises VoiceUnknown, ConsentInvalid."""
        ...


class AgentPackages:
    """Implements `AgentVoices` over a folder of packages."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """`folder`: "artifacts/agents" of voice training; it need not be there yet.

        `clock` tells the Unix time in s.
        """
        self._folder = folder
        self._clock = clock
        self._loaded: dict[str, LearnedVoice] = {}
        self._holders: dict[str, VoiceCloner] = {}

    async def engine_of(self, name: str) -> str:
        """As `AgentVoices`."""
        return (await self._load(name)).engine

    async def ready(self, name: str, engine: Synthesizer) -> LearnedVoice:
        """As `AgentVoices`. A package is read once; what is changed in it is not looked at."""
        voice = await self._load(name)
        if not voice.suits(engine):
            raise VoiceUnknown(
                f"{name} was trained for {voice.engine} {voice.engine_version}, not for "
                f"{engine.name} {engine.version}; train it again"
            )
        cloner = cloner_of(engine)
        if self._holders.get(name) is not cloner or not lists(engine, name):
            cloner.hold(voice.voice, voice.learned)
            self._holders[name] = cloner
        return voice

    def is_ready(self, name: str, engine: Synthesizer) -> bool:
        """As `AgentVoices`."""
        try:
            self.lease(name)
        except (VoiceUnknown, ConsentInvalid):
            return False
        return cast(Any, self._holders.get(name)) is engine

    def lease(self, name: str) -> VoiceLease:
        """As `AgentVoices`."""
        voice = self._loaded.get(name)
        if voice is None:
            raise VoiceUnknown(f"the voice {name} is not loaded")
        voice.check(now_s=self._clock())
        return voice.lease(now_s=self._clock())

    async def _load(self, name: str) -> LearnedVoice:
        if name not in self._loaded:
            self._loaded[name] = await asyncio.to_thread(self._read, name)
        voice = self._loaded[name]
        voice.check(now_s=self._clock())
        return voice

    def _read(self, name: str) -> LearnedVoice:
        agent = name.removeprefix(AGENT)
        if not _IS_ID.fullmatch(agent):
            raise VoiceUnknown(
                f"{name!r} names no agent: letters, digits, '-' and '_' follow {AGENT!r}"
            )
        package = self._folder / agent
        if not package.is_dir():
            raise VoiceUnknown(
                f"there is no voice {name}: voice training has made no package {package}"
            )
        manifest = _manifest(package, agent)
        learned = _bytes(package / LEARNED, _LEARNED_BYTES)
        found = hashlib.sha256(learned).hexdigest()
        if found != manifest.learned_sha256:
            raise VoiceUnknown(
                f"{package / LEARNED} is not what {MANIFEST} says (SHA-256 {found[:12]}...): "
                "copy the package again"
            )
        return LearnedVoice(
            name=f"{AGENT}{agent}",
            engine=manifest.engine,
            engine_version=manifest.engine_version,
            language=manifest.language,
            consent=manifest.consent,
            generation=found[:16],
            until_s=None,
        ).model_copy(update={"learned": learned})


def _manifest(package: Path, agent: str) -> AgentManifest:
    path = package / MANIFEST
    try:
        manifest = AgentManifest.model_validate_json(_bytes(path, _MANIFEST_BYTES))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'JSON'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise VoiceUnknown(f"{path} is no package's: {faults}") from None
    if manifest.id != agent:
        raise VoiceUnknown(f"{path} is that of agent {manifest.id!r}: name the folder so")
    return manifest


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise VoiceUnknown(f"{path} can't be read ({error.strerror})") from error
    if len(content) > most:
        raise VoiceUnknown(f"{path} is larger than {most} bytes: it is no package's")
    return content
