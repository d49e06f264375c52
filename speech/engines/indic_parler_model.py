"""The Indic Parler model itself, through Hugging Face's parler-tts. Imported in its threads."""

import importlib
from pathlib import Path
from typing import Any

from speech.engines.hub_weights import unreadable
from speech.engines.piece_speaking import pcm_of
from speech.engines.torch_worker import Outlet
from speech.errors import EngineUnavailable
from speech.torch_setup import choose_device, import_torch, import_torchaudio

_LONGEST_S_PER_CHARACTER = 0.25
"""Speech takes 0.06-0.1 s a character. A model that doesn't find its end is cut at this, three
times as long; lower cuts slow voices off."""

_LONGEST_S_BESIDES = 2.0

_FIRST_STEPS_OVER_CODEBOOKS = 6
"""parler-tts overlaps its chunks by a sixth of what their steps exceed the codebooks by: with fewer
steps there is no overlap, and no audio."""


class IndicParlerModel:
    """Weights and tokenizers. `speak` may run in several threads at once."""

    def __init__(self, model: Any, prompts: Any, descriptions: Any, *, chunk_ms: int) -> None:
        """Take what `load` made.

        Args:
            model: a `ParlerTTSForConditionalGeneration`.
            prompts: the tokenizer of what is spoken.
            descriptions: the tokenizer of how it is spoken.
            chunk_ms: of audio a chunk. Each decodes the audio so far anew, so that shorter ones
                cost more; the first can't come before so much is made.
        """
        self._torch = import_torch()
        self._parler: Any = importlib.import_module("parler_tts")
        self._model = model
        self._prompts = prompts
        self._descriptions = descriptions
        codec = model.audio_encoder.config
        self._frames_per_s = float(codec.frame_rate)
        least = int(model.decoder.num_codebooks) + _FIRST_STEPS_OVER_CODEBOOKS
        self._steps = max(least, round(self._frames_per_s * chunk_ms / 1000))
        self._most_frames = int(model.generation_config.max_length)

    @property
    def sample_rate_hz(self) -> int:
        """Of its audio: 44100 as released."""
        return int(self._model.config.sampling_rate)

    def speak(self, text: str, description: str, outlet: Outlet) -> None:
        """Put the audio of `text`, spoken as `description` says, as it is made.

        Raises:
            Stopped: nobody listens any more; noticed at each step of about 12 ms of speech.
        """
        how = self._ids(self._descriptions, description)
        what = self._ids(self._prompts, text)
        streamer = self._parler.ParlerTTSStreamer(self._model, play_steps=self._steps)
        streamer.audio_queue = _ToOutlet(outlet)
        longest_s = _LONGEST_S_BESIDES + _LONGEST_S_PER_CHARACTER * len(text)
        with self._torch.inference_mode():
            self._model.generate(
                input_ids=how["input_ids"],
                attention_mask=how["attention_mask"],
                prompt_input_ids=what["input_ids"],
                prompt_attention_mask=what["attention_mask"],
                streamer=_UntilStopped(streamer, outlet),
                max_length=min(self._most_frames, round(self._frames_per_s * longest_s)),
            )

    def _ids(self, tokenizer: Any, text: str) -> Any:
        return tokenizer(text, return_tensors="pt").to(self._model.device)


class _ToOutlet:
    """Stands where parler-tts's streamer keeps its queue."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def put(self, audio: Any, timeout: float | None = None) -> None:
        """A chunk of float audio; None is the end, which the engine sees by itself."""
        if audio is not None and len(audio):
            self._outlet.put(pcm_of(audio))


class _UntilStopped:
    """A streamer that ends the generation at the next step after nobody listens."""

    def __init__(self, streamer: Any, outlet: Outlet) -> None:
        self._streamer = streamer
        self._outlet = outlet

    def put(self, tokens: Any) -> None:
        self._outlet.check()
        self._streamer.put(tokens)

    def end(self) -> None:
        self._streamer.end()


def load(
    folder: Path,
    descriptions: Path | None,
    *,
    device: str,
    precision: str,
    chunk_ms: int,
    cpu_threads: int,
) -> IndicParlerModel:
    """The model of `folder`. Takes half a minute as released (0.9 billion weights).

    Args:
        folder: as `ai4bharat/indic-parler-tts` on the hub.
        descriptions: a folder with the tokenizer of descriptions; None where it is `folder`'s.
        device: "auto", "cpu", "cuda" or "cuda:1".
        precision: "auto", "fp32", "fp16" or "bf16"; auto is bf16 on a GPU that has it.
        chunk_ms: of audio a chunk.
        cpu_threads: of one operation; 0 leaves it to torch.

    Raises:
        EngineUnavailable: a package or a file is missing or broken.
    """
    torch = import_torch(cpu_threads=cpu_threads)
    chosen = choose_device(torch, device)
    import_torchaudio()  # first, and in the way that works beside a torch without CUDA
    try:
        parler: Any = importlib.import_module("parler_tts")
        transformers: Any = importlib.import_module("transformers")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"parler-tts does not load ({error}): `make engine-indic_parler`"
        ) from error
    try:
        model = parler.ParlerTTSForConditionalGeneration.from_pretrained(
            folder, torch_dtype=_dtype(torch, precision, chosen), local_files_only=True
        )
        prompts = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        how = transformers.AutoTokenizer.from_pretrained(
            descriptions or folder, local_files_only=True
        )
    except unreadable() as error:
        raise EngineUnavailable(
            f"indic_parler: the files in {folder} do not load: {error!r}"
        ) from error
    return IndicParlerModel(model.to(chosen).eval(), prompts, how, chunk_ms=chunk_ms)


def _dtype(torch: Any, precision: str, device: str) -> Any:
    if precision == "auto":
        on_gpu = device != "cpu" and bool(torch.cuda.is_bf16_supported())
        return torch.bfloat16 if on_gpu else torch.float32
    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
