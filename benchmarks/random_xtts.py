"""An XTTS v2 with random weights, in a folder as the real one comes: it loads and runs like it.

    write_model(folder)                      2 layers of 64 channels, 90 MB
    write_model(folder, FULL)                the real one's size, 1.7 GB

It says nothing: its audio is noise. What it costs and how it streams are the real architecture's.
Needs coqui-tts; run it in that engine's environment.
"""

import importlib
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.torch_setup import import_torch, import_torchaudio

LANGUAGES = [
    "en",
    "es",
    "fr",
    "de",
    "it",
    "pt",
    "pl",
    "tr",
    "ru",
    "nl",
    "cs",
    "ar",
    "zh-cn",
    "hu",
    "ko",
    "ja",
    "hi",
]
CHANNELS_OF_A_VOICE = 512


@dataclass(frozen=True, slots=True)
class Size:
    """What differs between a small model and the real one."""

    layers: int = 2
    channels: int = 64
    heads: int = 4
    stop_bias: float = -30.0  # raises or lowers the odds that an utterance ends with each token
    top_k: int = 1  # 1: the same text always gives the same audio
    most_audio_tokens: int = 605  # an utterance ends there at the latest


FULL = Size(layers=30, channels=1024, heads=16)


def write_model(
    folder: Path, size: Size = Size(), *, speakers: Sequence[str] = ("Ana", "Bela"), seed: int = 7
) -> Path:
    """Write config.json, vocab.json, model.pth and speakers_xtts.pth; returns `folder`."""
    torch = import_torch()
    import_torchaudio()
    config = _config(size)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(_vocabulary()), encoding="utf-8")
    config.save_json(str(folder / "config.json"))
    xtts: Any = importlib.import_module("TTS.tts.models.xtts")
    layers: Any = importlib.import_module("TTS.tts.layers.xtts.tokenizer")
    torch.manual_seed(seed)
    model = xtts.Xtts(config)
    model.tokenizer = layers.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    with torch.no_grad():
        model.gpt.mel_head.bias[config.model_args.gpt_stop_audio_token] = size.stop_bias
    # The older form of the file has no config in it: it is loaded as it is.
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    voices = {
        name: {
            "gpt_cond_latent": torch.randn(1, 32, size.channels),
            "speaker_embedding": torch.nn.functional.normalize(
                torch.randn(1, CHANNELS_OF_A_VOICE, 1), dim=1
            ),
        }
        for name in speakers
    }
    if voices:
        torch.save(voices, folder / "speakers_xtts.pth")
    return folder


def _config(size: Size) -> Any:
    """XTTS v2's settings, as its config.json has them, but for the size."""
    configs: Any = importlib.import_module("TTS.tts.configs.xtts_config")
    arguments = configs.XttsArgs(
        gpt_layers=size.layers,
        gpt_n_model_channels=size.channels,
        gpt_n_heads=size.heads,
        gpt_max_audio_tokens=size.most_audio_tokens,
        gpt_num_audio_tokens=1026,
        gpt_start_audio_token=1024,
        gpt_stop_audio_token=1025,
        gpt_use_perceiver_resampler=True,
        gpt_code_stride_len=1024,
        decoder_input_dim=size.channels,
    )
    return configs.XttsConfig(
        model_args=arguments,
        languages=list(LANGUAGES),
        temperature=0.75,
        length_penalty=1.0,
        repetition_penalty=5.0,
        top_k=size.top_k,
        top_p=0.85,
        gpt_cond_len=30,
        gpt_cond_chunk_len=4,
        max_ref_len=30,
    )


def _vocabulary() -> dict[str, Any]:
    """A tokenizer of single characters, in the form of the tokenizers library."""
    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{name}]" for name in LANGUAGES)]
    devanagari = [chr(code) for code in range(0x0900, 0x0980)]
    characters = [*string.ascii_lowercase, *"0123456789.,!?'-:;", *devanagari]
    vocabulary = {token: number for number, token in enumerate([*special, *characters])}
    added = [
        {
            "id": vocabulary[token],
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in special
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }
