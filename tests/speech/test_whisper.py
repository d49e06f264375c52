"""Whisper hears, on a small model of random weights that the production code loads.

What it says means nothing; when, in which language, in which order and how it fails does.
"""

import asyncio
import shutil
import subprocess
import sys
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("faster_whisper", reason="needs the extra whisper")

from speech.engines.moonshine import weights_folder
from speech.engines.whisper import WhisperRecognizer
from speech.engines.whisper_loading import Holder, Networks
from speech.engines.whisper_options import WhisperOptions
from speech.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
)
from speech.pool import EnginePool
from speech.resampling import resample
from speech.stt import Pcm, Transcript
from tests.speech.random_whisper import build_whisper

RATE_HZ = 8_000
# A random model is never as sure as a trained one: its words are to count as they come.
LENIENT = {"log_probability": -5.0, "compression_ratio": 10.0, "fallback_temperatures": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def line() -> Pcm:
    """A man reading for 44 s, int16 mono at 8 kHz."""
    with wave.open(str(weights_folder().parent / "two_cities.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(audio.getnframes()), np.int16)
        return (resample(pcm, audio.getframerate(), RATE_HZ) * 32767).astype(np.int16)


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(2) as made:
        yield made


async def started(pool: EnginePool, folder: Path, **options: object) -> WhisperRecognizer:
    chosen = WhisperOptions.model_validate({"model": str(folder), **LENIENT, **options})
    made = WhisperRecognizer(pool, options=chosen)
    await made.start()
    return made


async def heard(whisper: WhisperRecognizer, pcm: Pcm, **how: object) -> Transcript:
    stream = whisper.open(**{"language": "en", "sample_rate_hz": RATE_HZ, **how})  # type: ignore
    for at in range(0, len(pcm), 160):
        stream.feed(pcm[at : at + 160])
    return await stream.finish()


def decodes(pool: EnginePool) -> int:
    return pool.stats.done


@pytest.mark.parametrize("max_batch", [1, 4], ids=["in the pool", "in batches"])
async def test_a_final_has_words_with_times_in_order_within_the_audio(
    pool: EnginePool, folder: Path, line: Pcm, max_batch: int
) -> None:
    whisper = await started(pool, folder, max_batch=max_batch)
    got = await heard(whisper, line[: 4 * RATE_HZ], language="hi")
    assert got.is_final
    assert (got.language, got.audio_ms) == ("hi", 4_000)
    assert got.text
    assert 0 < got.confidence <= 1
    assert [word.text for word in got.words] == got.text.split()
    times = [time for word in got.words for time in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 4_000
    assert all(0 <= word.confidence <= 1 for word in got.words)
    await whisper.close()


async def test_the_audio_decides_what_is_heard(pool: EnginePool, folder: Path, line: Pcm) -> None:
    whisper = await started(pool, folder)
    texts = {
        (await heard(whisper, line[at : at + 24_000])).text for at in range(0, 240_000, 48_000)
    }
    assert len(texts) > 1
    await whisper.close()


@pytest.mark.parametrize("max_batch", [1, 4])
async def test_sixteen_calls_at_once_hear_what_one_hears(
    pool: EnginePool, folder: Path, line: Pcm, max_batch: int
) -> None:
    whisper = await started(pool, folder, max_batch=max_batch)
    lengths = [1 + at % 4 for at in range(16)]
    clips = [line[at * 16_000 : at * 16_000 + s * RATE_HZ] for at, s in enumerate(lengths)]
    hows = [
        {"language": ("en", "hi", "mr")[at % 3], "hints": ["confirm", "cancel"][: at % 3]}
        for at in range(16)
    ]
    alone = [await heard(whisper, c, **how) for c, how in zip(clips, hows, strict=True)]
    together = await asyncio.gather(
        *(heard(whisper, c, **how) for c, how in zip(clips, hows, strict=True))
    )
    for one, other in zip(alone, together, strict=True):
        assert (one.text, one.language) == (other.text, other.language)
        # Sums of floats in another order: in a batch of another width each differs in its last
        # bits, by the machine's instruction set. Random weights magnify that, trained ones don't.
        assert one.confidence == pytest.approx(other.confidence, abs=0.05)
        assert len(one.words) == len(other.words)
    await whisper.close()


async def test_over_thirty_seconds_are_cut_at_pauses_and_heard_to_the_end(
    pool: EnginePool, folder: Path, line: Pcm
) -> None:
    whisper = await started(pool, folder)
    got = await heard(whisper, line[: 43 * RATE_HZ])
    starts = [word.start_ms for word in got.words]
    assert starts == sorted(starts)
    assert starts[-1] > 24_000
    assert all(word.start_ms <= word.end_ms <= 43_000 for word in got.words)
    await whisper.close()


@pytest.mark.parametrize(
    "pcm",
    [
        np.empty(0, np.int16),
        np.zeros(1, np.int16),
        np.zeros(RATE_HZ * 5, np.int16),
        np.full(RATE_HZ, 3_000, np.int16)[:700],
        np.random.default_rng(0).normal(0, 12, RATE_HZ * 5).astype(np.int16),
    ],
    ids=["nothing", "one sample", "silence", "88 ms", "line noise"],
)
async def test_where_nobody_speaks_nothing_is_decoded(
    pool: EnginePool, folder: Path, pcm: Pcm
) -> None:
    whisper = await started(pool, folder)
    before = decodes(pool)
    got = await heard(whisper, pcm, language="mr")
    assert (got.text, got.confidence, got.language, got.words) == ("", 0.0, "mr", ())
    assert decodes(pool) == before + 1  # it was cut, and there was nothing
    await whisper.close()


async def test_partials_in_passing_are_cheap_and_those_that_may_be_the_end_are_final(
    pool: EnginePool, folder: Path, line: Pcm
) -> None:
    whisper = await started(pool, folder, partial_every_ms=400)
    stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
    stream.feed(line[:16_000])
    passing = await stream.partial()
    assert (passing.is_final, passing.audio_ms, passing.words) == (False, 2_000, ())
    before = decodes(pool)
    assert await stream.partial() == passing  # nothing is new
    stream.feed(line[16_000:17_600])
    with pytest.raises(EngineBusy, match="too little is new"):
        await stream.partial()
    assert decodes(pool) == before
    stream.feed(line[17_600:24_000])
    assert (await stream.partial()).audio_ms == 3_000
    assert decodes(pool) > before
    urgent = await stream.partial(is_urgent=True)
    assert (urgent.is_final, urgent.audio_ms) == (False, 3_000)
    assert urgent.words
    before = decodes(pool)
    final = await stream.finish()
    assert final.is_final
    assert (final.text, final.words) == (urgent.text, urgent.words)
    assert decodes(pool) == before
    await whisper.close()


async def test_a_part_that_ended_at_a_pause_is_not_decoded_again(
    pool: EnginePool, folder: Path, line: Pcm
) -> None:
    whisper = await started(pool, folder)
    stream = whisper.open(language="hi", sample_rate_hz=RATE_HZ)
    stream.feed(line[: 30 * RATE_HZ])
    before = decodes(pool)
    await stream.partial()
    first = decodes(pool) - before
    stream.feed(line[30 * RATE_HZ : 31 * RATE_HZ])
    before = decodes(pool)
    await stream.partial()
    again = decodes(pool) - before
    assert first >= 5
    assert again <= 3  # cut, and the last part, perhaps now two
    stream.cancel()
    await whisper.close()


async def test_a_partial_in_passing_gives_way_when_others_wait(folder: Path, line: Pcm) -> None:
    async with EnginePool(1) as pool:
        whisper = await started(pool, folder)
        stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
        stream.feed(line[:16_000])
        go_on = threading.Event()
        jobs = [pool.submit(go_on.wait, 30), pool.submit(go_on.wait, 30)]
        with pytest.raises(EngineBusy):
            await stream.partial()
        go_on.set()
        await asyncio.gather(*jobs)
        assert (await stream.partial()).audio_ms == 2_000
        stream.cancel()
        await whisper.close()


async def test_cancelling_drops_what_is_queued_and_whoever_waits(folder: Path, line: Pcm) -> None:
    async with EnginePool(1) as pool:
        whisper = await started(pool, folder)
        go_on = threading.Event()
        blocker = pool.submit(go_on.wait, 30)
        stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
        stream.feed(line[:16_000])
        final = asyncio.ensure_future(stream.finish())
        while (pool.stats.running, pool.stats.queued) != (1, 1):
            await asyncio.sleep(0)
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await final
        assert pool.stats.dropped == 1
        go_on.set()
        await blocker
        with pytest.raises(EngineFailed, match="closed"):
            stream.feed(line[:80])
        assert (await heard(whisper, line[:16_000])).audio_ms == 2_000
        await whisper.close()


async def test_finishing_drops_the_partial_that_waits(folder: Path, line: Pcm) -> None:
    async with EnginePool(1) as pool:
        whisper = await started(pool, folder)
        go_on = threading.Event()
        blocker = pool.submit(go_on.wait, 30)
        stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
        stream.feed(line[:16_000])
        partial = asyncio.ensure_future(stream.partial(is_urgent=True))
        while (pool.stats.running, pool.stats.queued) != (1, 1):
            await asyncio.sleep(0)
        final = asyncio.ensure_future(stream.finish())
        with pytest.raises(asyncio.CancelledError):
            await partial
        go_on.set()
        assert (await final).is_final
        await blocker
        await whisper.close()


async def test_the_language_is_found_among_those_of_the_call_only(
    pool: EnginePool, tmp_path: Path, line: Pcm
) -> None:
    folder = build_whisper(tmp_path / "hindi", bias={"<|ta|>": 40, "<|hi|>": 20})
    whisper = await started(pool, folder)
    clip = line[: 3 * RATE_HZ]
    asked = {"language": "en", "other_languages": ["hi", "xx", "ta"]}
    assert (await heard(whisper, clip, **asked)).language == "hi"
    assert (await heard(whisper, clip, language="en", other_languages=["mr"])).language in "en mr"
    assert (await heard(whisper, clip, language="en")).language == "en"
    assert (await heard(whisper, line[:4_000], **asked)).language == "en"  # too short to tell
    await whisper.close()
    fixed = await started(pool, folder, detection="fixed")
    assert (await heard(fixed, clip, **asked)).language == "en"
    await fixed.close()


async def test_silence_by_the_models_own_word_and_loops_are_guarded(
    pool: EnginePool, tmp_path: Path, line: Pcm
) -> None:
    quiet = build_whisper(tmp_path / "quiet", bias={"<|nospeech|>": 500})
    whisper = await started(pool, quiet, log_probability=-1e-9)
    assert (await heard(whisper, line[:24_000])).text == ""
    await whisper.close()
    loop = build_whisper(tmp_path / "loop", bias={" yes": 500})
    whisper = await started(pool, loop)
    got = await heard(whisper, line[:24_000])
    assert got.text == "yes"
    assert [word.text for word in got.words] in ([], ["yes"])
    await whisper.close()


@pytest.mark.parametrize(
    ("options", "tries"),
    [
        ({"fallback_temperatures": "", "fallback_ms": 10_000}, 1),
        ({"fallback_temperatures": "0.2,0.4", "fallback_ms": 0}, 1),
        # the short window again, in full, then both temperatures; the full one is prepared too
        ({"fallback_temperatures": "0.2,0.4", "fallback_ms": 10_000}, 5),
        ({"fallback_temperatures": "0.4", "fallback_ms": 10_000, "short_window": "off"}, 2),
    ],
)
async def test_doubtful_words_are_tried_again_as_long_as_there_is_time(
    pool: EnginePool, tmp_path: Path, line: Pcm, options: dict[str, object], tries: int
) -> None:
    whisper = await started(pool, build_whisper(tmp_path, bias={" yes": 500}), **options)
    before = decodes(pool)
    assert (await heard(whisper, line[:24_000])).text == "yes"
    assert decodes(pool) - before == 1 + tries
    await whisper.close()


async def test_hints_of_any_length_are_taken(pool: EnginePool, folder: Path, line: Pcm) -> None:
    whisper = await started(pool, folder)
    hints = [f"item number {at}" for at in range(300)] + ["a book " * 50_000, "", "\x00", "😀" * 9]
    got = await heard(whisper, line[:24_000], hints=hints, language="mr", other_languages=["en"])
    assert got.is_final
    await whisper.close()


async def test_a_model_of_english_only_knows_english_only(
    pool: EnginePool, tmp_path: Path, line: Pcm
) -> None:
    whisper = await started(pool, build_whisper(tmp_path, multilingual=False))
    assert whisper.languages == {"en"}
    got = await heard(whisper, line[:24_000], other_languages=["hi"])
    assert got.language == "en"
    with pytest.raises(LanguageUnsupported, match="'hi' here, only en"):
        whisper.open(language="hi", sample_rate_hz=RATE_HZ)
    await whisper.close()
    assert WhisperRecognizer(pool, options=WhisperOptions(model="medium.en")).languages == {"en"}
    chosen = WhisperOptions(model=str(tmp_path), languages="hi,mr")
    with pytest.raises(EngineUnavailable, match="knows none of hi, mr: take a multilingual one"):
        await WhisperRecognizer(pool, options=chosen).start()


async def test_a_model_of_128_mels_works_without_its_preprocessor_file(
    pool: EnginePool, tmp_path: Path, line: Pcm
) -> None:
    build_whisper(tmp_path, mels=128)
    (tmp_path / "preprocessor_config.json").unlink()
    whisper = await started(pool, tmp_path)
    assert (await heard(whisper, line[:24_000])).text
    await whisper.close()


async def test_one_network_serves_all_who_want_the_same(pool: EnginePool, folder: Path) -> None:
    networks = Networks()
    options = WhisperOptions(model=str(folder))
    one, other, later = Holder(), Holder(), Holder()
    network, road = networks.take(one, options, pool)
    assert networks.take(other, options, pool) == (network, road)
    networks.give_back(one)
    networks.give_back(one)
    assert networks.take(later, options, pool)[0] is network
    networks.give_back(other)
    networks.give_back(later)
    fresh = Holder()
    assert networks.take(fresh, options, pool)[0] is not network
    networks.give_back(fresh)
    with pytest.raises(EngineUnavailable, match="closed before it was loaded"):
        networks.take(fresh, options, pool)


async def test_before_its_start_and_after_its_close_it_says_so(
    pool: EnginePool, folder: Path
) -> None:
    whisper = WhisperRecognizer(pool, options=WhisperOptions(model=str(folder)))
    await whisper.close()
    with pytest.raises(EngineUnavailable, match="start"):
        whisper.open(language="en", sample_rate_hz=RATE_HZ)
    await whisper.start()
    await whisper.start()
    await whisper.close()
    await whisper.close()
    with pytest.raises(EngineUnavailable, match="start"):
        whisper.open(language="en", sample_rate_hz=RATE_HZ)
    await whisper.start()
    whisper.open(language="en", sample_rate_hz=RATE_HZ).cancel()
    await whisper.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "is not there"),
        (lambda folder: (folder / "model.bin").unlink(), r"no model\.bin: make one with `ct2"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"has no tokenizer\.json"),
        (lambda folder: (folder / "model.bin").write_bytes(b"nonsense" * 99), "can't be loaded"),
        (lambda folder: (folder / "model.bin").write_bytes(b""), "can't be loaded"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda folder: (folder / "vocabulary.json").unlink(), "can't be loaded"),
    ],
    ids=["folder", "no model", "no tokenizer", "nonsense", "empty", "wrong tokenizer", "no words"],
)
async def test_a_folder_that_is_no_model_is_named_with_what_to_do(
    pool: EnginePool, folder: Path, tmp_path: Path, change: object, message: str
) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    change(broken)  # type: ignore[operator]
    with pytest.raises(EngineUnavailable, match=message) as caught:
        await started(pool, broken)
    assert str(broken) in str(caught.value)


async def test_a_device_or_a_precision_that_is_not_there_is_refused_with_the_fix(
    pool: EnginePool, folder: Path
) -> None:
    with pytest.raises(EngineUnavailable, match=r"cuda:63.*set the option device to cpu"):
        await started(pool, folder, device="cuda:63")
    with pytest.raises(EngineUnavailable, match=r"can't compute in float16.*int8"):
        await started(pool, folder, device="cpu", compute_type="float16")
    with pytest.raises(EngineUnavailable, match=r"no model 'smal'; it is .*small, "):
        await started(pool, Path("smal"))


def test_without_a_network_a_named_model_says_how_to_get_it_and_a_folder_loads(
    folder: Path, tmp_path: Path
) -> None:
    code = (
        "import asyncio, numpy as np\n"
        "from speech.pool import EnginePool\n"
        "from speech.registry import make_recognizer\n"
        "from speech.errors import EngineUnavailable\n"
        "async def main():\n"
        "    async with EnginePool(1) as pool:\n"
        f"        named = {{'model': 'small', 'download_folder': {str(tmp_path)!r}}}\n"
        "        try:\n"
        "            await make_recognizer('whisper', pool, named).start()\n"
        "        except EngineUnavailable as error:\n"
        "            print(error)\n"
        f"        here = make_recognizer('whisper', pool, {{'model': {str(folder)!r}}})\n"
        "        await here.start()\n"
        "        print(here.name, sorted(here.languages))\n"
        "        await here.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        env={"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )
    said = done.stdout.splitlines()
    assert "'small' is not on this machine and can't be downloaded" in said[0], done.stderr
    assert "download_model('small', output_dir='FOLDER')" in said[0]
    assert said[1] == "whisper ['en', 'hi', 'mr']", done.stderr


async def test_wrong_audio_is_refused(pool: EnginePool, folder: Path) -> None:
    whisper = await started(pool, folder)
    stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
    with pytest.raises(TypeError, match="int16"):
        stream.feed(np.zeros(80, np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="4000"):
        whisper.open(language="en", sample_rate_hz=0)
    stream.cancel()
    await whisper.close()
