"""Kyutai's model itself, through its package moshi: words in, a frame of 80 ms at a time out.

The model keeps its state between steps inside its modules, so one text is spoken at a time, always
in the same thread. torch.compile is left off: it wants a C compiler, and minutes at the first word.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speech.engines.hub_weights import unreadable
from speech.engines.piece_speaking import pcm_of
from speech.engines.torch_worker import Outlet
from speech.errors import EngineFailed, EngineUnavailable
from speech.torch_setup import choose_device, import_torch

_FIRST_FRAMES = 2
"""Not played: the package's own `simple_generate` drops two, which hold a click."""

_STEPS_A_SIGN = 9
"""The most steps that a sign can take: its token, and the 8 paddings that the package allows."""

_STEPS_MARGIN = 64  # the delay of the audio (16 steps as released), padding at the ends

_MARKUP = str.maketrans(dict.fromkeys("<>", " "))
"""The package reads `<break time="9s"/>` in a text; a caller's words must not."""


class KyutaiModel:
    """Weights and voices. `speak` is for one thread."""

    def __init__(self, model: Any, conditions: Mapping[str, Any]) -> None:
        """Take what `load` made: `conditions` by voice."""
        self._model = model
        self._conditions = conditions
        self._torch: Any = importlib.import_module("torch")
        self._compile: Any = importlib.import_module("moshi.utils.compile")

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of the voices there are."""
        return tuple(self._conditions)

    @property
    def sample_rate_hz(self) -> int:
        """Of its codec: 24000 as released."""
        return int(self._model.mimi.sample_rate)

    def speak(self, text: str, *, voice: str, outlet: Outlet) -> None:
        """Put the audio of `text`, a frame (80 ms) a chunk.

        Raises:
            Stopped: nobody listens any more.
            EngineFailed: it came to no end.
        """
        model, torch = self._model, self._torch
        entries = model.prepare_script([text.translate(_MARKUP)], padding_between=1)
        if not entries:
            return
        model.max_gen_length = _STEPS_MARGIN + _STEPS_A_SIGN * len(text)
        frames = 0

        def on_frame(frame: Any) -> None:
            nonlocal frames
            outlet.check()
            if bool((frame == -1).any()):  # its audio is still delayed
                return
            samples = model.mimi.decode(frame[:, 1:, :])
            frames += 1
            if frames > _FIRST_FRAMES:
                outlet.put(pcm_of(samples.float().cpu().numpy()))

        with torch.no_grad(), self._compile.no_compile(), model.mimi.streaming(1):
            result = model.generate(
                [entries],
                [self._conditions[voice]],
                on_frame=on_frame,
                cfg_is_no_prefix=False,
                cfg_is_no_text=False,
            )
        if result.end_steps[0] is None:
            raise EngineFailed("kyutai came to no end of this text")


def load(
    folder: Path, *, device: str, codebooks: int, guidance: float, cpu_threads: int
) -> tuple[Any, str]:
    """The package's `TTSModel` of `folder`, and what its voices' files end in. Takes seconds.

    Args:
        folder: as `kyutai/tts-1.6b-en_fr` on the hub: config.json and the files that it names.
        device: "auto", "cpu", "cuda" or "cuda:1"; bf16 on a GPU, fp32 on a processor.
        codebooks: how many of the codec's are made.
        guidance: how strictly it keeps to the voice; one that the model was trained with.
        cpu_threads: of one operation; 0 leaves it to torch.

    Raises:
        EngineUnavailable: a package or a file is missing or broken.
    """
    torch = import_torch(cpu_threads=cpu_threads)
    chosen = choose_device(torch, device)
    try:
        loaders: Any = importlib.import_module("moshi.models.loaders")
        tts: Any = importlib.import_module("moshi.models.tts")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"moshi does not load ({error}): `make engine-kyutai`") from error
    parts = _parts(folder)
    try:
        info = loaders.CheckpointInfo.from_hf_repo(str(folder), **parts)
        model = tts.TTSModel.from_checkpoint_info(
            info,
            n_q=codebooks,
            device=chosen,
            dtype=torch.float32 if chosen == "cpu" else torch.bfloat16,
        )
    except unreadable() as error:
        raise EngineUnavailable(f"kyutai: the files in {folder} do not load: {error!r}") from error
    if not model.multi_speaker:
        raise EngineUnavailable(
            f"kyutai: the model in {folder} takes no voice embeddings: use kyutai/tts-1.6b-en_fr"
        )
    if (known := model.valid_cfg_conditionings) and guidance not in known:
        raise EngineUnavailable(
            f"kyutai: option 'guidance' is {guidance:g}; the model knows "
            f"{', '.join(f'{value:g}' for value in sorted(known))}"
        )
    return model, str(model.voice_suffix)


def with_voices(model: Any, files: Mapping[str, Path], *, guidance: float) -> KyutaiModel:
    """The model with the voices of `files`, by name.

    Raises:
        EngineUnavailable: one is broken.
    """
    distilled = guidance if model.valid_cfg_conditionings else None
    conditions: dict[str, Any] = {}
    for name, file in files.items():
        try:
            conditions[name] = model.make_condition_attributes([file], distilled)
        except unreadable() as error:
            raise EngineUnavailable(f"kyutai: the voice {file} does not load: {error!r}") from error
    return KyutaiModel(model, conditions)


def voice_files(folder: Path, suffix: str, names: Sequence[str] | None) -> dict[str, Path]:
    """The voices in `folder` for a model whose voices' files end in `suffix`, by name.

    Args:
        folder: as `kyutai/tts-voices` on the hub, any depth.
        suffix: with the model's signature, ".1e68beda@240.safetensors" as released.
        names: which, in this order; None is all.
    """
    if names is None:
        found = sorted(folder.rglob(f"*{suffix}"))
        return {_name_of(file.relative_to(folder), suffix): file for file in found}
    return {name: folder / f"{name}{suffix}" for name in names}


def _name_of(file: Path, suffix: str) -> str:
    """The voice's name as Kyutai writes it: "vctk/p225_023.wav"."""
    return file.as_posix().removesuffix(suffix)


def _parts(folder: Path) -> dict[str, Path]:
    """The files that config.json names, so that the package asks no hub for them."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        keys = {"moshi_weights": "moshi_name", "mimi_weights": "mimi_name"}
        keys |= {"tokenizer": "tokenizer_name"}
        parts = {given: folder / str(config[key]) for given, key in keys.items()}
        if named := config.get("mimi_config_name"):
            parts["mimi_config_path"] = folder / str(named)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise EngineUnavailable(
            f"kyutai: config.json in {folder} is none of a Kyutai model ({error!r})"
        ) from error
    if missing := [path.name for path in parts.values() if not path.is_file()]:
        raise EngineUnavailable(
            f"kyutai: {folder} lacks {', '.join(missing)}: run `hf download kyutai/tts-1.6b-en_fr`"
        )
    return {**parts, "config_path": folder / "config.json"}
