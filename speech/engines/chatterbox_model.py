"""The Chatterbox models themselves, through Resemble AI's package. Used by one thread.

`generate` of the package speaks a piece whole: speech tokens one by one, then their sound. A hook
on its transformer lets each token's step end when nobody listens any more.
"""

import importlib
import io
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from speech.engines.chatterbox_voice import from_bytes, to_bytes
from speech.engines.hub_weights import unreadable
from speech.engines.piece_speaking import pcm_of
from speech.engines.torch_worker import BROKEN, Outlet, Stopped
from speech.errors import EngineFailed, EngineUnavailable
from speech.stt import Pcm
from speech.torch_setup import choose_device, import_torch, import_torchaudio

Variant = Literal["turbo", "multilingual"]

_MODULES = {"turbo": "chatterbox.tts_turbo", "multilingual": "chatterbox.mtl_tts"}
_CLASSES = {"turbo": "ChatterboxTurboTTS", "multilingual": "ChatterboxMultilingualTTS"}

_LANGUAGES = "ar da de el en es fi fr hi it ja ko ms nl no pl pt ru sv sw tr"
LANGUAGES = {
    "turbo": frozenset({"en"}),
    "multilingual": frozenset[str](_LANGUAGES.split()),
}
"""Without Hebrew and Chinese, which the model knows: their texts need packages and tables that
chatterbox-tts doesn't bring or fetches from elsewhere while it loads."""


_SOUNDS = 6561
"""The tokens of speech that have a sound; those from there on are signs of the model's own."""


class LearnedVoice:
    """A voice that is held: its tensors, and whether it still may be spoken with."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self.tensors = tensors
        self.is_released = False

    def check(self) -> None:
        """Raises `Stopped` once the voice is released."""
        if self.is_released:
            raise Stopped


class ChatterboxModel:
    """One loaded model. Its methods run in one thread, but `read_voice`, which any may call."""

    def __init__(self, tts: Any, variant: Variant) -> None:
        """Take what `load` made: the package's own class, with its weights."""
        self._torch = import_torch()
        self._tts = tts
        self._variant: Variant = variant
        module: Any = importlib.import_module(_MODULES[variant])
        self._condition: Any = module.T3Cond
        self._conditionals: Any = module.Conditionals
        self._built_in = tts.conds

    @property
    def sample_rate_hz(self) -> int:
        """Of its audio: 24000."""
        return int(self._tts.sr)

    @property
    def has_own_voice(self) -> bool:
        """Whether the folder held a voice, conds.pt."""
        return self._built_in is not None

    def speak(
        self,
        text: str,
        outlet: Outlet,
        *,
        language: str,
        voice: LearnedVoice | None,
        settings: Mapping[str, float],
    ) -> None:
        """Put the audio of `text` in one chunk, with the package's watermark.

        Raises:
            Stopped: nobody listens any more, or the voice was released.
        """

        def check(*_: object) -> None:
            outlet.check()
            if voice is not None:
                voice.check()

        check()
        spoken = {"text": text, **settings}
        if self._variant == "multilingual":
            spoken["language_id"] = language
        with self._torch.inference_mode(), self._hooked(check):
            self._tts.conds = self._conditionals_of(voice)
            audio = self._tts.generate(**spoken)
        outlet.put(pcm_of(audio.cpu().numpy()))

    def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        """What `LearnedVoice` needs, of int16 mono audio, as safetensors.

        Raises:
            EngineFailed: no voice could be made of it.
        """
        wide = reference.astype(np.float32) / 32768.0
        evened: dict[str, bool] = {}
        try:
            if self._variant == "turbo":
                # Its own way to one loudness, but it makes float64 of it, which its model refuses
                # beside numpy 2.
                wide = np.asarray(self._tts.norm_loudness(wide, sample_rate_hz), np.float32)
                evened["norm_loudness"] = False
            file = io.BytesIO()
            soundfile.write(file, wide, sample_rate_hz, format="WAV", subtype="FLOAT")
            file.seek(0)
            with self._torch.inference_mode():
                self._tts.prepare_conditionals(file, **evened)
            return to_bytes(self._tts.conds, self._variant)
        except BROKEN as error:
            raise EngineFailed(f"chatterbox could make no voice of this: {error!r}") from error
        finally:
            self._tts.conds = self._built_in

    def read_voice(self, learned: bytes) -> LearnedVoice:
        """The voice that `learn` made.

        Raises:
            EngineFailed: the bytes are not such, or of another model.
        """
        return LearnedVoice(from_bytes(learned, self._variant))

    def _conditionals_of(self, voice: LearnedVoice | None) -> Any:
        """A new set each time: the package writes into those that it speaks with."""
        if voice is None:
            kept = self._built_in
            first = self._condition(
                speaker_emb=kept.t3.speaker_emb,
                cond_prompt_speech_tokens=kept.t3.cond_prompt_speech_tokens,
                emotion_adv=kept.t3.emotion_adv,
            )
            return self._conditionals(first, dict(kept.gen))
        of = voice.tensors
        first = self._condition(
            speaker_emb=of["speaker_emb"],
            cond_prompt_speech_tokens=of["cond_prompt_speech_tokens"],
            emotion_adv=0.5 * self._torch.ones(1, 1, 1),
        )
        second = {
            name: of[name] for name in ("prompt_token", "prompt_token_len", "prompt_feat")
        } | {"prompt_feat_len": None, "embedding": of["embedding"]}
        return self._conditionals(first, second).to(self._tts.device)

    @contextmanager
    def _hooked(self, check: Any) -> Generator[None]:
        """Call `check` before each step of the transformer, and leave no hook behind.

        The multilingual model hangs three hooks on its attention for each piece and never takes
        them off: a process would grow and slow down with every sentence.
        """
        transformer = self._tts.t3.tfmr
        watched = [layer.self_attn for layer in getattr(transformer, "layers", ())]
        before = [set(module._forward_hooks) for module in watched]
        hook = transformer.register_forward_pre_hook(check)
        try:
            yield
        finally:
            hook.remove()
            for module, own in zip(watched, before, strict=True):
                for key in [key for key in module._forward_hooks if key not in own]:
                    del module._forward_hooks[key]


