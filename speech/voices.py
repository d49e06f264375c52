"""The voice catalogue: from a voice's name to the engine that has it, and how it is asked for.

A name is one of
    professional            a preset: means something to each engine, so any of them may speak
    espeak/en-gb+f3         a voice of one engine (by its name, or the settings' name for it)
    en-gb+f3                the same, where the engines at hand leave no doubt
    custom:ID, agent:ID     a voice that one engine learned
and nothing at all: the engine's own choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from speech.agent_voices import AgentVoices
from speech.cache import VoiceLease
from speech.consent import Consent
from speech.custom_voices import CustomVoices, lists
from speech.errors import VoiceUnknown
from speech.learned_voice import AGENT, CUSTOM, LearnedVoice
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer
from speech.voice_presets import OTHER_LANGUAGES, Preset, Presets

Engines = Mapping[str, Synthesizer]
"""In their order: the settings' name for each, and the engine."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """An engine, and what to ask it for."""

    member: str  # the settings' name for the engine
    voice: str | None  # the engine's name of it; None: its own choice
    rate: float = 1.0
    pitch_semitones: float = 0.0
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class _Own:
    """A voice as its engine calls it; None: its own choice."""

    name: str | None


_OTHERS = _Own("")
"""A voice of another engine."""

_MOST_NAMES = 10_000


