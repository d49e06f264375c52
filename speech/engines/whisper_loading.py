"""Finds Whisper's files, loads them, and keeps one network a device for the whole process."""

import ctypes
import importlib.util
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from speech.engines.whisper_attempts import SAMPLE_RATE_HZ, Attempt, Choice, Guess
from speech.engines.whisper_batching import Batcher, Direct, Road
from speech.engines.whisper_model import WhisperNetwork
from speech.engines.whisper_options import Placement, WhisperOptions, placed
from speech.errors import EngineFailed, EngineUnavailable
from speech.pool import EnginePool

HOW_TO_GET_IT = "pip install 'callwright[whisper]'"

_HOW_TO_CONVERT = (
    "make one with `ct2-transformers-converter --model openai/whisper-small --output_dir FOLDER "
    "--quantization int8 --copy_files tokenizer.json preprocessor_config.json`"
)
_CUDA_LIBRARIES = {
    "nvidia.cublas.lib": ("libcublasLt.so.12", "libcublas.so.12"),
    "nvidia.cudnn.lib": ("libcudnn.so.9",),
}
_NEEDED_FILES = ("model.bin", "tokenizer.json")


@dataclass(slots=True, eq=False)
class Holder:
    """Somebody who uses a network, or is about to."""

    is_gone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    road: Road
    network: WhisperNetwork
    holders: set[Holder]


class Networks:
    """What is loaded in this process, and by how many it is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[object, ...], _Held] = {}

    def take(
        self, holder: Holder, options: WhisperOptions, pool: EnginePool
    ) -> tuple[WhisperNetwork, Road]:
        """The network that the options mean, loaded and run once where it was not yet.

        Blocks while it loads: for a pool's thread, whose niceness the network's threads inherit.
        Who takes gives back, even when it did not wait for the end.

        Raises:
            EngineUnavailable: a package, the files or the device are missing.
        """
        placement = placement_of(options)
        folder = find_files(placement.model, options.download_folder)
        key = (folder.resolve(), placement, options.threads, options.gather_ms, id(pool))
        with self._lock:  # whoever wants the same waits for it instead of loading it again
            if holder.is_gone:
                raise EngineUnavailable("whisper was closed before it was loaded")
            held = self._held.get(key)
            if held is None:
                network, road = _loaded(folder, placement, options, pool)
                held = self._held[key] = _Held(road, network, set())
            held.holders.add(holder)
            return held.network, held.road

    def give_back(self, holder: Holder) -> None:
        """The last one who does frees the network. May block while another is loaded."""
        with self._lock:
            holder.is_gone = True
            for key, held in tuple(self._held.items()):
                held.holders.discard(holder)
                if not held.holders:
                    del self._held[key]
                    held.road.close()


NETWORKS = Networks()


def fetch(options: WhisperOptions) -> None:
    """Download what is missing. Blocks, for minutes: for a thread that nobody else needs.

    Raises:
        EngineUnavailable: a package, the device, the files or the network are missing.
    """
    find_files(placement_of(options).model, options.download_folder)


def find_files(model: str, download_folder: str) -> Path:
    """The folder of a model, downloaded from the Hugging Face Hub if it is named and not here.

    Raises:
        EngineUnavailable: it isn't here and can't be had; says what to do.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        for name in _NEEDED_FILES:
            if not (path / name).is_file():
                raise EngineUnavailable(
                    f"{path} is no CTranslate2 model of Whisper, it has no {name}: "
                    f"{_HOW_TO_CONVERT}"
                )
        _check_tokenizer(path / "tokenizer.json")
        return path
    if model.startswith(("/", "~", ".")):
        raise EngineUnavailable(f"the folder {path} of whisper's model is not there")
    return _downloaded(model, download_folder)


