"""IndicConformer's road from audio to words, over networks that hear tones.

The released weights can't be had here. Small networks with the same inputs and outputs stand in:
each token of theirs is a tone, so that what is heard is known.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest

from speech.engines.indic_conformer import IndicConformerOptions, IndicConformerRecognizer
from speech.engines.indic_conformer_features import features, mel_bands
from speech.engines.indic_conformer_model import Token, tokens_of, words_of
from speech.errors import EngineUnavailable, LanguageUnsupported, OptionInvalid
from speech.options import read_options
from speech.pool import EnginePool
from speech.stt import Pcm, Transcript
from tests.speech.small_onnx import Node, write

BANDS = (12, 28, 44)
TONES_HZ = tuple(float(mel_bands()[band].argmax()) * 31.25 for band in BANDS)
VOCABULARY = {
    "hi": ["<unk>", "\u2581नमस्", "ते", "\u2581दुनिया", "<never>"],
    "mr": ["<unk>", "\u2581हो", "\u2581नाही", "य"],
}
COLUMNS = {"hi": (0, 1, 2, 3, 8), "mr": (4, 5, 6, 7, 8)}
NAMASTE, TE, DUNIYA = range(3)
GOLDEN = (-0.81894, 0.60497, 1.35417)


def write_networks(folder: Path, *, beside: Sequence[str] = ()) -> None:
    """The four files of a release, for networks that hear `TONES_HZ`."""
    folder.mkdir(parents=True, exist_ok=True)
    one = {name: np.array([value], np.int64) for name, value in (("zero", 0), ("axis", 2))}
    write(
        folder / "encoder.onnx",
        [
            Node("Slice", ["audio_signal", "zero", "last", "axis", "step"], ["kept"]),
            Node("Mul", ["kept", "unit"], ["outputs"]),
            Node("Add", ["length", "seven"], ["more"]),
            Node("Div", ["more", "step"], ["encoded_lengths"]),
        ],
        inputs={"audio_signal": (np.float32, [1, 80, "n"]), "length": (np.int64, [1])},
        outputs={"outputs": (np.float32, [1, 80, "m"]), "encoded_lengths": (np.int64, [1])},
        constants=one
        | {"last": np.array([2**62], np.int64), "step": np.array([8], np.int64)}
        | {"seven": np.array([7], np.int64), "unit": np.ones((80, 1), np.float32)},
        beside=beside,
    )
    weights = np.zeros((80, 9), np.float32)
    for columns in COLUMNS.values():
        for band, column in zip(BANDS, columns[1:], strict=False):
            weights[band, column] = 4.0
    bias = np.array([-40.0] + [0.0] * 3 + [-40.0] + [0.0] * 3 + [3.0], np.float32)
    write(
        folder / "ctc_decoder.onnx",
        [
            Node("Transpose", ["encoder_output"], ["turned"], {"perm": [0, 2, 1]}),
            Node("MatMul", ["turned", "weights"], ["scores"]),
            Node("Add", ["scores", "bias"], ["logprobs"]),
        ],
        inputs={"encoder_output": (np.float32, [1, 80, "m"])},
        outputs={"logprobs": (np.float32, [1, "m", 9])},
        constants={"weights": weights, "bias": bias},
    )
    masks = {code: [at in columns for at in range(9)] for code, columns in COLUMNS.items()}
    (folder / "vocab.json").write_text(json.dumps(VOCABULARY), "utf-8")
    (folder / "language_masks.json").write_text(json.dumps(masks), "utf-8")


def said(*tones: int, rate_hz: int = 16_000, tone_ms: int = 320) -> Pcm:
    """A tone for each token, with as long a silence before and behind each.

    All three tokens must be there: features are relative to their band's mean over the clip.
    """
    count = rate_hz * tone_ms // 1000
    parts = [np.zeros(count)]
    for tone in tones:
        turns = TONES_HZ[tone] * np.arange(count) / rate_hz
        parts += [np.sin(2 * np.pi * turns), np.zeros(count)]
    return (np.concatenate(parts) * 8_000).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("indic")
    write_networks(made / "assets")
    return made


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(2) as made:
        yield made


@pytest.fixture
async def engine(pool: EnginePool, folder: Path) -> AsyncIterator[IndicConformerRecognizer]:
    made = IndicConformerRecognizer(pool, options=IndicConformerOptions(model=str(folder)))
    await made.start()
    yield made
    await made.close()


async def heard(
    engine: IndicConformerRecognizer, pcm: Pcm, *, language: str = "hi", rate_hz: int = 16_000
) -> Transcript:
    stream = engine.open(language=language, sample_rate_hz=rate_hz)
    for at in range(0, len(pcm), rate_hz // 50):
        stream.feed(pcm[at : at + rate_hz // 50])
    return await stream.finish()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
async def test_tokens_become_words_with_their_times_at_every_line_rate(
    engine: IndicConformerRecognizer, rate_hz: int
) -> None:
    pcm = said(NAMASTE, TE, DUNIYA, rate_hz=rate_hz)
    got = await heard(engine, pcm, rate_hz=rate_hz)
    assert got.text == "नमस्ते दुनिया"
    assert (got.language, got.is_final, got.audio_ms) == ("hi", True, 7 * 320)
    assert 0.9 < got.confidence <= 1.0
    first, second = got.words
    assert (first.text, second.text) == ("नमस्ते", "दुनिया")
    for word, starts_ms, ends_ms in ((first, 320, 4 * 320), (second, 5 * 320, 6 * 320)):
        assert word.start_ms == pytest.approx(starts_ms, abs=100)
        assert word.end_ms == pytest.approx(ends_ms, abs=100)
        assert 0.9 < word.confidence <= 1.0


async def test_the_same_sound_is_heard_in_the_tokens_of_the_language_alone(
    engine: IndicConformerRecognizer,
) -> None:
    pcm = said(NAMASTE, TE, DUNIYA)
    assert (await heard(engine, pcm, language="mr")).text == "हो नाहीय"


async def test_a_word_said_twice_is_heard_twice(engine: IndicConformerRecognizer) -> None:
    got = await heard(engine, said(DUNIYA, DUNIYA, NAMASTE, TE))
    assert got.text == "दुनिया दुनिया नमस्ते"


async def test_a_long_utterance_is_cut_at_pauses_and_keeps_its_words_and_their_times(
    engine: IndicConformerRecognizer,
) -> None:
    times = 14
    one = said(NAMASTE, TE, DUNIYA)
    hum = 100 * np.sin(2 * np.pi * 60 * np.arange(len(one)) / 16_000)
    hum[:4_800] = hum[-4_800:] = 0  # so that it is quietest between two of them
    got = await heard(engine, np.tile(one + hum.astype(np.int16), times))
    assert got.audio_ms > 30_000
    assert got.text == " ".join(["नमस्ते दुनिया"] * times)
    starts_ms = [word.start_ms for word in got.words]
    wanted_ms = [(7 * at + 1 + 4 * second) * 320 for at in range(times) for second in (0, 1)]
    assert starts_ms == pytest.approx(wanted_ms, abs=120)


async def test_a_partial_is_what_was_said_so_far(engine: IndicConformerRecognizer) -> None:
    pcm = said(NAMASTE, TE, DUNIYA, NAMASTE, TE)
    half = 7 * len(pcm) // 11
    stream = engine.open(language="hi", sample_rate_hz=16_000)
    stream.feed(pcm[:half])
    partial = await stream.partial(is_urgent=True)
    assert (partial.text, partial.is_final) == ("नमस्ते दुनिया", False)
    stream.feed(pcm[half:])
    assert (await stream.finish()).text == "नमस्ते दुनिया नमस्ते"


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param(np.empty(0, np.int16), id="nothing"),
        pytest.param(np.zeros(16_000, np.int16), id="digital silence"),
        pytest.param(np.full(8_000, 3, np.int16), id="a line at rest"),
        pytest.param(np.full(200, 9_000, np.int16), id="a click"),
    ],
)
async def test_silence_and_clicks_are_no_words(engine: IndicConformerRecognizer, pcm: Pcm) -> None:
    got = await heard(engine, pcm)
    assert (got.text, got.words, got.confidence) == ("", (), 0.0)


async def test_many_callers_are_heard_at_once_each_in_their_language(
    engine: IndicConformerRecognizer,
) -> None:
    pcm = said(NAMASTE, TE, DUNIYA)
    codes = ["hi", "mr"] * 8
    got = await asyncio.gather(*(heard(engine, pcm, language=code) for code in codes))
    wanted = {"hi": "नमस्ते दुनिया", "mr": "हो नाहीय"}
    assert [one.text for one in got] == [wanted[code] for code in codes]


async def test_cancelling_drops_the_utterance(engine: IndicConformerRecognizer) -> None:
    stream = engine.open(language="hi", sample_rate_hz=16_000)
    stream.feed(said(NAMASTE))
    pending = asyncio.ensure_future(stream.partial(is_urgent=True))
    await asyncio.sleep(0)
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending


async def test_a_language_that_it_lacks_or_may_not_use_is_refused_by_name(
    engine: IndicConformerRecognizer, pool: EnginePool, folder: Path
) -> None:
    with pytest.raises(LanguageUnsupported, match="hears hi, mr, not 'en'"):
        engine.open(language="en", sample_rate_hz=16_000)
    given = {"model": str(folder), "languages": "mr, ta"}
    options = read_options("indic_conformer", IndicConformerOptions, given)
    only = IndicConformerRecognizer(pool, options=options)
    assert only.languages == {"mr", "ta"}
    await only.start()
    assert only.languages == {"mr"}
    with pytest.raises(LanguageUnsupported, match="hears mr, not 'hi'"):
        only.open(language="hi", sample_rate_hz=16_000)


async def test_it_says_that_it_was_not_started(pool: EnginePool) -> None:
    idle = IndicConformerRecognizer(pool)
    assert {"hi", "mr", "ta", "sat"} < idle.languages
    assert len(idle.languages) == 22
    with pytest.raises(EngineUnavailable, match="start"):
        idle.open(language="hi", sample_rate_hz=16_000)
    await idle.close()
    await idle.close()


async def test_weights_beside_the_network_are_read_from_their_own_files_through_links(
    pool: EnginePool, tmp_path: Path
) -> None:
    """As the hub's cache keeps them: every name is a link to a blob elsewhere."""
    write_networks(tmp_path / "made", beside=["unit"])
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    for number, file in enumerate(sorted((tmp_path / "made").iterdir())):
        file.rename(tmp_path / "blobs" / str(number))
        (tmp_path / "snapshot" / file.name).symlink_to(f"../blobs/{number}")
    options = IndicConformerOptions(model=str(tmp_path / "snapshot"))
    engine = IndicConformerRecognizer(pool, options=options)
    await engine.start()
    assert (await heard(engine, said(NAMASTE, TE, DUNIYA))).text == "नमस्ते दुनिया"


