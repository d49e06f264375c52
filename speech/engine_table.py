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
        options="speech.engines.moonshine_options:MoonshineOptions",
        packages=("moonshine_voice", "onnxruntime"),
    ),
    EngineEntry(
        name="whisper",
        kind="hears",
        languages=("en", "hi", "mr"),
        licence="MIT (faster-whisper, CTranslate2 and OpenAI's weights)",
        needs="faster-whisper, and a model (small 0.5 GB, large-v3-turbo 1.6 GB), downloaded from "
        "the Hugging Face Hub on its first start, or a folder",
        how_to_get_it="pip install 'callwright[whisper]'",
        factory="speech.engines.whisper:WhisperRecognizer",
        options="speech.engines.whisper_options:WhisperOptions",
        packages=("faster_whisper", "ctranslate2"),
    ),
    EngineEntry(
        name="indic_conformer",
        kind="hears",
        languages=(
            *("hi", "mr", "as", "bn", "brx", "doi", "gu", "kn", "kok", "ks", "mai"),
            *("ml", "mni", "ne", "or", "pa", "sa", "sat", "sd", "ta", "te", "ur"),
        ),
        licence="MIT (AI4Bharat's weights; the hub asks for a form to be accepted)",
        needs="IndicConformer's weights (600M, 2.5 GB); for many calls an NVIDIA GPU and "
        "onnxruntime-gpu",
        how_to_get_it="hf download ai4bharat/indic-conformer-600m-multilingual",
        factory="speech.engines.indic_conformer:IndicConformerRecognizer",
        options="speech.engines.indic_conformer:IndicConformerOptions",
        packages=("onnxruntime", "huggingface_hub"),
    ),
    EngineEntry(
        name="openai",
        kind="hears",
        languages=("en", "hi", "mr"),
        licence="the endpoint's terms (a provider's, or of a server of one's own); Apache-2.0 (the "
        "openai client)",
        needs="the address of an OpenAI-compatible endpoint (OpenAI, Groq, Speaches, vLLM), and "
        "mostly a key",
        how_to_get_it="pip install openai",
        factory="speech.engines.openai_hearing:OpenAIRecognizer",
        options="speech.engines.openai_hearing:OpenAIHearingOptions",
        packages=("openai", "httpx2"),
    ),
    EngineEntry(
        name="remote",
        kind="hears",
        languages=("en", "hi", "mr"),
        licence="that of the engines in the speech server",
        needs="a speech server of Callwright's (`callwright speech`), and its address",
        how_to_get_it="pip install callwright",
        factory="speech.engines.remote_hearing:RemoteRecognizer",
        options="speech.engines.remote_hearing:RemoteHearingOptions",
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
    EngineEntry(
        name="openai",
        kind="speaks",
        languages=("en", "hi", "mr"),
        licence="the endpoint's terms (a provider's, or of a server of one's own); Apache-2.0 (the "
        "openai client)",
        needs="the address of an OpenAI-compatible endpoint, and mostly a key",
        how_to_get_it="pip install openai",
        factory="speech.engines.openai_speaking:OpenAISynthesizer",
        options="speech.engines.openai_speaking:OpenAISpeakingOptions",
        packages=("openai", "httpx2"),
    ),
    EngineEntry(
        name="remote",
        kind="speaks",
        languages=("en", "hi", "mr"),
        licence="that of the engines in the speech server",
        needs="a speech server of Callwright's (`callwright speech`), and its address",
        how_to_get_it="pip install callwright",
        factory="speech.engines.remote_speaking:RemoteSynthesizer",
        options="speech.engines.remote_speaking:RemoteSpeakingOptions",
    ),
    EngineEntry(
        name="xtts",
        kind="speaks",
        languages=(
            *("en", "hi", "es", "fr", "de", "it", "pt", "pl", "tr"),
            *("ru", "nl", "cs", "ar", "zh", "hu", "ko", "ja"),
        ),
        licence="MPL-2.0 (coqui-tts); weights CPML 1.0: NON-COMMERCIAL use only, audio included",
        needs="coqui-tts in an environment of its own, XTTS v2's weights (1.9 GB), and to keep up "
        "with a listener an NVIDIA GPU",
        how_to_get_it="make engine-xtts",
        factory="speech.engines.xtts:XttsSynthesizer",
        options="speech.engines.xtts_options:XttsOptions",
        packages=("TTS", "torch", "safetensors"),
    ),
    EngineEntry(
        name="kokoro",
        kind="speaks",
        languages=("en", "hi", "es", "fr", "it", "pt"),
        licence="Apache-2.0 (code and weights); phonemizer and espeak-ng, which it loads, GPL-3",
        needs="kokoro and misaki in an environment of their own, and Kokoro-82M's weights (360 MB)",
        how_to_get_it="make engine-kokoro",
        factory="speech.engines.kokoro:KokoroSynthesizer",
        options="speech.engines.kokoro:KokoroOptions",
        packages=("kokoro", "misaki", "torch"),
    ),
    EngineEntry(
        name="indic_parler",
        kind="speaks",
        languages=(
            *("hi", "mr", "en", "as", "bn", "gu", "kn", "ml"),
            *("ne", "or", "pa", "sa", "sd", "ta", "te", "ur"),
        ),
        licence="Apache-2.0 (code and weights; the hub asks for a form to be accepted)",
        needs="parler-tts in an environment of its own, Indic Parler's weights (3.8 GB), and to "
        "keep up with a listener an NVIDIA GPU",
        how_to_get_it="make engine-indic_parler",
        factory="speech.engines.indic_parler:IndicParlerSynthesizer",
        options="speech.engines.indic_parler:IndicParlerOptions",
        packages=("parler_tts", "torch"),
    ),
    EngineEntry(
        name="chatterbox",
        kind="speaks",
        languages=(
            *("en", "hi", "ar", "da", "de", "el", "es", "fi", "fr", "it", "ja"),
            *("ko", "ms", "nl", "no", "pl", "pt", "ru", "sv", "sw", "tr"),
        ),
        licence="MIT (code and weights); its audio carries an inaudible watermark",
        needs="chatterbox-tts in an environment of its own, its weights (3.2 GB; Turbo 3 GB), and "
        "to keep up with a listener an NVIDIA GPU",
        how_to_get_it="make engine-chatterbox",
        factory="speech.engines.chatterbox:ChatterboxSynthesizer",
        options="speech.engines.chatterbox:ChatterboxOptions",
        packages=("chatterbox", "torch"),
    ),
    EngineEntry(
        name="kyutai",
        kind="speaks",
        languages=("en", "fr"),
        licence="MIT (code); weights CC-BY-4.0; each voice has its own terms, some non-commercial",
        needs="moshi in an environment of its own, Kyutai TTS's weights (4.1 GB), and to keep up "
        "with a listener an NVIDIA GPU",
        how_to_get_it="make engine-kyutai",
        factory="speech.engines.kyutai:KyutaiSynthesizer",
        options="speech.engines.kyutai:KyutaiOptions",
        packages=("moshi", "torch"),
    ),
    EngineEntry(
        name="cosyvoice",
        kind="speaks",
        languages=("en", "zh", "ja", "ko", "de", "es", "fr", "it", "ru"),
        licence="Apache-2.0 (code and weights)",
        needs="CosyVoice's own server (its repository, not the package of that name) with "
        "Fun-CosyVoice 3 on an NVIDIA GPU, its address, and a folder with recordings of voices",
        how_to_get_it="git clone --recursive https://github.com/FunAudioLLM/CosyVoice",
        factory="speech.engines.cosyvoice:CosyVoiceSynthesizer",
        options="speech.engines.cosyvoice:CosyVoiceOptions",
        packages=("httpx",),
    ),
    EngineEntry(
        name="vibevoice",
        kind="speaks",
        languages=("en",),
        licence="MIT (code and weights); its makers advise against use beyond research",
        needs="VibeVoice's own realtime demo server with VibeVoice-Realtime-0.5B on an NVIDIA GPU, "
        "and its address; it speaks one text at a time",
        how_to_get_it="git clone https://github.com/microsoft/VibeVoice",
        factory="speech.engines.vibevoice:VibeVoiceSynthesizer",
        options="speech.engines.vibevoice:VibeVoiceOptions",
        packages=("httpx", "websockets"),
    ),
)
