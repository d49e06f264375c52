"""What the engines weigh: counted on their real architectures, without their weights.

    .engines/xtts/bin/python -m benchmarks.engine_sizes xtts
    .engines/kokoro/bin/python -m benchmarks.engine_sizes kokoro
    .engines/indic_parler/bin/python -m benchmarks.engine_sizes indic_parler
    .engines/chatterbox/bin/python -m benchmarks.engine_sizes chatterbox
    python -m benchmarks.engine_sizes whisper          (with the extra whisper)

torch's engines are built by their own packages, most on the device "meta", which holds shapes and
no numbers; Whisper by CTranslate2's own writer, with random weights in full size, and the file is
weighed. What a stream needs besides is its key-value cache at its longest, counted. The figures
stand in `speech/gpu_sizes.py`.
"""

import argparse
import importlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from speech.torch_setup import import_torch, import_torchaudio

MIB = 1 << 20
XTTS_TOKENS = 32 + 402 + 605  # of the voice, of the text, of the sound: the most of one piece
PARLER_STEPS, PARLER_TEXT = 2580, 128  # 30 s at 86 a second; of the description and the prompt
T3_TOKENS = 34 + 400 + 1000  # of the voice and feeling, of the text, of 40 s of sound
WHISPER_FRAMES, WHISPER_TOKENS = 1500, 448


@dataclass(frozen=True, slots=True)
class Counted:
    """One part of a model."""

    part: str
    parameters: int
    weights_bytes: int
    cache_bytes: int = 0  # of a stream at its longest
    how: str = "counted"


def xtts() -> Iterator[Counted]:
    """The language model in 32 or 16 bits; what learns voices and the vocoder stay in 32."""
    import_torchaudio()
    from benchmarks.random_xtts import FULL, write_model

    models: Any = importlib.import_module("TTS.tts.models.xtts")
    layers: Any = importlib.import_module("TTS.tts.layers.xtts.tokenizer")
    configs: Any = importlib.import_module("TTS.tts.configs.xtts_config")
    with tempfile.TemporaryDirectory() as made:
        folder = write_model(Path(made), speakers=())
        config = configs.XttsConfig()
        config.load_json(str(folder / "config.json"))
        sizes = config.model_args
        sizes.gpt_layers, sizes.gpt_n_heads = FULL.layers, FULL.heads
        sizes.gpt_n_model_channels = sizes.decoder_input_dim = FULL.channels
        model = models.Xtts(config)
        model.tokenizer = layers.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
        model.tokenizer.get_number_tokens = lambda: 6681  # of the released vocabulary
        model.init_models()  # its filter banks ask for numbers, so not on "meta"
    gpt = _parameters(model.gpt.gpt) + _parameters(model.gpt.mel_head)
    gpt += _parameters(model.gpt.mel_embedding) + _parameters(model.gpt.text_embedding)
    rest = _parameters(model) - gpt
    for name, size in (("float16", 2), ("float32", 4)):
        cache = 30 * 2 * 1024 * XTTS_TOKENS * size
        weights = gpt * size + rest * 4
        yield Counted(f"all, its language model in {name}", gpt + rest, weights, cache)


def kokoro() -> Iterator[Counted]:
    """32 bits; it makes a piece in one go, so it has no cache."""
    torch = import_torch()
    package: Any = importlib.import_module("kokoro")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.json")
        config.write_text(json.dumps(_KOKORO), encoding="utf-8")
        nothing = Path(folder, "nothing")
        torch.save({}, nothing)
        model = package.KModel(repo_id="hexgrad/Kokoro-82M", config=str(config), model=str(nothing))
    count = _parameters(model)
    yield Counted("all, float32", count, count * 4)


def indic_parler() -> Iterator[Counted]:
    """Flan-T5 large, 24 layers of decoder and DAC's codec of 44.1 kHz, all in one precision."""
    torch = import_torch()
    import_torchaudio()
    parler: Any = importlib.import_module("parler_tts")
    hub: Any = importlib.import_module("transformers")
    encoder = hub.T5Config(**_FLAN_T5_LARGE)
    codec = hub.DacConfig(n_codebooks=9, codebook_size=1024, codebook_dim=8, sampling_rate=44_100)
    decoder = parler.ParlerTTSDecoderConfig(
        vocab_size=1088, num_hidden_layers=24, num_attention_heads=16, ffn_dim=4096,
        hidden_size=1024, num_codebooks=9, max_position_embeddings=4096,
    )  # fmt: skip
    config = parler.ParlerTTSConfig.from_sub_models_config(
        encoder, codec, decoder, vocab_size=90_712, prompt_cross_attention=False
    )
    with torch.device("meta"):
        model = parler.ParlerTTSForConditionalGeneration(config)
    count = _parameters(model)
    for name, size in (("bfloat16", 2), ("float32", 4)):
        cache = 24 * 2 * 1024 * (PARLER_STEPS + PARLER_TEXT * 2) * size
        yield Counted(f"all, {name}", count, count * size, cache)


