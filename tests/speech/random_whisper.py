"""A small Whisper of random weights as a CTranslate2 folder, made with ctranslate2's own writer.

The architecture is the real one, only narrow; the vocabulary is a byte-level BPE trained on a few
sentences. What it says means nothing, but it can be told what to favour: `bias` adds to a token's
logit, and behind `ends_at_token` tokens, its prompt among them, it surely ends.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

LANGUAGES = ("en", "hi", "mr", "ta", "zh")
_CORPUS = [
    "yes no okay confirm cancel please call me back tomorrow thank you for your order",
    "please confirm the order thank you yes yes no no twenty five minutes two hundred",
    "हाँ नहीं जी ठीक है मेरा ऑर्डर कल आएगा धन्यवाद देखने के लिए धन्यवाद हाँ जी नहीं",
    "हो नाही ठीक आहे माझी ऑर्डर उद्या येईल धन्यवाद",
] * 4


def whisper_tokenizer(*, multilingual: bool = True) -> Tokenizer:
    """Text tokens below <|endoftext|>, then Whisper's special ones in their order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    special = ["<|endoftext|>", "<|startoftranscript|>"]
    special += [f"<|{language}|>" for language in LANGUAGES] if multilingual else []
    special += ["<|translate|>", "<|transcribe|>"]
    special += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def build_whisper(
    folder: Path,
    *,
    multilingual: bool = True,
    layers: int = 2,
    decoder_layers: int | None = None,
    width: int = 64,
    heads: int = 4,
    mels: int = 80,
    vocabulary: int | None = None,
    quantization: str = "int8",
    bias: Mapping[str, float] | None = None,
    ends_at_token: int = 90,
    seed: int = 0,
) -> Path:
    """Write model.bin, config.json, vocabulary.json, tokenizer.json, preprocessor_config.json.

    `bias` goes by a token's text: "<|hi|>", "<|nospeech|>", " yes". `vocabulary`: pads it with
    tokens that are never said, to the real size where time or memory is measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = whisper_tokenizer(multilingual=multilingual)
    tokens = _token_list(tokenizer, multilingual=multilingual, vocabulary=vocabulary)
    decoders_ = decoder_layers or layers
    spec = ctranslate2.specs.WhisperSpec(layers, heads, decoders_, heads)
    random = np.random.default_rng(seed)
    _fill(spec, width=width, mels=mels, tokens=len(tokens), random=random)
    _say(spec, tokenizer, tokens, bias or {}, ends_at_token)
    config = spec.config
    ids = [tokens.index(f"<|{language}|>") for language in LANGUAGES] if multilingual else []
    config.suppress_ids, config.suppress_ids_begin = [], [tokenizer.token_to_id("<|endoftext|>")]
    config.lang_ids = ids
    config.alignment_heads = [(decoders_ - 1, head) for head in range(heads)]
    spec.register_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": mels}))
    return folder


def _token_list(tokenizer: Tokenizer, *, multilingual: bool, vocabulary: int | None) -> list[str]:
    by_id = {at: token for token, at in tokenizer.get_vocab(with_added_tokens=True).items()}
    tokens = [by_id[at] for at in range(len(by_id))]
    tokens += [f"<|{at * 0.02:.2f}|>" for at in range(1501)]
    tokens += [f"<|filling{at}|>" for at in range((vocabulary or 0) - len(tokens))]
    if multilingual:
        tokens.append("")  # by this CTranslate2 knows a multilingual one
    return tokens


def _fill(spec: Any, *, width: int, mels: int, tokens: int, random: np.random.Generator) -> None:
    """Set every weight by its name and place."""

    def weights(*shape: int) -> np.ndarray:
        scale = 1 / math.sqrt(shape[1] if len(shape) > 1 else width)
        return (random.standard_normal(shape, np.float32) * scale).astype(np.float32)

    def linear(layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = weights(rows, columns), np.zeros(rows, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def attention(layer: Any, *rows: int) -> None:
        norm(layer.layer_norm)
        for part, count in zip(layer.linear, rows, strict=True):
            linear(part, count, width)

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * width, width)
        linear(layer.linear_1, width, 4 * width)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight = (weights(width, mels * 3) * 4).reshape(width, mels, 3)
    encoder.conv2.weight = weights(width, width * 3).reshape(width, width, 3)
    encoder.conv1.bias = encoder.conv2.bias = np.zeros(width, np.float32)
    encoder.position_encodings.encodings = weights(1500, width)
    norm(encoder.layer_norm)
    for layer in encoder.layer:
        attention(layer.self_attention, 3 * width, width)
        feed_forward(layer.ffn)
    decoder.embeddings.weight = weights(tokens, width)
    decoder.position_encodings.encodings = weights(448, width) * 0.1
    norm(decoder.layer_norm)
    linear(decoder.projection, tokens, width)
    for layer in decoder.layer:
        attention(layer.self_attention, 3 * width, width)
        attention(layer.attention, width, 2 * width, width)
        layer.attention.linear[0].weight *= 4  # it looks at a place of the sound, not at all of it
        layer.attention.linear[2].weight *= 3
        feed_forward(layer.ffn)


def _say(
    spec: Any,
    tokenizer: Tokenizer,
    tokens: list[str],
    bias: Mapping[str, float],
    ends_at_token: int,
) -> None:
    """Text rather than special tokens, some text rather than other, and an end."""
    values = np.full(len(tokens), -80.0, np.float32)
    end = tokenizer.token_to_id("<|endoftext|>")
    printable = [
        at
        for at in range(end)
        if (text := tokenizer.decode([at])).strip() and "\ufffd" not in text and text.isprintable()
    ]
    values[printable] = 0.0
    for at in printable:
        if tokens[at].startswith("Ġ"):  # a space: most of its tokens are whole words
            values[at] = 15.0
    languages = [tokens.index(f"<|{one}|>") for one in LANGUAGES if f"<|{one}|>" in tokens]
    values[languages] = -200.0  # they are only compared with each other
    for text, more in bias.items():
        at = tokens.index(text) if text in tokens else tokenizer.encode(text).ids[0]
        values[at] += more
    decoder = spec.decoder
    decoder.projection.bias = values
    weight = decoder.projection.weight
    weight *= 12  # sure of itself
    weight -= 30 * decoder.embeddings.weight  # and never says the same twice in a row
    # The first channel counts the tokens that were given; only the end's row looks at it.
    decoder.embeddings.weight[:, 0] = 0
    counter = np.maximum(0, np.arange(448, dtype=np.float32) - ends_at_token)
    decoder.position_encodings.encodings[:, 0] = counter
    weight[:, 0] = 0
    weight[languages] *= 0.01
    weight[end, 0] = 200
    values[end] = -15.0
