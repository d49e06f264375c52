"""How XTTS comes up: weights, voices, a first sentence, and how many streams keep up."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from speech.engines import xtts_weights
from speech.engines.xtts_admission import FASTEST_PLAY, MOST, streams_in_time
from speech.engines.xtts_model import Loading, XttsModel
from speech.engines.xtts_options import XttsOptions
from speech.engines.xtts_speaking import XttsSpeaker
from speech.engines.xtts_voice import LARGEST_BYTES, Learned, unpacked
from speech.errors import EngineFailed, EngineUnavailable
from speech.tts import Voice


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `start` made."""

    model: XttsModel
    speaker: XttsSpeaker
    voices: dict[str, tuple[Voice, Learned]]  # by name
    max_streams: int


def load(options: XttsOptions) -> Loaded:
    """Everything that takes long; to be run in a thread.

    Raises:
        EngineUnavailable: a package, a file or the weights are missing; says how to get them.
    """
    folder = xtts_weights.find(options.model, accepts_licence=options.accept_licence)
    model = XttsModel.load(Loading(folder, options.device, options.precision, options.cpu_threads))
    voices = {
        name: (Voice(name, "en", "comes with XTTS v2"), learned)
        for name, learned in model.built_in_voices().items()
    }
    if options.speakers_folder is not None:
        voices |= _voices_of(options.speakers_folder, model)
    default = options.default_voice
    if default and default not in voices:
        known = ", ".join(voices) or "none"
        raise EngineUnavailable(f"default_voice: xtts has no voice {default!r}, only {known}")
    speaker = XttsSpeaker(
        model, first_tokens=options.first_chunk_tokens, part_tokens=options.stream_chunk_tokens
    )
    voice = next((learned for _, learned in voices.values()), None) or speaker.any_voice()
    try:
        speaker.warm(voice)
        taken = options.max_streams
        if taken == "auto":
            taken = _measured(speaker, voice)
    except EngineFailed as error:
        raise EngineUnavailable(f"xtts loads from {folder} but does not speak: {error}") from error
    return Loaded(model, speaker, voices, taken)


def _measured(speaker: XttsSpeaker, voice: Learned) -> int:
    factors: dict[int, float] = {}

    def factor(streams: int) -> float:
        factors[streams] = speaker.real_time_factor(streams, voice, threads)
        return factors[streams]

    with ThreadPoolExecutor(MOST, thread_name_prefix="xtts-measured") as threads:
        taken = streams_in_time(factor)
    seen = ", ".join(f"{streams}: {value:.2f}" for streams, value in factors.items())
    logger.info("xtts: real-time factor by streams at once {}; {} are admitted", seen, taken)
    if factors[1] > FASTEST_PLAY:
        logger.warning("xtts is slower than speech here: callers hear gaps; render prompts ahead")
    return taken


def _voices_of(folder: Path, model: XttsModel) -> dict[str, tuple[Voice, Learned]]:
    """The learned voices in a folder, by name.

    Raises:
        EngineUnavailable: there is no such folder, or a file in it is no voice for this model.
    """
    if not folder.is_dir():
        raise EngineUnavailable(f"speakers_folder: there is no folder {folder}")
    found: dict[str, tuple[Voice, Learned]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise EngineFailed(f"it is larger than {LARGEST_BYTES} bytes")
            learned = voice_of(model, path.read_bytes())
        except (EngineFailed, OSError) as error:
            raise EngineUnavailable(f"speakers_folder: {path.name}: {error}") from error
        found[path.stem] = (Voice(path.stem, "en", f"from {path.name}"), learned)
    return found


def voice_of(model: XttsModel, learned: bytes) -> Learned:
    return unpacked(
        learned, model.version, channels=model.channels, speaker_numbers=model.speaker_numbers
    )