class VoiceShelf:
    """All voices of a process."""

    def __init__(
        self,
        presets: Presets,
        *,
        custom: CustomVoices | None = None,
        agents: AgentVoices | None = None,
    ) -> None:
        """`custom` and `agents` None: such voices are no affair of this process.

        An engine that lists one all the same (a speech server that keeps them) is trusted with it,
        and what it says in it is not kept.
        """
        self._presets = presets
        self._custom = custom
        self._agents = agents
        # An engine lists up to a thousand voices, and is asked for one at each piece of a text.
        self._fitting: dict[tuple[str, str, str, str], _Own | Preset] = {}

    @property
    def presets(self) -> Presets:
        """Callwright's, and the user's."""
        return self._presets

    async def resolve(
        self, name: str | None, language: str, engines: Engines
    ) -> tuple[VoiceChoice, ...]:
        """Who speaks `language` as `name`, in the order in which to try them; at least one.

        A voice that is one engine's has one choice. Ask at each call's start, and for a custom
        voice again from time to time: it may have been revoked.

        Raises:
            VoiceUnknown: nobody does; says what there is.
            ConsentInvalid: the speaker's consent is over.
            EngineFailed: the engine does not take the voice that it learned.
        """
        asked = SpeechRequest("", language, name or None)
        speaking = {n: engine for n, engine in engines.items() if language in engine.languages}
        if name and name.startswith((CUSTOM, AGENT)):
            await self.ready(name, speaking)
        first: list[VoiceChoice] = []
        others: list[VoiceChoice] = []
        for member, engine in speaking.items():
            fitted = self.fit(asked, member, engine)
            if fitted is None:
                continue
            is_bare = name is not None and fitted.voice == name and name not in self._presets.names
            choice = VoiceChoice(
                member, fitted.voice, fitted.rate, fitted.pitch_semitones, fitted.emotion
            )
            (first if is_bare else others).append(choice)
        knows_it = first or not name or name in self._presets.names or "/" in name
        if not knows_it or not (first or others):
            raise VoiceUnknown(self._unknown(name or "", language, engines))
        return (*first, *(() if first else others))

    def fit(self, request: SpeechRequest, member: str, engine: Synthesizer) -> SpeechRequest | None:
        """A request whose voice is a name of ours, in the words of one engine.

        None: another engine's voice, or one that is over: this engine must not say it. A preset
        that says nothing of an engine, and a voice that it doesn't have, leave it its own choice.
        """
        name = request.voice
        if not name:
            return request
        if name.startswith((CUSTOM, AGENT)):
            return request if self._is_ready(name, engine) else None
        key = (name, request.language, member, engine.version)
        voice = self._fitting.get(key)
        if voice is None:
            voice = self._voice(name, request.language, member, engine)
            if engine.voices and len(self._fitting) < _MOST_NAMES:  # none: it has not started
                self._fitting[key] = voice
        if isinstance(voice, Preset):
            return voice.applied(request, voice=voice.voice)
        return None if voice is _OTHERS else replace(request, voice=voice.name)

    def _voice(self, name: str, language: str, member: str, engine: Synthesizer) -> _Own | Preset:
        """What `name` means to one engine."""
        owner, slash, own = name.partition("/")
        listed = {voice.name for voice in engine.voices}
        if slash and name not in listed:
            is_its = owner in (member, engine.name) and (not listed or own in listed)
            return _Own(own) if is_its else _OTHERS
        preset = self._preset(member, engine, language, name)
        if preset is None and name in listed:  # a speech server has presets of its own
            return _Own(name)
        if name not in self._presets.names:
            return _Own(None)
        preset = preset or Preset()
        has_it = not listed or preset.voice in listed
        return preset if has_it else preset.model_copy(update={"voice": None})

    async def ready(self, name: str, engines: Engines) -> None:
        """See that the engine which learned a custom or an agent's voice can speak in it.

        Raises:
            VoiceUnknown: there is no such voice, or its engine is not among these.
            ConsentInvalid: the speaker's consent is over.
            EngineFailed: the engine does not take what it learned.
        """
        shelf = self._shelf(name)
        if shelf is None:
            if any(lists(engine, name) for engine in engines.values()):
                return
            raise VoiceUnknown(f"there is no voice {name}: voices of that kind are not kept here")
        wanted = await shelf.engine_of(name)
        for engine in engines.values():
            if engine.name == wanted:
                await shelf.ready(name, engine)
                return
        there = ", ".join(engine.name for engine in engines.values()) or "none"
        raise VoiceUnknown(f"{name} needs the engine {wanted}; here are: {there}")

    async def add_custom(
        self,
        engine: Synthesizer,
        reference: Pcm,
        sample_rate_hz: int,
        consent: Consent,
        *,
        language: str = "en",
    ) -> LearnedVoice:
        """Make a custom voice: see `CustomVoices.add`, which says what is raised, too."""
        if self._custom is None:
            raise VoiceUnknown("no custom voices are taken here")
        return await self._custom.add(engine, reference, sample_rate_hz, consent, language=language)

    async def revoke(self, name: str) -> None:
        """End a custom voice; one that isn't there is no error."""
        if self._custom is not None:
            await self._custom.revoke(name)

    def lease(self, voice: str) -> VoiceLease:
        """How long may be spoken in an engine's voice: for `SpeechCache`.

        Raises:
            VoiceUnknown, ConsentInvalid: not any more.
        """
        if not voice.startswith((CUSTOM, AGENT)):
            return VoiceLease()
        shelf = self._shelf(voice)
        return VoiceLease(remaining_s=0.0) if shelf is None else shelf.lease(voice)

    def faults(self, engines: Engines) -> list[str]:
        """A line for each preset whose voice its engine does not have, for whoever starts."""
        found: list[str] = []
        for member, engine in engines.items():
            listed = {voice.name for voice in engine.voices}
            for owner, language, name, preset in self._presets.all():
                if owner not in (member, engine.name):
                    continue
                if language not in (*engine.languages, OTHER_LANGUAGES):
                    continue
                if listed and preset.voice is not None and preset.voice not in listed:
                    where = "every language" if language == OTHER_LANGUAGES else language
                    found.append(
                        f"the voice {name} of {member} for {where}: {engine.name} has no "
                        f"{preset.voice!r}, so it speaks in its own choice"
                    )
        return found

    def _preset(self, member: str, engine: Synthesizer, language: str, name: str) -> Preset | None:
        return self._presets.get(member, language, name) or self._presets.get(
            engine.name, language, name
        )

    def _is_ready(self, name: str, engine: Synthesizer) -> bool:
        shelf = self._shelf(name)
        return lists(engine, name) if shelf is None else shelf.is_ready(name, engine)

    def _shelf(self, name: str) -> AgentVoices | CustomVoices | None:
        return self._custom if name.startswith(CUSTOM) else self._agents

    def _unknown(self, name: str, language: str, engines: Engines) -> str:
        if not any(language in engine.languages for engine in engines.values()):
            return f"no engine speaks {language} here, as {name!r} or otherwise"
        presets = ", ".join(sorted(self._presets.names))
        voices = ", ".join(
            f"{member}/{voice.name}"
            for member, engine in engines.items()
            for voice in engine.voices
            if voice.language == language
        )
        return (
            f"there is no voice {name!r} for {language}; there are the presets {presets} and "
            f"the voices {voices or 'that the engines choose'}"
        )
