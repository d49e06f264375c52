"""`elevenlabs` speaks: Pipecat's ElevenLabs service over its websocket, with a key of ElevenLabs.

It needs no package that the core lacks. Its voices are those of the account, by their ids, or by
names that the settings give them: a voice that is named as a preset speaks as that preset.
"""

import re
from typing import Any

import httpx
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from processors.pipecat_mouth import Kind, PipecatSynthesizer
from processors.service_line import ServiceLine
from speech.engines.option_lists import Languages, Names
from speech.errors import EngineUnavailable, OptionInvalid
from speech.options import EngineOptions
from speech.tts import Expression, Voice

RATE_HZ = 16_000
"""Of its audio: a telephone carries half of that, and more costs bandwidth."""

_VOICE = re.compile(r"[A-Za-z0-9]+(:[a-z]{2,3})?(=[A-Za-z][\w-]{0,39})?")

_RATES = (0.7, 1.2)
"""What ElevenLabs takes as `speed`."""


class ElevenLabsOptions(EngineOptions):
    """What can be set for `elevenlabs`."""

    api_key: SecretStr = Field(default=SecretStr(""), description="ElevenLabs' key; needed")
    model: str = Field(
        default="eleven_flash_v2_5",
        pattern=r"^[\w.-]+$",
        description="eleven_flash_v2_5 speaks en and hi; for mr eleven_v3_conversational",
    )
    languages: Languages = ("en", "hi")
    voices: Names = Field(
        default=("21m00Tcm4TlvDq8ikWAM",),
        min_length=1,
        description="Ids of voices, with commas, the default first; ID:hi for one of one language, "
        "ID=friendly or ID:hi=friendly for one with a name",
    )
    base_url: str = Field(
        default="wss://api.elevenlabs.io", description="Of its websocket; wss://api.eu... in Europe"
    )
    connect_s: float = Field(default=2.0, gt=0, le=30, description="How long a connection may take")
    first_chunk_s: float = Field(
        default=4.0, gt=0, le=60, description="How long the first sound may take then"
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long the sound may pause before it is given up"
    )
    stability: float | None = Field(default=None, ge=0, le=1, description="0..1, ElevenLabs' own")
    similarity_boost: float | None = Field(default=None, ge=0, le=1, description="0..1")

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, given: str) -> str:
        if not given.startswith(("ws://", "wss://")):
            raise ValueError("must begin with wss:// or ws://")
        return given.rstrip("/")

    @field_validator("voices")
    @classmethod
    def _every_language_has_one(cls, given: tuple[str, ...], info: ValidationInfo) -> object:
        if not all(_VOICE.fullmatch(voice) for voice in given):
            raise ValueError(
                "ids have letters and digits only, then perhaps :hi, then perhaps =name"
            )
        ofs = [_parts(voice)[1] for voice in given]
        for language in info.data.get("languages", ()):
            if "" not in ofs and language not in ofs:
                raise ValueError(f"there is none for {language!r}, which is in option languages")
        return given


class ElevenLabsSynthesizer(PipecatSynthesizer):
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: ElevenLabsOptions) -> None:
        """Set up; nothing is connected.

        Raises:
            OptionInvalid: there is no key, or the model doesn't know a language.
        """
        if not options.api_key.get_secret_value():
            raise OptionInvalid("elevenlabs: option 'api_key' is needed: make one at elevenlabs.io")
        _check_languages(options)
        self._options = options

        def make(kind: Kind) -> ServiceLine:
            return ServiceLine(_service(options, kind), in_rate_hz=RATE_HZ, out_rate_hz=RATE_HZ)

        super().__init__(
            name="elevenlabs",
            version="-".join(
                (
                    f"{options.model}-{options.stability}-{options.similarity_boost}",
                    *_named(options),
                )
            ),
            languages=options.languages,
            voices=_voices(options),
            expression=Expression(rates=_RATES),
            sample_rate_hz=RATE_HZ,
            make=make,
            connect_s=options.connect_s,
            first_chunk_s=options.first_chunk_s,
            timeout_s=options.timeout_s,
            unreached=_unreached(options),
        )

    async def start(self) -> None:
        """See that the key is good, and connect once with the first voice.

        Raises:
            EngineUnavailable: the key is refused, or ElevenLabs can't be reached.
        """
        options = self._options
        url = "http" + options.base_url.removeprefix("ws") + "/v1/models"
        headers = {"xi-api-key": options.api_key.get_secret_value()}
        try:
            async with httpx.AsyncClient(timeout=options.connect_s) as client:
                answer = await client.get(url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EngineUnavailable(
                f"{url} can't be reached ({error or type(error).__name__}): {_unreached(options)}"
            ) from error
        if answer.status_code in (401, 403):
            raise EngineUnavailable(
                f"elevenlabs refuses the key ({answer.status_code}): set option api_key"
            )
        if answer.status_code != 200:
            raise EngineUnavailable(f"{url} answered {answer.status_code}: {_unreached(options)}")
        await super().start()


def _check_languages(options: ElevenLabsOptions) -> None:
    from pipecat.services.elevenlabs.tts import ELEVENLABS_MODEL_LANGUAGES

    known = ELEVENLABS_MODEL_LANGUAGES.get(options.model)
    for language in options.languages:
        if known is not None and language not in known:
            able = [model for model, ones in ELEVENLABS_MODEL_LANGUAGES.items() if language in ones]
            raise OptionInvalid(
                f"elevenlabs: option 'languages': {options.model} does not speak {language!r}; "
                f"option model may be {', '.join(sorted(able)) or 'none'}"
            )


def _service(options: ElevenLabsOptions, kind: Kind) -> Any:
    from pipecat.services.elevenlabs.tts import ElevenLabsTTSService

    return ElevenLabsTTSService(
        name="elevenlabs",
        api_key=options.api_key.get_secret_value(),
        url=options.base_url,
        sample_rate=RATE_HZ,
        settings=ElevenLabsTTSService.Settings(
            model=options.model,
            voice=_id_of(options, kind),
            language=kind.language,
            speed=None if kind.rate == 1.0 else kind.rate,
            stability=options.stability,
            similarity_boost=options.similarity_boost,
        ),
    )


def _voices(options: ElevenLabsOptions) -> tuple[Voice, ...]:
    voices: list[Voice] = []
    for written in options.voices:
        id_, language, name = _parts(written)
        spoken = (language,) if language else options.languages
        voices += [Voice(name or id_, one, f"{id_} of ElevenLabs") for one in spoken]
    return tuple(voices)


def _named(options: ElevenLabsOptions) -> list[str]:
    """Those with a name: it may stand for another id tomorrow, which sounds different."""
    return [written for written in options.voices if _parts(written)[2]]


def _id_of(options: ElevenLabsOptions, kind: Kind) -> str:
    for written in options.voices:
        id_, language, name = _parts(written)
        if (name or id_) == kind.voice and language in ("", kind.language):
            return id_
    return kind.voice


def _parts(written: str) -> tuple[str, str, str]:
    """Id, language and name; "" for what is not said."""
    rest, _, name = written.partition("=")
    id_, _, language = rest.partition(":")
    return id_, language, name


def _unreached(options: ElevenLabsOptions) -> str:
    is_own = "base_url" in options.model_fields_set
    return "is option base_url right?" if is_own else "can this machine reach it?"
