"""The file of presets: what comes with Callwright, and what a user's own file may say."""

import importlib
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from speech.engine_table import ENGINES, EngineEntry
from speech.errors import SpeechError, VoicesInvalid
from speech.tts import SpeechRequest, Synthesizer
from speech.voice_presets import Preset, Presets, load_presets

SHIPPED = load_presets()
LANGUAGES = sorted({(engine, language) for engine, language, _, _ in SHIPPED.all()})


def own(folder: Path, text: str | bytes) -> Path:
    file = folder / "my_voices.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(("engine", "language"), LANGUAGES)
def test_each_engine_has_three_presets_that_differ_in_each_language(
    engine: str, language: str
) -> None:
    presets = [
        SHIPPED.get(engine, language, name) for name in ("professional", "friendly", "technical")
    ]
    sounds = {preset.model_dump_json(exclude={"description"}) for preset in presets if preset}
    assert len(sounds) == 3
    assert all(preset and preset.description for preset in presets)


def made(entry: EngineEntry) -> Synthesizer:
    """An engine of the table, not started, with no option set."""

    def named(path: str) -> Any:
        module, _, name = path.partition(":")
        return getattr(importlib.import_module(module), name)

    try:
        if entry.options:
            return cast(Synthesizer, named(entry.factory)(options=named(entry.options)()))
        return cast(Synthesizer, named(entry.factory)())
    except (SpeechError, ValidationError) as error:
        pytest.skip(f"{entry.name} can't be made without options: {error}")


THEIR_SERVER_HAS_THEM = {"remote"}


@pytest.mark.parametrize(
    "entry",
    [e for e in ENGINES if e.kind == "speaks" and e.name not in THEIR_SERVER_HAS_THEM],
    ids=lambda entry: entry.name,
)
def test_every_engine_that_speaks_has_presets_which_are_voices_that_it_has(
    entry: EngineEntry,
) -> None:
    engine = made(entry)
    known = {voice.name for voice in engine.voices}  # none, where the weights tell them
    for language in engine.languages:
        for name in ("professional", "friendly", "technical"):
            preset = SHIPPED.get(entry.name, language, name)
            assert preset, f"{entry.name} has no preset {name} for {language}"
            assert preset.voice is None or not known or preset.voice in known


def test_a_users_file_adds_and_replaces_one_by_one(tmp_path: Path) -> None:
    file = own(
        tmp_path,
        "espeak:\n"
        "  en:\n"
        "    professional: {voice: en-us, rate: 1}\n"
        "    night_shift: {voice: en-rp, pitch: -2, emotion: calm}\n"
        "fast:\n"
        "  de:\n"
        "    friendly: {voice: anna}\n",
    )
    presets = load_presets(file, members=["fast"])
    assert presets.get("espeak", "en", "professional") == Preset(voice="en-us")
    assert presets.get("espeak", "en", "night_shift") == Preset(
        voice="en-rp", pitch=-2.0, emotion="calm"
    )
    assert presets.get("espeak", "en", "friendly") == SHIPPED.get("espeak", "en", "friendly")
    assert presets.get("espeak", "hi", "friendly") == SHIPPED.get("espeak", "hi", "friendly")
    assert presets.get("fast", "de", "friendly") == Preset(voice="anna")
    assert presets.names == SHIPPED.names | {"night_shift"}


