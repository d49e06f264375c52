"""XTTS v2's weights on a device, through coqui-tts: from a piece of text to parts of its audio.

It does what coqui's `Xtts.inference_stream` does, with the same layers and the same result, but
for three things: several streams may run at once (coqui keeps a stream's prefix in the model, so
that two would get into each other's), a part's audio is decoded with only as much before it as
the vocoder can see (coqui decodes all again for every part), and the first part may be short.
Runs in threads, never on the event loop.
"""

import copy
import hashlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from speech.engines.xtts_joints import Overlap, Samples
from speech.engines.xtts_text import digits_apart
from speech.engines.xtts_voice import Learned
from speech.errors import EngineFailed, EngineUnavailable
from speech.torch_setup import choose_device, import_torch, import_torchaudio

Precision = Literal["auto", "float32", "float16", "bfloat16"]

FILES = ("config.json", "vocab.json", "model.pth")
SPEAKERS_FILE = "speakers_xtts.pth"

REFERENCE_RATE_HZ = 22_050
"""Of the recording that a voice is learned from; the model's style encoder was trained at it."""

HOP_SAMPLES = 256
"""The vocoder's audio for one of its input frames, at 24 kHz."""

CONTEXT_FRAMES = 14
"""What the vocoder sees on either side of a frame: 3 frames in its first convolution, 1 in its
first upsampling, 60 samples in the widest residual block of each later stage (at 8, 64, 128 and 256
samples a frame: 7.5, 0.9, 0.5 and 0.2). With less, joints differ from the audio made in one go."""

OVERLAP_SAMPLES = 1024
"""43 ms, coqui's own: the end of a part is decoded without what follows it, and faded into the next
part, which knows."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What to load, and how."""

    folder: Path
    device: str = "auto"  # "auto", "cpu", "cuda" or "cuda:1"
    precision: Precision = "auto"  # of the language model; the vocoder always has 32 bits
    cpu_threads: int = 0  # of one operation; 0 leaves torch's own choice


@dataclass(frozen=True, slots=True)
class Saying:
    """One piece of text, and how it is to be said."""

    text: str
    language: str  # ISO 639-1
    voice: Learned
    rate: float = 1.0
    first_tokens: int = 20  # decoded before the first part; a token is 46 ms
    part_tokens: int = 20
    most_tokens: int = 600
    never_stops: bool = False  # for measuring: all `most_tokens`