async def test_what_is_missing_or_broken_is_named_with_the_way_to_get_it(
    pool: EnginePool, tmp_path: Path
) -> None:
    async def refused(says: str, **options: str) -> None:
        made = IndicConformerRecognizer(
            pool,
            options=read_options(
                "indic_conformer", IndicConformerOptions, {"model": str(tmp_path), **options}
            ),
        )
        with pytest.raises(EngineUnavailable, match=says):
            await made.start()

    await refused(r"lacks encoder\.onnx, ctc_decoder\.onnx.*accept the terms .*hf download")
    write_networks(tmp_path)
    await refused("'languages' names none that the model has: it has hi, mr", languages="ta")
    await refused("no CUDA: set it to cpu", device="cuda")
    (tmp_path / "vocab.json").write_text('{"hi": ["a"], "mr": []}')
    await refused(r"vocab\.json or language_masks\.json .* is not what the release has")
    (tmp_path / "vocab.json").write_text("{")
    await refused(r"vocab\.json or language_masks\.json")
    (tmp_path / "encoder.onnx").write_bytes((tmp_path / "ctc_decoder.onnx").read_bytes())
    await refused(r"encoder\.onnx wants encoder_output, not audio_signal, length")
    (tmp_path / "encoder.onnx").write_bytes(b"\x00no network")
    await refused(r"encoder\.onnx can't be loaded")


