"""The presets of `voices.yaml`: what a name such as "professional" means to each engine.

    espeak:
      en:
        professional: {voice: en-gb, rate: 0.97}

A user's own file adds to those that come with Callwright, or replaces them one by one. It is read
strictly, and each fault is named with its line and the fix.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from speech.engine_table import ENGINES
from speech.errors import VoicesInvalid
from speech.expression import EMOTIONS, PITCHES_SEMITONES, RATES
from speech.tts import SpeechRequest

SHIPPED = Path(__file__).with_name("voices.yaml")

OTHER_LANGUAGES = "mul"
"""ISO 639's code for several languages: holds for each that an engine's presets don't name."""

_MOST_BYTES = 256 << 10
_MOST_LEVELS = 4  # engine, language, name, preset
_MOST_FAULTS = 20

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Engine = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class Preset(BaseModel):
    """How one engine speaks one language under a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str | None = Field(default=None, strict=True, min_length=1, max_length=200)
    rate: float = Field(default=1.0, strict=True, ge=RATES[0], le=RATES[1])
    pitch: float = Field(default=0.0, strict=True, ge=PITCHES_SEMITONES[0], le=PITCHES_SEMITONES[1])
    emotion: str | None = None
    description: str = Field(default="", strict=True, max_length=200)

    @field_validator("emotion")
    @classmethod
    def _is_known(cls, emotion: str | None) -> str | None:
        if emotion is not None and emotion not in EMOTIONS:
            raise ValueError(f"{emotion!r} is none of {', '.join(sorted(EMOTIONS))}")
        return emotion

    def applied(self, request: SpeechRequest, *, voice: str | None) -> SpeechRequest:
        """The request in this voice: faster or slower, higher or lower by what it asks itself."""
        return replace(
            request,
            voice=voice,
            rate=_within(request.rate * self.rate, RATES),
            pitch_semitones=_within(request.pitch_semitones + self.pitch, PITCHES_SEMITONES),
            emotion=request.emotion or self.emotion,
        )


_FILE: TypeAdapter[dict[str, dict[str, dict[str, Preset]]]] = TypeAdapter(
    dict[Engine, dict[Language, dict[Name, Preset]]]
)


class Presets:
    """All presets of all engines."""

    def __init__(self, by_engine: Mapping[str, Mapping[str, Mapping[str, Preset]]]) -> None:
        """`by_engine`: engine -> language -> name -> preset."""
        self._by_engine = by_engine
        self.names = frozenset(name for _, _, name, _ in self.all())
        """Every name that some engine has a preset of."""

    def get(self, engine: str, language: str, name: str) -> Preset | None:
        """What `name` means to `engine` in `language`; None if nothing is said of it."""
        languages = self._by_engine.get(engine, {})
        own = languages.get(language, {}).get(name)
        return own or languages.get(OTHER_LANGUAGES, {}).get(name)

    def all(self) -> Iterator[tuple[str, str, str, Preset]]:
        """Engine, language, name and preset of each, in the order of the files."""
        for engine, languages in self._by_engine.items():
            for language, presets in languages.items():
                for name, preset in presets.items():
                    yield engine, language, name, preset


def load_presets(user_file: Path | None = None, *, members: Collection[str] = ()) -> Presets:
    """Callwright's presets, and those of a file of the user's. Reads files: run it in a thread.

    `members`: names under which the settings know engines, which may stand in the user's file.

    Raises:
        VoicesInvalid: a line for each fault: file, line, what is wrong and the fix.
    """
    shipped = _read(SHIPPED)
    if user_file is None:
        return Presets(shipped)
    known = {*members, *shipped, *(engine.name for engine in ENGINES if engine.kind == "speaks")}
    own = _read(user_file, known=known)
    merged = {
        engine: {
            language: {
                **shipped.get(engine, {}).get(language, {}),
                **own.get(engine, {}).get(language, {}),
            }
            for language in {**shipped.get(engine, {}), **own.get(engine, {})}
        }
        for engine in {**shipped, **own}
    }
    return Presets(merged)


def _read(
    file: Path, *, known: Collection[str] | None = None
) -> dict[str, dict[str, dict[str, Preset]]]:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise VoicesInvalid(f"{file} can't be read ({error.strerror})") from error
    tree = _Tree(str(file), data)
    faults = [
        f"{tree.place((engine,))}: there is no engine {engine!r} that speaks; there are "
        f"{', '.join(sorted(known))}"
        for engine in tree.values
        if known is not None and engine not in known
    ]
    try:
        presets = _FILE.validate_python(tree.values)
    except ValidationError as error:
        faults += [tree.fault(dict(fault)) for fault in error.errors(include_url=False)]
        presets = {}
    if faults:
        raise VoicesInvalid("\n".join(faults[:_MOST_FAULTS]))
    return presets


class _Tree:
    """A file's values, and the line of each."""

    def __init__(self, file: str, data: bytes) -> None:
        """Raises VoicesInvalid: it is no YAML, or holds more than presets need."""
        self._file = file
        if len(data) > _MOST_BYTES:
            raise VoicesInvalid(f"{file}: larger than {_MOST_BYTES // 1024} kB")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise VoicesInvalid(f"{file}:{line}: no UTF-8; save it as UTF-8") from None
        yaml = cast(Any, YAML(typ="rt", pure=True))
        try:
            self._refuse_what_nobody_needs(yaml.parse(text))
            values = yaml.load(text)
        except MarkedYAMLError as error:
            mark = cast(Any, error.problem_mark or error.context_mark)
            line = int(mark.line) + 1 if mark is not None else 1
            raise VoicesInvalid(f"{file}:{line}: this is not YAML ({error.problem})") from None
        except (YAMLError, ValueError) as error:
            what = " ".join(str(error).split())[:200]
            raise VoicesInvalid(f"{file}:1: this is not YAML ({what})") from None
        if not isinstance(values, dict | None):
            raise VoicesInvalid(f"{file}:1: write engine, language, name and preset as mappings")
        self.values: dict[str, Any] = cast("dict[str, Any] | None", values) or {}

    def place(self, path: tuple[str | int, ...]) -> str:
        """File and line of the value at `path`, or of the nearest one around it."""
        here: Any = self.values
        line = 0
        for step in path:
            try:
                line = int(here.lc.key(step)[0])
                here = here[step]
            except (AttributeError, KeyError, TypeError, IndexError):
                break  # pydantic puts in names of its own
        return f"{self._file}:{line + 1}"

    def fault(self, fault: Mapping[str, Any]) -> str:
        """A line for one of pydantic's."""
        path = cast("tuple[str | int, ...]", fault["loc"])
        message = str(fault["msg"]).removeprefix("Value error, ")
        name = ".".join(str(step) for step in path)
        if fault["type"] == "extra_forbidden":
            message = f"a preset has only {', '.join(Preset.model_fields)}"
        elif path and path[-1] == "[key]":
            name = name.removesuffix(".[key]")
            message = "names are small letters, digits and '_'; languages are like en, hi"
        elif fault["type"] in ("dict_type", "model_type"):
            message = "write it as `engine: {language: {name: {voice: ...}}}`"
        return f"{self.place(path)}: {name}: {message}"

    def _refuse_what_nobody_needs(self, events: Iterator[Any]) -> None:
        """Anchors, tags and depth are refused before anything is built."""
        depth = 0
        for event in events:
            place = f"{self._file}:{int(event.start_mark.line) + 1}"
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
                raise VoicesInvalid(f"{place}: anchors and aliases are not taken: write it out")
            if tag := cast("str | None", getattr(event, "tag", None)):
                raise VoicesInvalid(f"{place}: tags are not taken: remove {tag}")
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if depth > _MOST_LEVELS:
                raise VoicesInvalid(f"{place}: nested deeper than engine, language, name, preset")


def _within(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