def _check_tokenizer(path: Path) -> None:
    """The library that reads it raises nothing but `Exception` for one that is broken."""
    try:
        content = json.loads(path.read_bytes())
        has_words = bool(content["model"]["vocab"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(f"{path} is no tokenizer ({error!r}): {_HOW_TO_CONVERT}") from error
    if not has_words:
        raise EngineUnavailable(f"{path} is a tokenizer without words: {_HOW_TO_CONVERT}")


def _downloaded(model: str, download_folder: str) -> Path:
    import httpx
    from faster_whisper.utils import available_models, download_model

    get = cast(Callable[..., str], download_model)
    if "/" not in model and model not in available_models():
        raise EngineUnavailable(
            f"whisper has no model {model!r}; it is a folder or one of: "
            f"{', '.join(available_models())}"
        )
    cache = str(Path(download_folder).expanduser()) if download_folder else None
    try:
        return Path(get(model, local_files_only=True, cache_dir=cache))
    except (OSError, ValueError):
        pass  # not here yet
    try:
        return Path(get(model, cache_dir=cache))
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        raise EngineUnavailable(
            f"whisper's model {model!r} is not on this machine and can't be downloaded "
            f'({_first_line(error)}). Where there is a network, run `python -c "import '
            f"faster_whisper; faster_whisper.download_model('{model}', output_dir='FOLDER')\"`, "
            "and set the option model to that folder"
        ) from error


def placement_of(options: WhisperOptions) -> Placement:
    """What the options mean on this machine.

    Raises:
        EngineUnavailable: a package or the device is missing, or can't compute like that.
    """
    try:
        import ctranslate2
        import faster_whisper as _
    except ImportError as error:
        raise EngineUnavailable(
            f"faster-whisper can't be imported ({error}): run `{HOW_TO_GET_IT}`"
        ) from error
    library = cast(Any, ctranslate2)
    gpus = int(library.get_cuda_device_count())
    wanted, _, index = options.device.partition(":")
    if wanted == "cuda" and gpus <= int(index or 0):
        raise EngineUnavailable(
            f"whisper is to run on {options.device}, but CTranslate2 sees {gpus} GPUs: install "
            "the driver of the GPU, or set the option device to cpu"
        )
    is_on_gpu = wanted == "cuda" or (wanted == "auto" and gpus > 0)
    device = "cuda" if is_on_gpu else "cpu"
    types = frozenset(cast(set[str], library.get_supported_compute_types(device, int(index or 0))))
    if options.compute_type not in ("auto", *types):
        raise EngineUnavailable(
            f"this {device} can't compute in {options.compute_type}; set the option compute_type "
            f"to one of: {', '.join(sorted(types))}"
        )
    return placed(options, is_on_gpu=is_on_gpu, compute_types=types)


def _loaded(
    folder: Path, placement: Placement, options: WhisperOptions, pool: EnginePool
) -> tuple[WhisperNetwork, Road]:
    is_batched = placement.max_batch > 1
    if placement.device == "cuda":
        _load_cuda_libraries()
    try:
        network = WhisperNetwork(
            _whisper(folder, placement, options, 1 if is_batched else pool.stats.workers),
            placement,
        )
        warm_up(network)
    except (RuntimeError, ValueError, TypeError, OSError, KeyError, MemoryError) as error:
        raise EngineUnavailable(_explained(folder, placement, error)) from error
    except EngineFailed as error:
        raise EngineUnavailable(_explained(folder, placement, error)) from error
    road: Road = Direct(pool, network.run)
    if is_batched:
        road = Batcher[Attempt, Guess](
            network.run,
            key=lambda attempt: attempt.key,
            most=placement.max_batch,
            gather_ms=options.gather_ms,
        )
    return network, road


def _whisper(folder: Path, placement: Placement, options: WhisperOptions, workers: int) -> Any:
    """Each of `workers` decodes at once, on so many threads; the weights are there once."""
    from faster_whisper import WhisperModel
    from faster_whisper.feature_extractor import FeatureExtractor

    whisper = cast(Any, WhisperModel)(
        str(folder),
        device=placement.device,
        device_index=placement.device_index,
        compute_type=placement.compute_type,
        cpu_threads=options.threads,
        num_workers=workers,
    )
    # Without preprocessor_config.json faster-whisper takes 80 mels, and large-v3 has 128.
    if whisper.feature_extractor.mel_filters.shape[0] != whisper.model.n_mels:
        whisper.feature_extractor = cast(Any, FeatureExtractor)(feature_size=whisper.model.n_mels)
    return whisper


def _load_cuda_libraries() -> None:
    """CTranslate2 asks the linker for them by name; where wheels put them it does not look."""
    for package, names in _CUDA_LIBRARIES.items():
        with suppress(ModuleNotFoundError):  # CUDA may be installed in the system instead
            spec = importlib.util.find_spec(package)
            folders = (spec.submodule_search_locations or ()) if spec else ()
            for path in (Path(folder, name) for folder in folders for name in names):
                with suppress(OSError):  # if it is needed, the network says that it is missing
                    ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def warm_up(network: WhisperNetwork) -> None:
    """Run all that calls use once, with the windows that they use."""
    sound = np.random.default_rng(0).normal(0, 0.05, SAMPLE_RATE_HZ).astype(np.float32)
    choices = tuple(Choice(language) for language in ("en", "hi") if network.knows(language))
    for is_short in {network.placement.has_short_window, False}:
        features, frames = network.features(sound, is_short=is_short)
        network.run([Attempt(features, frames, choices, wants_words=True)])


def _explained(folder: Path, placement: Placement, error: Exception) -> str:
    """Why it did not load, and what to do."""
    said = _first_line(error)
    low = said.lower()
    if "libcu" in low or "cudnn" in low or "cublas" in low:
        fix = (
            "install CUDA 12's cuBLAS and cuDNN 9 (`pip install nvidia-cublas-cu12 "
            "nvidia-cudnn-cu12==9.*`), or set the option device to cpu"
        )
    elif "memory" in low:
        fix = "take a smaller model, or compute_type int8_float16, or free the device"
    else:
        fix = f"if the folder isn't a CTranslate2 model of Whisper, {_HOW_TO_CONVERT}"
    return f"whisper can't be loaded from {folder} on {placement.device} ({said}): {fix}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
