"""Kyutai's own architecture, made small, with random weights, loaded as users' files are."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speech.engines.kyutai import KyutaiOptions, KyutaiSynthesizer

WIDTH = 64
SUFFIX = ".1e68beda@240.safetensors"
VOICES = (
    *("vctk/p225_023.wav", "vctk/p228_023.wav"),
    "cml-tts/fr/10087_11650_000028-0002.wav",
)

# As kyutai/tts-1.6b-en_fr, with fewer and narrower layers, 8 codebooks of 32, a shorter delay.
CONFIG: dict[str, Any] = {
    "card": 64,
    "n_q": 8,
    "dep_q": 8,
    "delays": [0, 0, *[2] * 7],
    "dim": WIDTH,
    "text_card": 200,
    "existing_text_padding_id": 3,
    "num_heads": 4,
    "num_layers": 2,
    "hidden_scale": 2,
    "causal": True,
    "layer_scale": None,
    "context": 500,
    "max_period": 10_000,
    "gating": "silu",
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_dim": 32,
    "depformer_num_heads": 4,
    "depformer_num_layers": 1,
    "depformer_dim_feedforward": 64,
    "depformer_multi_linear": True,
    "depformer_pos_emb": "none",
    "depformer_weights_per_step": True,
    "depformer_weights_per_step_schedule": [0, 1, 2, 3, 4, 4, 5, 5],
    "depformer_low_rank_embeddings": 16,
    "demux_second_stream": True,
    "text_card_out": None,
    "cross_attention": True,
    "conditioners": {
        "speaker_wavs": {"type": "tensor", "tensor": {"dim": 16}},
        "cfg": {
            "type": "lut",
            "lut": {
                "n_bins": 7,
                "dim": 16,
                "tokenizer": "noop",
                "possible_values": ["1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"],
            },
        },
        "control": {
            "type": "lut",
            "lut": {"n_bins": 1, "dim": 16, "tokenizer": "noop", "possible_values": ["ok"]},
        },
    },
    "fuser": {
        "cross_attention_pos_emb": True,
        "cross_attention_pos_emb_scale": 1,
        "sum": ["control", "cfg"],
        "prepend": [],
        "cross": ["speaker_wavs"],
    },
    "tts_config": {"audio_delay": 0.4, "second_stream_ahead": 2},
    "model_id": {"sig": "1e68beda", "epoch": 240},
    "model_type": "tts",
    "lm_gen_config": {"temp": 0.6, "text_temp": 0.6},
    "tokenizer_name": "tokenizer.model",
    "mimi_name": "mimi.safetensors",
    "moshi_name": "dsm_tts.safetensors",
    "mimi_config_name": "mimi.json",
}


def mimi_config(released: dict[str, Any]) -> dict[str, Any]:
    """The released codec's config, narrower."""
    seanet = released["seanet"] | {"dimension": WIDTH, "n_filters": 8}
    transformer = released["transformer"] | {
        "d_model": WIDTH,
        "num_heads": 4,
        "num_layers": 1,
        "dim_feedforward": WIDTH,
        "input_dimension": WIDTH,
        "output_dimensions": [WIDTH],
    }
    quantizer = released["quantizer"] | {
        "dimension": 16,
        "n_q": 8,
        "bins": 64,
        "input_dimension": WIDTH,
        "output_dimension": WIDTH,
    }
    return released | {"seanet": seanet, "transformer": transformer, "quantizer": quantizer}


def write_tokenizer(path: Path) -> None:
    """200 pieces of a few sentences; 0 is unknown, 3 padding, as Kyutai numbers them."""
    sentencepiece = pytest.importorskip("sentencepiece")
    lines = [
        "Good morning, this is a call about your order of two boxes.",
        "Bonjour, tout est prêt",
    ]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 20),
        model_writer=model,
        vocab_size=200,
        hard_vocab_limit=False,
        model_type="bpe",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


@pytest.fixture(scope="session")
def folder(offline: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch", reason="kyutai's own environment: make engine-kyutai")
    loaders = pytest.importorskip(
        "moshi.models.loaders", reason="kyutai's own environment: make engine-kyutai"
    )
    from safetensors.torch import save_file

    torch.manual_seed(7)
    made = tmp_path_factory.mktemp("kyutai")
    small = mimi_config(loaders._mimi_config)
    (made / "mimi.json").write_text(json.dumps(small), encoding="utf-8")
    (made / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    mimi = loaders.get_mimi(None, small, num_codebooks=8)
    with torch.no_grad():  # untrained codebooks are zeros, and so would be the sound
        for name, value in mimi.named_buffers():
            if name.endswith("embedding_sum"):
                value.normal_()
            elif name.endswith("cluster_usage"):
                value.fill_(1.0)
    save_file({k: v.contiguous() for k, v in mimi.state_dict().items()}, made / "mimi.safetensors")
    dropped = ("moshi_name", "mimi_name", "mimi_config_name", "tokenizer_name", "model_type")
    dropped += ("lm_gen_config", "tts_config", "model_id")
    of_lm = {key: value for key, value in CONFIG.items() if key not in dropped}
    of_lm = json.loads(json.dumps(of_lm))  # the package writes into it
    lm = loaders.get_moshi_lm(None, of_lm, dtype=torch.float32)
    with torch.no_grad():
        for value in lm.parameters():
            if not bool(torch.isfinite(value).all()) or not bool(value.any()):
                value.normal_(std=0.1)
    save_file({k: v.clone() for k, v in lm.state_dict().items()}, made / "dsm_tts.safetensors")
    write_tokenizer(made / "tokenizer.model")
    for voice in VOICES:
        file = made / "voices" / f"{voice}{SUFFIX}"
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({"speaker_wavs": torch.randn(1, 16, 25)}, file)
    return made


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Nothing may be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # read when the hub's package is first imported
        yield


@pytest.fixture(scope="session")
def engine(folder: Path, offline: None) -> Iterator[KyutaiSynthesizer]:
    options = KyutaiOptions(
        model=str(folder),
        voices=str(folder / "voices"),
        codebooks=8,
        device="cpu",
        cpu_threads=1,
    )
    made = KyutaiSynthesizer(options=options)
    asyncio.run(made.start())
    yield made
    asyncio.run(made.close())