class XttsModel:
    """The weights, once a process. Several threads may `say` at once."""

    def __init__(self, torch: Any, model: Any, device: str, dtype: Any) -> None:
        self._torch = torch
        self._model: Any = model
        self._dtype = dtype
        self.device = device
        self.precision = str(dtype).rpartition(".")[2]
        self.steps = 0  # tokens decoded since it was loaded, all streams together
        self.version = _fingerprint(model)
        self.sample_rate_hz = int(model.args.output_sample_rate)
        self.channels = int(model.args.gpt_n_model_channels)
        self.speaker_numbers = int(model.args.d_vector_dim)
        self.most_text_tokens = int(model.args.gpt_max_text_tokens) - 1
        self.most_audio_tokens = int(model.gpt.max_gen_mel_tokens)
        self.languages = frozenset(str(name).partition("-")[0] for name in model.config.languages)
        if dtype != torch.float32:
            _lower_precision(torch, model.gpt, dtype)

    @classmethod
    def load(cls, how: Loading) -> "XttsModel":
        """Read the weights: 1.7 GB, and as much again while they are read.

        Raises:
            EngineUnavailable: a file, a package or the device is missing, or doesn't fit.
        """
        missing = [name for name in FILES if not (how.folder / name).is_file()]
        if missing:
            raise EngineUnavailable(
                f"no {', '.join(missing)} in {how.folder}: set model to the folder of an XTTS v2 "
                "model, or to download"
            )
        torch = import_torch(cpu_threads=how.cpu_threads)
        device = choose_device(torch, how.device)
        import_torchaudio()
        try:
            xtts: Any = importlib.import_module("TTS.tts.models.xtts")
            configs: Any = importlib.import_module("TTS.tts.configs.xtts_config")
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineUnavailable(f"coqui-tts does not load: {error}") from error
        try:
            config = configs.XttsConfig()
            config.load_json(str(how.folder / "config.json"))
            model = xtts.Xtts(config)
            model.load_checkpoint(config, checkpoint_dir=str(how.folder), use_deepspeed=False)
            model.requires_grad_(False).to(device)
        except Exception as error:  # tokenizers raises no other, and a damaged file may do anything
            raise EngineUnavailable(
                f"{how.folder} holds no XTTS v2 model that loads on {device}: {error!r:.300}"
            ) from error
        _bake_weight_norm(torch, model.hifigan_decoder)
        precision = how.precision
        if precision == "auto":
            precision = "float16" if device.startswith("cuda") else "float32"
        loaded = cls(torch, model, device, getattr(torch, precision))
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        return loaded

    def built_in_voices(self) -> dict[str, Learned]:
        """By name, in the file's order; none where the folder has no `speakers_xtts.pth`."""
        held: Any = self._model.speaker_manager
        found: dict[str, Learned] = {}
        speakers = cast(dict[str, Any], held.speakers if held is not None else {})
        for name, numbers in speakers.items():
            style, speaker = numbers["gpt_cond_latent"], numbers["speaker_embedding"]
            found[str(name)] = Learned(style.float().cpu().numpy(), speaker.float().cpu().numpy())
        return found

    def longest_chars(self, language: str) -> int:
        """Characters of a piece in a language, by coqui-tts's table."""
        return int(self._model.tokenizer.char_limits.get(language, 250))

    def count_tokens(self, text: str, language: str) -> int:
        """How many the tokenizer makes of a piece.

        Raises:
            EngineFailed: it can't be read in that language.
        """
        return len(self._encoded(text, language))

    def learn(self, reference: Samples) -> Learned:
        """A voice from float32 mono at `REFERENCE_RATE_HZ`; at most 30 s are used.

        Raises:
            EngineFailed: the model breaks on it.
        """
        config = self._model.config
        audio = self._torch.from_numpy(reference[None, : 30 * REFERENCE_RATE_HZ].copy())
        try:
            with self._torch.inference_mode():
                speaker = self._model.get_speaker_embedding(audio, REFERENCE_RATE_HZ)
                style = self._model.get_gpt_cond_latents(
                    audio,
                    REFERENCE_RATE_HZ,
                    length=int(config.gpt_cond_len),
                    chunk_length=int(config.gpt_cond_chunk_len),
                )
        except _RUNNING_ERRORS as error:
            raise EngineFailed(f"no voice could be learned: {error!r:.300}") from error
        return Learned(style.float().cpu().numpy(), speaker.float().cpu().numpy())

    def say(
        self, saying: Saying, is_stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[Samples]:
        """Yield the piece's audio in parts, float32 mono at `sample_rate_hz`.

        It ends early, before the next token, where `is_stopped` says so.

        Raises:
            EngineFailed: the model breaks on it.
        """
        torch = self._torch
        own = _own_state(self._model)
        cuda = torch.cuda.stream(torch.cuda.Stream(self.device)) if "cuda" in self.device else None
        speaker = torch.from_numpy(saying.voice.speaker).to(self.device)
        overlap = Overlap(OVERLAP_SAMPLES)
        latents: list[Any] = []
        wanted = saying.first_tokens
        try:
            with cuda or nullcontext():
                for latent in self._latents(own, saying):
                    if is_stopped():
                        return
                    latents.append(latent)
                    if len(latents) >= wanted:
                        wanted += saying.part_tokens
                        yield overlap.push(self._decoded(latents, speaker, saying.rate, overlap))
                if latents:
                    last = self._decoded(latents, speaker, saying.rate, overlap)
                    yield overlap.push(last, is_last=True)
        except _RUNNING_ERRORS as error:
            if "cuda" in self.device:
                torch.cuda.empty_cache()
            raise EngineFailed(f"xtts broke on {saying.text[:40]!r}: {error!r:.300}") from error

    def free(self) -> None:
        """Let go of the weights; whoever still says something in it breaks."""
        self._model = None
        if "cuda" in self.device:
            self._torch.cuda.empty_cache()

    def _latents(self, own: Any, saying: Saying) -> Iterator[Any]:
        """The language model's output for each token, shape (1, channels), as it is decoded."""
        torch, config = self._torch, self._model.config
        tokens = torch.tensor([self._encoded(saying.text, saying.language)], device=self.device)
        style = torch.from_numpy(saying.voice.style).to(self.device, self._dtype)
        with torch.inference_mode():
            generator = own.gpt.get_generator(
                fake_inputs=own.gpt.compute_embeddings(style, tokens),
                top_k=int(config.top_k),
                top_p=float(config.top_p),
                temperature=float(config.temperature),
                do_sample=True,
                num_beams=1,
                num_return_sequences=1,
                length_penalty=float(config.length_penalty),
                repetition_penalty=float(config.repetition_penalty),
                output_attentions=False,
                output_hidden_states=True,
                return_dict_in_generate=True,
                suppress_tokens=[own.gpt.stop_audio_token] if saying.never_stops else None,
            )
        try:
            for number, (_, latent) in enumerate(generator, start=1):
                self.steps += 1
                yield latent
                if number >= saying.most_tokens:
                    return
        finally:
            generator.close()

    def _decoded(self, latents: list[Any], speaker: Any, rate: float, overlap: Overlap) -> Samples:
        """Audio of the piece from `overlap.position` on, with all that the vocoder sees before."""
        torch, decoder = self._torch, self._model.hifigan_decoder
        stretch = torch.nn.functional.interpolate
        with torch.inference_mode():
            # As coqui does it: first the rate, then the vocoder's frames, then its sample rate.
            frames = torch.cat(latents, dim=0).float().T[None]
            for factor in (
                1.0 / rate,
                decoder.ar_mel_length_compression / decoder.output_hop_length,
                decoder.output_sample_rate / decoder.input_sample_rate,
            ):
                if factor != 1.0:
                    frames = stretch(frames, scale_factor=[factor], mode="linear")
            at = overlap.position // HOP_SAMPLES
            start = max(0, at - CONTEXT_FRAMES)
            audio = decoder.waveform_decoder(frames[:, :, start:], g=speaker)
        seen = overlap.position - start * HOP_SAMPLES
        return cast(npt.NDArray[np.float32], audio.flatten().float().cpu().numpy())[seen:]

    def _encoded(self, text: str, language: str) -> list[int]:
        # coqui-tts lowers it first; its tokenizer then spells out numbers and abbreviations.
        encode, plain = self._model.tokenizer.encode, text.strip().lower()
        try:
            return list(encode(plain, lang=language))
        except _ENCODING_ERRORS:  # some numbers of some languages, such as 0.000001
            plain = digits_apart(plain)
        try:
            return list(encode(plain, lang=language))
        except _ENCODING_ERRORS as error:
            raise EngineFailed(
                f"xtts can't read {text[:40]!r} in {language}: {error!r:.300}"
            ) from error


_RUNNING_ERRORS = (
    *(RuntimeError, ValueError, LookupError, AssertionError),
    *(TypeError, AttributeError, ArithmeticError, MemoryError),
)
"""What torch and coqui-tts raise; running out of the GPU's memory is a RuntimeError."""

_ENCODING_ERRORS = (*_RUNNING_ERRORS, ImportError)


def _own_state(model: Any) -> Any:
    """The same weights with a place of their own for what a stream keeps in the model.

    coqui-tts stores the prefix (voice and text) in `gpt_inference` and asks its length at every
    token: two streams over one would decode with each other's.
    """
    own, gpt = _twin(model), _twin(model.gpt)
    vars(gpt)["_modules"]["gpt_inference"] = _twin(model.gpt.gpt_inference)
    vars(own)["_modules"]["gpt"] = gpt
    return own


def _twin(module: Any) -> Any:
    """A shallow copy of a torch module whose parts can be replaced without touching its own."""
    twin = copy.copy(module)
    vars(twin)["_modules"] = dict(cast(dict[str, Any], vars(module)["_modules"]))
    return twin


def _lower_precision(torch: Any, gpt: Any, dtype: Any) -> None:
    """Give `dtype` to all that runs once a token; what learns a voice keeps its 32 bits."""
    positions = (gpt.mel_pos_embedding, gpt.text_pos_embedding)
    for part in (gpt.gpt, *positions, gpt.text_embedding, gpt.mel_embedding, gpt.mel_head):
        part.to(dtype)
    gpt.final_norm.to(dtype)
    # coqui-tts replaces GPT-2's positions by zeros of 32 bits, to which the sum would be raised.
    nothing = torch.zeros((1, 1, gpt.model_dim), dtype=dtype, device=gpt.mel_head.weight.device)
    gpt.gpt.wpe = lambda _: nothing  # pyright: ignore[reportUnknownLambdaType]


def _bake_weight_norm(torch: Any, decoder: Any) -> None:
    """Compute the vocoder's normed weights once, not for every part."""
    parametrize = torch.nn.utils.parametrize
    for module in list(decoder.waveform_decoder.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")


def _fingerprint(model: Any) -> str:
    """Tells one set of weights from another: of a few small tensors that any training changes."""
    digest = hashlib.sha256()
    for tensor in (
        model.gpt.mel_head.bias,
        model.gpt.final_norm.weight,
        model.hifigan_decoder.waveform_decoder.conv_post.weight,
        model.hifigan_decoder.speaker_encoder.fc.bias,
    ):
        digest.update(np.ascontiguousarray(tensor.detach().float().cpu().numpy()).tobytes())
    return digest.hexdigest()[:12]
