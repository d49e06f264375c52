"""flite: where it is installed it speaks; where it isn't, it says how to get it."""

import asyncio
import shutil
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest

from speech.engines.flite import FliteSynthesizer
from speech.errors import EngineFailed, EngineUnavailable, LanguageUnsupported, VoiceUnknown
from speech.tts import SpeechRequest

installed = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


async def spoken(
    flite: FliteSynthesizer, text: str, voice: str | None = None, rate: float = 1.0
) -> np.ndarray:
    async with aclosing(flite.synthesize(SpeechRequest(text, "en", voice, rate))) as chunks:
        return np.concatenate([np.empty(0, np.int16), *[chunk async for chunk in chunks]])


def script(folder: Path, body: str) -> str:
    path = folder / "flite"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@installed
async def test_every_voice_speaks_and_ends_in_60_ms_of_silence() -> None:
    flite = FliteSynthesizer()
    await flite.start()
    for voice in flite.voices:
        audio = await spoken(flite, "Yes, confirm the order.", voice.name)
        assert 0.8 < len(audio) / flite.sample_rate_hz < 4
        assert np.abs(audio[-960:]).max() <= 64 < np.abs(audio[-961])


@installed
async def test_a_higher_rate_is_faster() -> None:
    slow, natural, fast = [
        len(await spoken(FliteSynthesizer(), "It is ready in ten minutes", rate=rate))
        for rate in (0.5, 1.0, 2.0)
    ]
    assert slow > 1.5 * natural > 1.5 * 1.5 * fast


@installed
@pytest.mark.parametrize("text", ["", "  \n", "...", "\0", "\ud800"])
async def test_what_has_no_words_is_silent(text: str) -> None:
    assert len(await spoken(FliteSynthesizer(), text)) == 0


@installed
@pytest.mark.parametrize(
    "text", ["-voice kal", "a\nb\0c", "/etc/passwd", "x" * 350, "hello 😀 \ud83d", "word " * 150]
)
async def test_odd_text_is_spoken(text: str) -> None:
    assert len(await spoken(FliteSynthesizer(), text)) > 0


@installed
async def test_many_at_once_each_get_their_own_words() -> None:
    flite = FliteSynthesizer()
    texts = [f"number {index}" for index in range(6)]
    alone = [await spoken(flite, text) for text in texts]
    together = await asyncio.gather(*(spoken(flite, text) for text in texts))
    assert all(map(np.array_equal, alone, together))


async def test_cancelling_kills_the_program(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = script(tmp_path, f"echo $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nsleep 60")
    speaking = asyncio.ensure_future(spoken(FliteSynthesizer(program=program), "hello"))
    async with asyncio.timeout(30):
        while not pid_file.exists():
            await asyncio.sleep(0.01)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert not psutil.pid_exists(int(pid_file.read_text()))


async def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    flite = FliteSynthesizer(program=script(tmp_path, "echo no such voice >&2; exit 3"))
    with pytest.raises(EngineFailed, match="status 3: no such voice"):
        await spoken(flite, "hello")


@pytest.mark.parametrize("body", ["exit 0", 'for f; do :; done; echo junk > "$f"'])
async def test_a_program_that_writes_no_audio_is_not_believed(tmp_path: Path, body: str) -> None:
    flite = FliteSynthesizer(program=script(tmp_path, body))
    with pytest.raises(EngineFailed, match="wrote no audio"):
        await spoken(flite, "hello")
    with pytest.raises(EngineUnavailable, match="apt-get install flite"):
        await flite.start()


async def test_without_the_program_it_says_how_to_get_it() -> None:
    flite = FliteSynthesizer(program="no-such-flite")
    with pytest.raises(EngineUnavailable, match="apt-get install flite"):
        await flite.start()
    with pytest.raises(EngineUnavailable, match="apt-get install flite"):
        await spoken(flite, "hello")


async def test_what_it_can_not_speak_is_refused_with_what_it_can() -> None:
    flite = FliteSynthesizer()
    with pytest.raises(VoiceUnknown, match="'nobody', only slt, rms, awb, kal16"):
        await spoken(flite, "hello", "nobody")
    with pytest.raises(ValueError, match=r"0\.5\.\.2\.0"):
        await spoken(flite, "hello", rate=float("nan"))
    with pytest.raises(LanguageUnsupported, match="'hi', only en"):
        async for _ in flite.synthesize(SpeechRequest("नमस्ते", "hi")):
            pass


async def test_a_full_or_missing_temporary_folder_is_a_failure_of_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    flite = FliteSynthesizer(program=script(tmp_path, "exit 0"))
    with pytest.raises(EngineFailed, match="can't be run"):
        await spoken(flite, "hello")
    with pytest.raises(EngineUnavailable, match="apt-get install flite"):
        await flite.start()
