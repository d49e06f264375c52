"""Chatterbox's own classes with fewer layers and random weights, saved and loaded as released."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from speech.engines.chatterbox import ChatterboxOptions, ChatterboxSynthesizer
from speech.torch_setup import import_torchaudio

REASON = "chatterbox's own environment: make engine-chatterbox"
SPECIAL = ["[START]", "[STOP]", "[UNK]", "[SPACE]", "[PAD]", "[SEP]", "[CLS]", "[MASK]"]
STOP_SPEECH = 6562


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Nothing may be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # read when the hub's package is first imported
        yield


@pytest.fixture(scope="session")
def chatterbox(offline: None) -> Iterator[Any]:
    """The package, whose constants of size are small ones in this process."""
    pytest.importorskip("torch", reason=REASON)
    import_torchaudio()
    package = pytest.importorskip("chatterbox", reason=REASON)
    from chatterbox.models.s3gen import s3gen
    from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS
    from s3tokenizer.model_v2 import S3TokenizerV2

    def smaller(of: Any, **sizes: Any) -> Callable[..., Any]:
        return lambda **given: of(**(given | sizes))

    with pytest.MonkeyPatch.context() as patch:
        gpt = {"n_layer": 2, "n_embd": 64, "hidden_size": 64, "n_head": 4, "n_positions": 4096}
        patch.setitem(LLAMA_CONFIGS, "GPT2_medium", LLAMA_CONFIGS["GPT2_medium"] | gpt)
        # 14 of 30 layers: the last that its watch over the alignment looks at is the 14th.
        llama = {"num_hidden_layers": 14, "intermediate_size": 64}
        patch.setitem(LLAMA_CONFIGS, "Llama_520M", LLAMA_CONFIGS["Llama_520M"] | llama)
        patch.setattr(
            s3gen,
            "ConditionalDecoder",
            smaller(s3gen.ConditionalDecoder, n_blocks=1, num_mid_blocks=1),
        )
        patch.setattr(
            s3gen,
            "UpsampleConformerEncoder",
            smaller(s3gen.UpsampleConformerEncoder, num_blocks=1, linear_units=64),
        )
        defaults = S3TokenizerV2.__init__.__defaults__
        assert defaults
        patch.setattr(defaults[0], "n_audio_layer", 1)
        yield package


@pytest.fixture(scope="session")
def turbo(chatterbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.t3.modules.t3_config import T3Config
    from chatterbox.models.voice_encoder import VoiceEncoder
    from safetensors.torch import save_file
    from transformers import PreTrainedTokenizerFast

    torch.manual_seed(3)
    made = tmp_path_factory.mktemp("turbo")
    settings = T3Config(text_tokens_dict_size=50276)  # as `from_local` sets it up
    settings.llama_config_name = "GPT2_medium"
    settings.speech_tokens_dict_size = 6563
    settings.input_pos_emb = None
    settings.speech_cond_prompt_len = 375
    settings.use_perceiver_resampler = False
    settings.emotion_adv = False
    t3 = T3(settings)
    with torch.no_grad():
        t3.speech_head.bias[STOP_SPEECH] = 5.0  # ends after some 40 tokens, 1.6 s
    save_file(t3.state_dict(), made / "t3_turbo_v1.safetensors")
    save_file(S3Gen(meanflow=True).state_dict(), made / "s3gen_meanflow.safetensors")
    save_file(VoiceEncoder().state_dict(), made / "ve.safetensors")
    PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), pad_token="[PAD]", eos_token="[STOP]"
    ).save_pretrained(made)
    save_voice(made)
    return made


@pytest.fixture(scope="session")
def multilingual(chatterbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.t3.modules.t3_config import T3Config
    from chatterbox.models.voice_encoder import VoiceEncoder
    from safetensors.torch import save_file

    torch.manual_seed(5)
    made = tmp_path_factory.mktemp("multilingual")
    t3 = T3(T3Config.multilingual())
    with torch.no_grad():
        # Forty likely tokens, half of them at a time: two alike in a row are what the model's
        # watch over repetitions ends a piece at, after about thirty.
        direction = torch.randn(1024)
        t3.speech_head.weight.zero_()
        t3.speech_head.weight[:20] = direction
        t3.speech_head.weight[20:40] = -direction
    save_file(t3.state_dict(), made / "t3_mtl23ls_v2.safetensors")
    torch.save(S3Gen().state_dict(), made / "s3gen.pt")
    torch.save(VoiceEncoder().state_dict(), made / "ve.pt")
    byte_tokenizer().save(str(made / "grapheme_mtl_merged_expanded_v1.json"))
    save_voice(made)
    return made


def byte_tokenizer() -> Any:
    """Every text of every script, a token a byte; the package's own tokens as they are."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Its settings know [STOP] as 0 and [START] as 255.
    vocabulary = {"[STOP]": 0, "[START]": 255}
    free = (place for place in range(1, 400) if place != 255)
    for sign in [*signs, *SPECIAL]:
        if sign not in vocabulary:
            vocabulary[sign] = next(free)
    inner = Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.add_tokens([AddedToken(sign, normalized=False) for sign in SPECIAL])
    return inner


def save_voice(folder: Path) -> None:
    """A voice of half a second, conds.pt."""
    import torch
    from chatterbox.models.t3.modules.cond_enc import T3Cond
    from chatterbox.tts import Conditionals

    first = T3Cond(
        speaker_emb=torch.rand(1, 256),
        cond_prompt_speech_tokens=torch.randint(0, 6561, (1, 12)),
        emotion_adv=0.5 * torch.ones(1, 1, 1),
    )
    second = {
        "prompt_token": torch.randint(0, 6561, (1, 12)),
        "prompt_token_len": torch.tensor([12]),
        "prompt_feat": torch.randn(1, 24, 80),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192),
    }
    Conditionals(first, second).save(folder / "conds.pt")


def started(folder: Path, variant: Any) -> ChatterboxSynthesizer:
    options = ChatterboxOptions(
        variant=variant, model=str(folder), device="cpu", max_streams=2, cpu_threads=1
    )
    made = ChatterboxSynthesizer(options=options)
    asyncio.run(made.start())
    return made


@pytest.fixture(scope="session")
def engine(turbo: Path) -> Iterator[ChatterboxSynthesizer]:
    made = started(turbo, "turbo")
    yield made
    asyncio.run(made.close())


@pytest.fixture(scope="session")
def polyglot(multilingual: Path) -> Iterator[ChatterboxSynthesizer]:
    made = started(multilingual, "multilingual")
    yield made
    asyncio.run(made.close())