def load(folder: Path, variant: Variant, *, device: str, cpu_threads: int) -> ChatterboxModel:
    """The model of `folder`. Takes about ten seconds as released.

    Args:
        folder: as `ResembleAI/chatterbox-turbo` or `ResembleAI/chatterbox` on the hub.
        variant: "turbo" or "multilingual".
        device: "auto", "cpu", "cuda" or "cuda:1".
        cpu_threads: of one operation; 0 leaves it to torch.

    Raises:
        EngineUnavailable: a package or a file is missing or broken.
    """
    torch = import_torch(cpu_threads=cpu_threads)
    chosen = choose_device(torch, device)
    import_torchaudio()  # first, and in the way that works beside a torch without CUDA
    sys.modules.setdefault("spacy_pkuseg", None)  # pyright: ignore[reportArgumentType]
    # (it would fetch a model for Chinese, which we don't speak, while Chatterbox loads)
    try:
        module: Any = importlib.import_module(_MODULES[variant])
    except (ImportError, OSError, TypeError) as error:
        raise EngineUnavailable(
            f"chatterbox-tts does not load ({error}): `make engine-chatterbox`"
        ) from error
    steps: Any = importlib.import_module("chatterbox.models.t3.t3")
    steps.tqdm = _without_a_bar
    if module.perth.PerthImplicitWatermarker is None:
        raise EngineUnavailable(
            "chatterbox: its watermarker does not load: install setuptools<81 beside it"
        )
    try:
        tts = getattr(module, _CLASSES[variant]).from_local(folder, chosen)
    except unreadable() as error:
        raise EngineUnavailable(
            f"chatterbox: the files in {folder} do not load: {error!r}"
        ) from error
    tts.s3gen.inference = _of_known_tokens(tts.s3gen.inference)
    return ChatterboxModel(tts, variant)


def _without_a_bar(steps: Any, **_: Any) -> Any:
    """Instead of a progress bar on the terminal for each piece that is spoken."""
    return steps


def _of_known_tokens(inference: Any) -> Any:
    """The sound stage without the tokens that it has no sound for.

    The package's other models drop them before; Multilingual doesn't, and one breaks its piece.
    """

    def of_known(speech_tokens: Any, **rest: Any) -> Any:
        return inference(speech_tokens=speech_tokens[speech_tokens < _SOUNDS], **rest)

    return of_known
