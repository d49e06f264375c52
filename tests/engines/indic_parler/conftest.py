"""Parler-TTS's own architecture, small and with random weights, saved and loaded as released."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speech.engines.indic_parler import IndicParlerOptions, IndicParlerSynthesizer
from speech.torch_setup import import_torchaudio

CODEBOOKS = 3
CODES = 64
END = CODES  # the token that ends a codebook; CODES + 1 begins one
REASON = "indic_parler's own environment: make engine-indic_parler"


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Nothing may be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # read when the hub's package is first imported
        yield


@pytest.fixture(scope="session")
def parler(offline: None) -> Any:
    pytest.importorskip("torch", reason=REASON)
    import_torchaudio()
    return pytest.importorskip("parler_tts", reason=REASON)


@pytest.fixture(scope="session")
def folder(parler: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import DacConfig, T5Config

    torch.manual_seed(11)
    made = tmp_path_factory.mktemp("indic_parler")
    encoder = T5Config(
        vocab_size=300, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, is_gated_act=True
    )
    codec = DacConfig(
        encoder_hidden_size=8,
        downsampling_ratios=[4, 4, 4],
        decoder_hidden_size=64,
        n_codebooks=CODEBOOKS,
        codebook_size=CODES,
        codebook_dim=4,
        sampling_rate=8000,  # 125 frames a second, near the 86 of the released one
    )
    decoder = parler.ParlerTTSDecoderConfig(
        vocab_size=CODES + 2,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=64,
        num_codebooks=CODEBOOKS,
        max_position_embeddings=4096,
        pad_token_id=END,
        bos_token_id=END + 1,
        eos_token_id=END,
    )
    config = parler.ParlerTTSConfig.from_sub_models_config(
        encoder,
        codec,
        decoder,
        vocab_size=300,
        prompt_cross_attention=False,
        pad_token_id=END,
        decoder_start_token_id=END + 1,
    )
    model = parler.ParlerTTSForConditionalGeneration(config)
    settings = model.generation_config
    settings.decoder_start_token_id = END + 1
    settings.pad_token_id = settings.eos_token_id = END
    settings.bos_token_id = END + 1
    settings.do_sample = True
    settings.max_length = 3750  # 30 s
    settings.min_length = 150  # random weights would end at any step
    model.save_pretrained(made)
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(made)
    tokenizer.save_pretrained(made / "description_tokenizer")
    return made


def byte_tokenizer() -> Any:
    """Every text of every script, a token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    signs = ["<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE({sign: place for place, sign in enumerate(signs)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


@pytest.fixture(scope="session")
def engine(folder: Path) -> Iterator[IndicParlerSynthesizer]:
    options = IndicParlerOptions(
        model=str(folder), device="cpu", chunk_ms=200, max_streams=2, cpu_threads=1
    )
    made = IndicParlerSynthesizer(options=options)
    asyncio.run(made.start())
    yield made
    asyncio.run(made.close())
