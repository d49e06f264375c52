"""espeak-ng in its worker: what it says, and what happens when the worker dies or hangs."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest

from speech.engines.espeak import EspeakSynthesizer, library_folder, pieces
from speech.engines.espeak_process import EspeakProcess
from speech.errors import EngineFailed, EngineUnavailable, LanguageUnsupported, VoiceUnknown
from speech.tts import SpeechRequest

SENTENCES = {
    "en": "Hello. This is an automated call about your order.",
    "hi": "नमस्ते, आपका ऑर्डर तैयार है।",
    "mr": "नमस्कार, तुमची ऑर्डर तयार आहे.",
}


def make_process(command: tuple[str, ...] = (), quiet_s: float = 5.0) -> EspeakProcess:
    folder = library_folder()
    return EspeakProcess(
        library=folder / "libespeak-ng.so",
        data=folder / "espeak-ng-data",
        command=command,
        quiet_s=quiet_s,
    )


@pytest.fixture
async def process() -> AsyncIterator[EspeakProcess]:
    made = make_process()
    yield made
    await made.close()


@pytest.fixture
async def espeak(process: EspeakProcess) -> EspeakSynthesizer:
    made = EspeakSynthesizer(process=process)
    await made.start()
    return made


async def spoken(
    espeak: EspeakSynthesizer,
    text: str,
    language: str = "en",
    voice: str | None = None,
    rate: float = 1.0,
) -> np.ndarray:
    request = SpeechRequest(text, language, voice, rate)
    async with aclosing(espeak.synthesize(request)) as chunks:
        return np.concatenate([np.empty(0, np.int16), *[chunk async for chunk in chunks]])


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
async def test_each_language_is_spoken_and_ends_in_60_ms_of_silence(
    espeak: EspeakSynthesizer, language: str
) -> None:
    audio = await spoken(espeak, SENTENCES[language], language)
    assert audio.dtype == np.int16
    assert 1.5 < len(audio) / espeak.sample_rate_hz < 6
    tail = espeak.sample_rate_hz * 60 // 1000
    assert np.abs(audio[-tail:]).max() <= 64 < np.abs(audio[-tail - 1])


async def test_every_voice_speaks_and_no_two_sound_the_same(espeak: EspeakSynthesizer) -> None:
    sounds: set[bytes] = set()
    for voice in espeak.voices:
        audio = await spoken(espeak, SENTENCES[voice.language], voice.language, voice.name)
        assert len(audio) > espeak.sample_rate_hz
        sounds.add(audio.tobytes())
    assert len(sounds) == len(espeak.voices)


async def test_the_first_voice_of_a_language_is_its_default(espeak: EspeakSynthesizer) -> None:
    for language in espeak.languages:
        first = next(v.name for v in espeak.voices if v.language == language)
        named = await spoken(espeak, SENTENCES[language], language, first)
        unnamed = await spoken(espeak, SENTENCES[language], language)
        # The generator's phase runs on from the text before: samples differ, the voice doesn't.
        assert len(named) == pytest.approx(len(unnamed), rel=0.002)


async def test_a_higher_rate_is_faster(espeak: EspeakSynthesizer) -> None:
    slow, natural, fast = [
        len(await spoken(espeak, SENTENCES["en"], rate=rate)) for rate in (0.5, 1.0, 2.0)
    ]
    assert slow > 1.5 * natural > 1.5 * 1.5 * fast


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\0\x01\x02", "...", "\u200b", "\ud800"])
async def test_what_has_no_words_is_silent(espeak: EspeakSynthesizer, text: str) -> None:
    assert len(await spoken(espeak, text)) == 0


@pytest.mark.parametrize(
    "text",
    [
        "line one\nline two\r\n\tline three",
        "a\0b",
        "<speak><break time='60s'/>hello</speak>",
        "[[h@l'oU]] hello & goodbye <audio src='/etc/passwd'/>",
        "\x01+90r hello",
        "hello 😀 world 👩‍👩‍👧",
        "hello \ud83d world",
        "नमस्ते hello مرحبا 你好",
        "a" * 5_000,
    ],
)
async def test_odd_text_is_spoken_and_the_worker_lives(
    espeak: EspeakSynthesizer, process: EspeakProcess, text: str
) -> None:
    pid = process.pid
    assert len(await spoken(espeak, text)) > 0
    assert len(await spoken(espeak, "hello")) > 0
    assert process.pid == pid


async def test_markup_is_not_obeyed(espeak: EspeakSynthesizer) -> None:
    audio = await spoken(espeak, "<break time='60s'/> hello")
    assert len(audio) / espeak.sample_rate_hz < 10


async def test_a_long_text_comes_in_pieces_and_a_short_one_overtakes_it(
    espeak: EspeakSynthesizer,
) -> None:
    async with aclosing(
        espeak.synthesize(SpeechRequest("This is one sentence of many. " * 340, "en"))
    ) as long:
        await anext(long)
        assert len(await spoken(espeak, "hello")) > 0
        rest = sum([len(chunk) async for chunk in long])
    assert rest / espeak.sample_rate_hz > 300


def test_pieces_lose_no_word_and_end_at_sentences() -> None:
    text = "Hello there. How are you, my friend? " * 60 + "x" * 700 + " the end"
    cut = pieces(text)
    assert "".join("".join(cut).split()) == "".join(text.split())
    assert max(map(len, cut)) <= 300
    assert all(piece[-1] in ".?" for piece in cut[:5])


async def test_twenty_calls_at_once_each_get_their_own_words(espeak: EspeakSynthesizer) -> None:
    texts = ["again " * count for count in (*range(1, 20, 2), *range(20, 1, -2))]
    sounds = await asyncio.gather(*(spoken(espeak, text) for text in texts))
    by_words = sorted(zip(map(len, texts), map(len, sounds), strict=True))
    lengths = [length for _, length in by_words]
    assert all(shorter < longer for shorter, longer in itertools.pairwise(lengths))


async def test_closing_early_stops_the_engine_and_the_next_is_served(
    espeak: EspeakSynthesizer, process: EspeakProcess
) -> None:
    pid = process.pid
    for _ in range(20):
        async with aclosing(espeak.synthesize(SpeechRequest("word " * 2_000, "en"))) as chunks:
            await anext(chunks)
    assert len(await spoken(espeak, "hello")) > 0
    assert process.pid == pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_worker_that_was_killed_is_replaced_unnoticed(
    espeak: EspeakSynthesizer, process: EspeakProcess, number: signal.Signals
) -> None:
    pid = process.pid
    assert pid is not None
    os.kill(pid, number)
    assert len(await spoken(espeak, "hello")) > 0
    assert process.pid not in (None, pid)


async def test_ctrl_c_is_not_for_the_worker(
    espeak: EspeakSynthesizer, process: EspeakProcess
) -> None:
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert len(await spoken(espeak, "hello")) > 0
    assert process.pid == pid


async def test_a_death_in_the_middle_of_a_sentence_is_told_and_the_next_request_works(
    process: EspeakProcess,
) -> None:
    stream = process.speak(voice="gmw/en", words_per_minute=160, text="word " * 60_000)
    async with aclosing(stream):
        assert len(await anext(stream)) > 0
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(EngineFailed, match="died"):
            async for _ in stream:
                pass
    again = process.speak(voice="gmw/en", words_per_minute=160, text="hello")
    assert [chunk async for chunk in again]


async def test_a_worker_that_hangs_is_killed_and_replaced() -> None:
    process = make_process(quiet_s=1.0)
    espeak = EspeakSynthesizer(process=process)
    await espeak.start()
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert len(await spoken(espeak, "hello")) > 0
    assert not psutil.pid_exists(pid)
    await espeak.close()


async def test_a_worker_that_hangs_is_replaced_though_everybody_gives_it_up_early() -> None:
    process = make_process(quiet_s=0.5)
    espeak = EspeakSynthesizer(process=process)
    await espeak.start()
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await spoken(espeak, "hello")
    async with asyncio.timeout(20):
        while process.pid == pid:
            await asyncio.sleep(0.01)
        assert len(await spoken(espeak, "hello")) > 0
    await espeak.close()


async def test_a_worker_that_has_nothing_to_do_is_left_in_peace() -> None:
    process = make_process(quiet_s=0.2)
    espeak = EspeakSynthesizer(process=process)
    await espeak.start()
    pid = process.pid
    await asyncio.sleep(0.6)
    assert len(await spoken(espeak, "hello")) > 0
    assert process.pid == pid
    await espeak.close()


async def test_a_worker_that_only_dies_fails_the_request_after_two_tries(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import sys, struct\n"
        "sys.stdout.buffer.write(struct.pack('<IBI', 5, 2, 0) + struct.pack('<I', 22050) + b'1')\n"
        "sys.stdout.flush()\n"
        "sys.stdin.buffer.read(9)\n"
    )
    espeak = EspeakSynthesizer(process=make_process((sys.executable, str(script))))
    with pytest.raises(EngineFailed, match="died"):
        await spoken(espeak, "hello")
    await espeak.close()


async def test_a_worker_that_sends_nonsense_is_not_believed(tmp_path: Path) -> None:
    script = tmp_path / "nonsense.py"
    script.write_text(
        "import sys, time\nsys.stdout.buffer.write(b'\\xff' * 99)\nsys.stdout.flush()\n"
        "sys.stdin.buffer.read()\n"
    )
    espeak = EspeakSynthesizer(process=make_process((sys.executable, str(script))))
    with pytest.raises(EngineUnavailable, match="did not come up"):
        await espeak.start()
    await espeak.close()


async def test_a_library_that_does_not_load_is_named(tmp_path: Path) -> None:
    process = EspeakProcess(library=tmp_path / "none.so", data=tmp_path / "data")
    with pytest.raises(EngineUnavailable, match=r"none\.so"):
        await EspeakSynthesizer(process=process).start()
    await process.close()


async def test_the_worker_ends_with_the_engine_and_with_a_parent_that_was_killed() -> None:
    process = make_process()
    await process.start()
    assert process.pid is not None
    worker = psutil.Process(process.pid)
    await process.close()
    assert not worker.is_running()
    with pytest.raises(EngineUnavailable, match="closed"):
        await process.start()

    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, time\n"
        "from speech.engines.espeak import EspeakSynthesizer\n"
        "async def main():\n"
        "    espeak = EspeakSynthesizer()\n"
        "    await espeak.start()\n"
        "    print('up', flush=True)\n"
        "    time.sleep(60)\n"
        "asyncio.run(main())\n",
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"up\n"
    (worker,) = psutil.Process(parent.pid).children()
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(psutil.wait_procs, [worker], 30)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


async def test_the_gpl_library_is_in_the_worker_and_not_in_this_process(
    espeak: EspeakSynthesizer, process: EspeakProcess
) -> None:
    def libraries(pid: int | None) -> set[str]:
        return {Path(mapped.path).name for mapped in psutil.Process(pid).memory_maps()}

    assert len(await spoken(espeak, "hello")) > 0
    assert any("espeak" in name for name in libraries(process.pid))
    assert not any("espeak" in name for name in libraries(os.getpid()))


async def test_what_it_can_not_speak_is_refused_with_what_it_can(
    espeak: EspeakSynthesizer,
) -> None:
    with pytest.raises(LanguageUnsupported, match="'fr', only en, hi, mr"):
        await spoken(espeak, "bonjour", "fr")
    with pytest.raises(VoiceUnknown, match="no voice 'nobody', only en-us"):
        await spoken(espeak, "hello", voice="nobody")
    for voice in ("en-us+", "en-us+nobody", "../../etc/passwd", "en-us+../m3", ""):
        with pytest.raises(VoiceUnknown):
            await spoken(espeak, "hello", voice=voice)
    with pytest.raises(VoiceUnknown, match="speaks hi, not en"):
        await spoken(espeak, "hello", voice="hi")
    with pytest.raises(ValueError, match=r"0\.5\.\.2\.0"):
        await spoken(espeak, "hello", rate=3.0)