async def test_calls_are_heard_while_the_weights_are_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_fetched = threading.Event()

    def fetch(name: str, **asked: object) -> str:
        assert is_fetched.wait(30)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    async with EnginePool(1) as pool:
        engine = IndicConformerRecognizer(pool)
        starting = asyncio.ensure_future(engine.start())
        await asyncio.sleep(0)
        try:
            assert await pool.run(lambda: "heard", deadline_s=10) == "heard"
        finally:
            is_fetched.set()
        await starting
        assert engine.languages == {"hi", "mr"}


async def test_weights_that_are_not_here_are_asked_for_with_the_terms_that_gate_them(
    pool: EnginePool, tmp_path: Path
) -> None:
    made = IndicConformerRecognizer(
        pool, options=IndicConformerOptions(model=str(tmp_path / "nowhere"))
    )
    with pytest.raises(EngineUnavailable, match=r"option 'model': there is no folder"):
        await made.start()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("device", "tpu"), ("cpu_threads", "0"), ("deadline_s", "nan")),
        *(("languages", ""), ("languages", "Hindi"), ("languages", "hi;mr")),
    ],
)
def test_a_wrong_option_is_refused_by_name(option: str, value: str) -> None:
    with pytest.raises(OptionInvalid, match=f"option '{option}"):
        read_options("indic_conformer", IndicConformerOptions, {option: value})