def test_what_holds_for_every_language_gives_way_to_what_is_said_of_one() -> None:
    presets = Presets(
        {"a": {"mul": {"calm": Preset(voice="x")}, "hi": {"calm": Preset(voice="y")}}}
    )
    found = [presets.get("a", language, "calm") for language in ("hi", "en", "mr")]
    assert [preset and preset.voice for preset in found] == ["y", "x", "x"]
    assert presets.get("a", "en", "loud") is None


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "\ufeff{}"])
def test_a_users_file_may_be_empty(tmp_path: Path, text: str) -> None:
    assert list(load_presets(own(tmp_path, text)).all()) == list(SHIPPED.all())


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("espeak:\n  en:\n    calm: {voice: 7}\n", 3, "espeak.en.calm.voice: .*string"),
        ("espeak:\n  en:\n    calm:\n      voice: hi\n      rate: 9\n", 5, "rate: .*2"),
        ("espeak:\n  en:\n    calm:\n      rate: fast\n", 4, "rate"),
        ("espeak:\n  en:\n    calm:\n      rate: .nan\n", 4, "rate"),
        ("espeak:\n  en:\n    calm:\n      rate: true\n", 4, "rate"),
        ("espeak:\n  en:\n    calm:\n      pitch: -13\n", 4, "pitch"),
        ("espeak:\n  en:\n    calm:\n      emotion: bored\n", 4, "'bored' is none of angry, "),
        ("espeak:\n  en:\n    calm:\n      style: x\n", 4, "a preset has only voice, rate, pitch"),
        ("espeak:\n  en:\n    calm: hi\n", 3, "write it as `engine: {language: {name"),
        ("espeak:\n  en: [calm]\n", 2, "write it as"),
        ("espeak: null\n", 1, "write it as"),
        ("espeak:\n  english:\n    calm: {}\n", 2, "languages are like en, hi"),
        ("espeak:\n  en:\n    Calm Voice: {}\n", 3, "names are small letters"),
        ("espeak:\n  en:\n    a/b: {}\n", 3, "names are small letters"),
        (
            "\n\nespeek:\n  en: {}\n",
            3,
            "no engine 'espeek' that speaks; there are .*espeak",
        ),
        ("moonshine:\n  en: {}\n", 1, "no engine 'moonshine' that speaks"),
        ("espeak:\n  en:\n    a: {}\n    a: {}\n", 4, "not YAML .*duplicate key"),
        ("espeak:\n  en: {\n", 3, "not YAML"),
        ("espeak:\n  en:\n    a: &x {}\n    b: *x\n", 3, "anchors and aliases"),
        ("espeak: !!python/object:os.system {}\n", 1, "tags"),
        ("- espeak\n", 1, "mappings"),
        ("espeak", 1, "mappings"),
        ("a:\n b:\n  c:\n   d:\n    e: 1\n", 5, "nested deeper"),
        ("x: " + "[" * 3_000, 1, "nested deeper"),
        (b"espeak:\n  en: \xff\n", 2, "UTF-8"),
        ("a: {}\n---\nb: {}\n", 2, "not YAML"),
    ],
)
def test_a_fault_is_named_with_its_line_and_the_fix(
    tmp_path: Path, text: str | bytes, line: int, what: str
) -> None:
    with pytest.raises(VoicesInvalid, match=what) as refused:
        load_presets(own(tmp_path, text))
    assert str(refused.value).startswith(f"{tmp_path / 'my_voices.yaml'}:{line}: ")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = own(tmp_path, "espeak:\n  en:\n    a: {rate: 9}\n    b: {pitch: 99}\nx: {}\n")
    with pytest.raises(VoicesInvalid) as refused:
        load_presets(file)
    assert len(str(refused.value).splitlines()) == 3


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VoicesInvalid, match="can't be read"):
        load_presets(tmp_path / "nothing.yaml")
    with pytest.raises(VoicesInvalid, match="larger than 256 kB"):
        load_presets(own(tmp_path, "#" * 300_000))


def test_a_preset_changes_what_was_asked_within_what_is_possible() -> None:
    asked = SpeechRequest("hello", "en", "calm", rate=1.5, pitch_semitones=8)
    preset = Preset(rate=1.6, pitch=6, emotion="calm")
    assert preset.applied(asked, voice="v") == SpeechRequest("hello", "en", "v", 2.0, "calm", 12)
    happy = SpeechRequest("hello", "en", emotion="happy")
    assert preset.applied(happy, voice=None).emotion == "happy"