def chatterbox() -> Iterator[Counted]:
    """Both variants, 32 bits. The codec is built with numbers: it makes some of them itself."""
    torch = import_torch()
    import_torchaudio()
    t3s: Any = importlib.import_module("chatterbox.models.t3")
    configs: Any = importlib.import_module("chatterbox.models.t3.modules.t3_config")
    s3: Any = importlib.import_module("chatterbox.models.s3gen")
    ve: Any = importlib.import_module("chatterbox.models.voice_encoder")
    turbo = configs.T3Config(text_tokens_dict_size=50276)
    turbo.llama_config_name, turbo.speech_tokens_dict_size = "GPT2_medium", 6563
    turbo.input_pos_emb, turbo.speech_cond_prompt_len = None, 375
    turbo.use_perceiver_resampler = turbo.emotion_adv = False
    voice = _parameters(ve.VoiceEncoder())
    for name, config, meanflow, layers in (
        ("multilingual", configs.T3Config.multilingual(), False, 30),
        ("turbo", turbo, True, 24),
    ):
        with torch.device("meta"):
            t3 = _parameters(t3s.T3(config))
        count = t3 + _parameters(s3.S3Gen(meanflow=meanflow)) + voice
        rows = 2 if name == "multilingual" else 1  # guidance speaks it twice
        cache = layers * 2 * 1024 * T3_TOKENS * 4 * rows
        yield Counted(f"{name}, float32", count, count * 4, cache)


def whisper() -> Iterator[Counted]:
    """The file is what CTranslate2 loads; in 8 bits it keeps the rest in 16 on a GPU."""
    from benchmarks.whisper import SIZES, VOCABULARY
    from tests.speech.random_whisper import build_whisper

    for name, size in SIZES.items():
        for precision in ("int8_float16", "float16"):
            with tempfile.TemporaryDirectory() as made:
                folder = build_whisper(
                    Path(made),
                    **size,  # pyright: ignore[reportArgumentType]
                    vocabulary=VOCABULARY,
                    quantization=precision,
                )
                weighs = (folder / "model.bin").stat().st_size
            layers, width = size["decoder_layers"], size["width"]
            # Its 30 s as the decoder sees them, once; what was said, for each of five beams.
            tokens = WHISPER_FRAMES + WHISPER_TOKENS * 5
            cache = layers * 2 * width * tokens * 2 + WHISPER_FRAMES * width * 2
            how = "file of random weights, weighed"
            yield Counted(f"{name}, {precision}", 0, weighs, cache, how)


ENGINES: dict[str, Callable[[], Iterator[Counted]]] = {
    engine.__name__: engine for engine in (xtts, kokoro, indic_parler, chatterbox, whisper)
}


def _parameters(model: Any) -> int:
    """Parameters and buffers: a GPU holds both. Shared ones count once, as they are stored."""
    return sum(part.numel() for part in {*model.parameters(), *model.buffers()})


_FLAN_T5_LARGE = {
    "vocab_size": 32_128, "d_model": 1024, "d_kv": 64, "d_ff": 2816, "num_layers": 24,
    "num_heads": 16, "is_gated_act": True, "feed_forward_proj": "gated-gelu",
}  # fmt: skip
_KOKORO: dict[str, Any] = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64, "dropout": 0.2, "hidden_dim": 512, "max_dur": 50, "n_layer": 3, "n_mels": 80,
    "n_token": 178, "style_dim": 128, "text_encoder_kernel_size": 5, "max_conv_dim": 512,
    "plbert": {
        "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 2048,
        "max_position_embeddings": 512, "num_hidden_layers": 12, "dropout": 0.1,
    },
    "vocab": {chr(97 + place): place + 1 for place in range(26)},
}  # fmt: skip


def main() -> None:
    """Count one engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("engine", choices=sorted(ENGINES))
    table = Table("part", "parameters", "weights MiB", "bytes", "a stream's cache MiB", "how")
    for found in ENGINES[parser.parse_args().engine]():
        table.add_row(
            found.part,
            f"{found.parameters / 1e6:.1f} M" if found.parameters else "",
            f"{found.weights_bytes / MIB:.0f}",
            str(found.weights_bytes),
            f"{found.cache_bytes / MIB:.0f}" if found.cache_bytes else "",
            found.how,
        )
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