def test_the_token_of_the_hub_shows_in_no_text() -> None:
    options = read_options("indic_conformer", IndicConformerOptions, {"token": "hf_secret"})
    assert "hf_secret" not in repr(options)


def test_features_are_those_of_nemo() -> None:
    """The numbers are of torch.stft and librosa's mel bands, put together as NeMo does."""
    rng = np.random.default_rng(7)
    samples = 0.1 * rng.standard_normal(8_000) * np.linspace(0.1, 1, 8_000)
    made = features(samples.astype(np.float32))
    assert made.shape == (80, 51)
    assert made.dtype == np.float32
    assert made[[0, 40, 79], [0, 25, 50]] == pytest.approx(GOLDEN, abs=1e-3)
    assert made.mean(axis=1) == pytest.approx(np.zeros(80), abs=1e-5)
    assert made.std(axis=1, ddof=1) == pytest.approx(np.ones(80), abs=1e-3)


def test_features_of_too_little_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 256 samples, not 256"):
        features(np.zeros(256, np.float32))


def test_the_best_path_joins_repeats_and_drops_blanks() -> None:
    scores = np.log(
        np.array(
            [
                *([0.1, 0.1, 0.8], [0.7, 0.2, 0.1], [0.9, 0.0, 0.1], [0.1, 0.1, 0.8]),
                *([0.6, 0.2, 0.2], [0.1, 0.8, 0.1]),
            ]
        )
        + 1e-9
    )
    made = tokens_of(scores, ["\u2581a", "b"])
    assert [(token.text, token.start_ms, token.end_ms) for token in made] == [
        *(("\u2581a", 80, 240), ("\u2581a", 320, 400), ("b", 400, 480)),
    ]
    assert [token.probability for token in made] == pytest.approx([0.9, 0.6, 0.8])
    assert tokens_of(np.empty((0, 3)), ["\u2581a", "b"]) == []


def test_words_begin_at_their_mark_and_are_as_sure_as_their_tokens() -> None:
    tokens = [
        Token("x", 0, 80, 0.5),
        Token("\u2581", 80, 160, 0.9),
        Token("\u2581ab", 160, 240, 0.6),
        Token("c", 400, 480, 0.8),
    ]
    made = words_of(tokens, after_ms=1_000)
    assert [(word.text, word.start_ms, word.end_ms) for word in made] == [
        *(("x", 1_000, 1_080), ("abc", 1_160, 1_480)),
    ]
    assert made[1].confidence == pytest.approx(0.7)
