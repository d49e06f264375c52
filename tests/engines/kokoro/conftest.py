"""Kokoro's own architecture with random weights and a small vocoder, loaded as users' files are."""

import asyncio
import json
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from speech.engines.kokoro import KokoroOptions, KokoroSynthesizer

SIGNS = (
    ';:,.!?—…"()“” ' + string.ascii_lowercase + "AIOQSTWYᵊɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧ"
    "ʊʋʌɣɤχʎʒʔˈˌːʰʲᵻ\u0303"
)
CONFIG = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5]],  # of three as released
        "resblock_kernel_sizes": [3],
        "upsample_initial_channel": 512,
    },
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_dur": 3,  # 50 as released: random weights would hold each phoneme for 0.6 s
    "n_layer": 3,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "plbert": {
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 2048,
        "max_position_embeddings": 512,
        "num_hidden_layers": 2,  # 12 as released; they share their weights
        "dropout": 0.1,
    },
    "vocab": {sign: place for place, sign in enumerate(SIGNS, start=1)},
}
VOICES = ("af_heart", "bm_george", "hf_alpha", "hm_omega", "jf_alpha")


@pytest.fixture(scope="session")
def folder(offline: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch", reason="kokoro's own environment: make engine-kokoro")
    kokoro = pytest.importorskip("kokoro", reason="kokoro's own environment: make engine-kokoro")
    torch.manual_seed(7)
    made = tmp_path_factory.mktemp("kokoro")
    (made / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    torch.save({}, made / "nothing")
    model = kokoro.KModel(
        repo_id="hexgrad/Kokoro-82M", config=str(made / "config.json"), model=str(made / "nothing")
    )
    parts = ("bert", "bert_encoder", "predictor", "decoder", "text_encoder")
    torch.save(
        {part: getattr(model, part).state_dict() for part in parts}, made / "kokoro-v1_0.pth"
    )
    (made / "voices").mkdir()
    for voice in VOICES:
        torch.save(torch.randn(510, 1, 256) * 0.1, made / "voices" / f"{voice}.pt")
    return made


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Nothing may be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # read when the hub's package is first imported
        yield


@pytest.fixture(scope="session")
def engine(folder: Path, offline: None) -> Iterator[KokoroSynthesizer]:
    made = KokoroSynthesizer(
        options=KokoroOptions(model=str(folder), device="cpu", max_streams=2, cpu_threads=1)
    )
    asyncio.run(made.start())
    yield made
    asyncio.run(made.close())
