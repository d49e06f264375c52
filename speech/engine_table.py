"""The table of engines: what each is, needs and may be used for. Nothing is imported here."""

import importlib.util
import shutil
from dataclasses import dataclass
from typing import Literal

Kind = Literal["hears", "speaks"]


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine that Callwright knows."""

    name: str
    kind: Kind
    languages: tuple[str, ...]  # ISO 639-1
    licence: str  # of code and weights, and what that means for the user
    needs: str  # in words
    how_to_get_it: str  # a command
    factory: str  # "module:class"
    is_embedded: bool = False  # works as it is installed: no weights to fetch, no address to set
    options: str = ""  # "module:class" of its `EngineOptions`; "" where it has none
    packages: tuple[str, ...] = ()  # importable names that must be there
    programs: tuple[str, ...] = ()  # names on the PATH that must be there

    def missing(self) -> tuple[str, ...]:
        """What it needs and is not on this machine; nothing is imported or loaded."""
        packages = (name for name in self.packages if importlib.util.find_spec(name) is None)
        programs = (name for name in self.programs if shutil.which(name) is None)
        return (*packages, *programs)

    @property
    def is_installed(self) -> bool:
        """Whether all it needs is here. That it loads is known only after `start`."""
        return not self.missing()


ENGINES: tuple[EngineEntry, ...] = (
    EngineEntry(
        name="moonshine",
        kind="hears",
        languages=("en",),
        licence="MIT (code and English weights)",
        needs="the moonshine-voice 0.0.62 wheel, for the weights in it, and onnxruntime",
        how_to_get_it="pip install moonshine-voice==0.0.62",
        is_embedded=True,
        factory="speech.engines.moonshine:MoonshineRecognizer",
        packages=("moonshine_voice", "onnxruntime"),
    ),
    EngineEntry(
        name="espeak",
        kind="speaks",
        languages=("en", "hi", "mr"),
        licence="GPL-3 (espeak-ng; runs in a process of its own)",
        needs="the espeakng-loader wheel, which carries the library and its data",
        how_to_get_it="pip install espeakng-loader==0.2.4",
        is_embedded=True,
        factory="speech.engines.espeak:EspeakSynthesizer",
        packages=("espeakng_loader",),
    ),
    EngineEntry(
        name="flite",
        kind="speaks",
        languages=("en",),
        licence="BSD-like (flite and its voices)",
        needs="the program flite",
        how_to_get_it="apt-get install flite",
        is_embedded=True,
        factory="speech.engines.flite:FliteSynthesizer",
        programs=("flite",),
    ),
)
