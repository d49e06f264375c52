"""What can be set for Whisper, with the defaults that follow from the device. Pure."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from speech.options import EngineOptions

ComputeType = Literal[
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]

ON_A_GPU, ON_A_CPU = "large-v3-turbo", "small"
"""The models that "auto" stands for. Turbo's encoder is large's: 6.8 s of two cores for 30 s of
sound, so a CPU gets small (1.6 s; with a short window 0.1 s)."""

_WANTED_TYPES = {
    "cuda": ("int8_float16", "int8_float32", "int8", "float32"),
    "cpu": ("int8", "int8_float32", "float32"),
}


class WhisperOptions(EngineOptions):
    """Every field has a default that makes calls work on a CPU and on a GPU."""

    model: str = Field(
        default="auto",
        min_length=1,
        description="auto, a name (base, medium.en, large-v3-turbo), a repository on the Hugging "
        "Face Hub, or the folder of a CTranslate2 model",
    )
    download_folder: str = Field(
        default="", description="where models that are named are kept; empty: the Hub's own cache"
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda|cuda:\d{1,2})$",
        description="auto, cpu, cuda or cuda:N",
    )
    compute_type: ComputeType = Field(
        default="auto", description="auto is int8 on a CPU and int8_float16 on a GPU that knows it"
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="CPU threads of one decode; calls share the cores, so one",
    )
    languages: str = Field(
        default="en,hi,mr",
        description="ISO 639-1 codes that calls may use; an English model has en only",
    )
    detection: Literal["detect", "fixed"] = Field(
        default="detect",
        description="detect: one of the call's languages; fixed: always the first of them",
    )
    detection_margin: float = Field(
        default=0.6,
        gt=0.5,
        le=1,
        description="how probable (of the call's languages) another must be to be taken",
    )
    short_window: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="encode the sound and a margin instead of 30 s; auto: on a CPU. What comes "
        "out doubtful is decoded again with all 30 s",
    )
    beam_size: int = Field(
        default=0, ge=0, le=10, description="of final words; 0 is 5 on a GPU, 1 on a CPU"
    )
    word_times: Literal["off", "finals", "all"] = Field(
        default="finals", description="which transcripts carry words with times and confidence"
    )
    prompt: str = Field(
        default="", max_length=400, description="text that goes before what is said"
    )
    mixed_prompt: bool = Field(
        default=True,
        description="where English may be spoken among Hindi or Marathi, a mixed sentence goes "
        "before what is said, so that English words come in Latin letters",
    )
    hint_tokens: int = Field(
        default=96, ge=0, le=200, description="the room for hints (hot words) in the prompt"
    )
    partial_every_ms: int = Field(
        default=250,
        ge=100,
        le=1000,
        description="new sound between two decodes for words in passing",
    )
    no_speech_probability: float = Field(
        default=0.6, gt=0, le=1, description="above it, with improbable words, it was silence"
    )
    log_probability: float = Field(
        default=-1.0, ge=-5, lt=0, description="mean of the tokens; below it words are doubtful"
    )
    compression_ratio: float = Field(
        default=2.4, ge=1, le=10, description="above it the words repeat themselves: doubtful"
    )
    fallback_temperatures: str = Field(
        default="0.2,0.4", description="with which doubtful words are decoded again; empty: never"
    )
    fallback_ms: int = Field(
        default=1500,
        ge=0,
        le=10_000,
        description="since the words were asked for; no try begins later",
    )
    max_batch: int = Field(
        default=0, ge=0, le=64, description="decodes run as one; 0 is 16 on a GPU, 1 on a CPU"
    )
    gather_ms: int = Field(
        default=5, ge=0, le=50, description="how long a decode waits for others to join it"
    )

    @field_validator("languages")
    @classmethod
    def _codes(cls, given: str) -> str:
        codes = [code.strip() for code in given.split(",")]
        if not all(code.isascii() and code.isalpha() and 2 <= len(code) <= 3 for code in codes):
            raise ValueError("must be codes with commas between them, such as en,hi,mr")
        return ",".join(dict.fromkeys(code.lower() for code in codes))

    @field_validator("fallback_temperatures")
    @classmethod
    def _temperatures(cls, given: str) -> str:
        for one in filter(None, given.split(",")):
            try:
                is_right = 0 < float(one) <= 1
            except ValueError:
                is_right = False
            if not is_right:
                raise ValueError("must be numbers over 0, up to 1, such as 0.2,0.4")
        return given

    @property
    def language_codes(self) -> tuple[str, ...]:
        return tuple(self.languages.split(","))

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Those of the tries after the first."""
        return tuple(float(one) for one in self.fallback_temperatures.split(",") if one.strip())


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs and how, with no "auto" left."""

    model: str
    device: Literal["cpu", "cuda"]
    device_index: int
    compute_type: str
    has_short_window: bool
    beam_size: int
    max_batch: int


def placed(options: WhisperOptions, *, is_on_gpu: bool, compute_types: frozenset[str]) -> Placement:
    """What the options mean on a device that knows `compute_types`."""
    device = "cuda" if is_on_gpu else "cpu"
    known = [name for name in _WANTED_TYPES[device] if name in compute_types]
    chosen = known[0] if known else "default"
    _, _, index = options.device.partition(":")
    return Placement(
        model=options.model if options.model != "auto" else (ON_A_GPU if is_on_gpu else ON_A_CPU),
        device=device,
        device_index=int(index or 0),
        compute_type=chosen if options.compute_type == "auto" else options.compute_type,
        has_short_window=not is_on_gpu
        if options.short_window == "auto"
        else options.short_window == "on",
        beam_size=options.beam_size or (5 if is_on_gpu else 1),
        max_batch=options.max_batch or (16 if is_on_gpu else 1),
    )
