"""flite: four English voices, clearer than espeak-ng, where the program is installed.

It is a small program with a permissive licence and no weights to download. A sentence takes up to
40 ms, so it is run once a request, off the loop, and killed when the request is cancelled. It
can't stream: its audio comes when the sentence is finished.
"""

import asyncio
import io
import os
import re
import shutil
import signal
import tempfile
import wave
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import numpy as np

from speech.errors import EngineFailed, EngineUnavailable, LanguageUnsupported, VoiceUnknown
from speech.silence import TailTrimmer
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

HOW_TO_GET_IT = "install it with `apt-get install flite` (Debian, Ubuntu) or `dnf install flite`"

_VOICES = (
    Voice("slt", "en", "English (America), female"),
    Voice("rms", "en", "English (America), male"),
    Voice("awb", "en", "English (Scotland), male"),
    Voice("kal16", "en", "English (America), male, plain"),
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TIMEOUT_S = 20.0  # a piece takes 0.5 s; 300 letters to be spelled take 5 s
_PIECE_CHARS = 300  # of a long text: the first is heard while the next is made


class FliteSynthesizer:
    """Implements `speech.tts.Synthesizer`. All its voices are at 16 kHz."""

    def __init__(self, *, program: str = "flite", at_once: int = 2) -> None:
        """Look for nothing yet.

        Args:
            program: its name on the PATH, or its path.
            at_once: processes that may run at the same time; more would fight for the cores.
        """
        self._program = program
        self._slots = asyncio.Semaphore(at_once)

    @property
    def name(self) -> str:
        return "flite"

    @property
    def version(self) -> str:
        return "2"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

    @property
    def voices(self) -> tuple[Voice, ...]:
        return _VOICES

    @property
    def expression(self) -> Expression:
        return Expression(rates=(0.5, 2.0))

    @property
    def sample_rate_hz(self) -> int:
        return 16_000

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, ending in 60 ms of silence; nothing for a text without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineUnavailable: flite is not installed.
            EngineFailed: it failed, or hung.
            ValueError: the rate is not 0.5..2.0.
        """
        voice = request.voice or _VOICES[0].name
        if request.language != "en":
            raise LanguageUnsupported(f"flite does not speak {request.language!r}, only en")
        if voice not in {known.name for known in _VOICES}:
            names = ", ".join(known.name for known in _VOICES)
            raise VoiceUnknown(f"flite has no voice {voice!r}, only {names}")
        if not 0.5 <= request.rate <= 2.0:
            raise ValueError(f"rate must be 0.5..2.0, not {request.rate}")
        trimmer = TailTrimmer(sample_rate_hz=self.sample_rate_hz)
        for piece in _pieces(request.text):
            if len(ready := trimmer.push(await self._spoken(piece, voice, request.rate))):
                yield ready
        if len(tail := trimmer.finish()):
            yield tail

    async def start(self) -> None:
        """Speak one word to nobody.

        Raises:
            EngineUnavailable: flite is not installed or does not speak.
        """
        try:
            await self._spoken("ready", _VOICES[0].name, 1.0)
        except EngineFailed as error:
            raise EngineUnavailable(f"flite does not speak ({error}): {HOW_TO_GET_IT}") from error

    async def close(self) -> None:
        """Nothing is held."""

    async def _spoken(self, text: str, voice: str, rate: float) -> Pcm:
        """All audio of one piece."""
        program = shutil.which(self._program)
        if program is None:
            raise EngineUnavailable(f"flite is not installed: {HOW_TO_GET_IT}")
        # flite writes its header's length last, so it needs a file, and reads text from one.
        options = ("-voice", voice, "--setf", f"duration_stretch={1 / rate:.3f}")
        try:
            async with self._slots:
                with tempfile.TemporaryDirectory(prefix="callwright-flite-") as folder:
                    text_file, wave_file = Path(folder, "text"), Path(folder, "wave")
                    await asyncio.to_thread(text_file.write_text, text, "utf-8", "ignore")
                    await _run(program, *options, "-f", str(text_file), "-o", str(wave_file))
                    return await asyncio.to_thread(_read_wave, wave_file)
        except OSError as error:  # no room, no temporary folder, no process
            raise EngineFailed(f"flite can't be run: {error}") from error


async def _run(*command: str) -> None:
    """Run flite to its end; kill it on cancellation or time-out."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # so that a wrapper script dies with what it runs
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, complaint = await process.communicate()
    except TimeoutError as error:
        raise EngineFailed(f"flite did not end within {_TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        said = complaint.decode(errors="replace").strip()[-200:]
        raise EngineFailed(f"flite ended with status {process.returncode}: {said}")


def _read_wave(path: Path) -> Pcm:
    """The audio of a WAV file, int16 mono, at 16 kHz.

    Raises:
        EngineFailed: there is none, or it is something else.
    """
    try:
        with wave.open(io.BytesIO(path.read_bytes())) as audio:
            kind = (audio.getnchannels(), audio.getsampwidth(), audio.getframerate())
            if kind != (1, 2, 16_000):
                raise EngineFailed(f"flite wrote {kind} instead of 16 kHz 16-bit mono")
            return np.frombuffer(audio.readframes(audio.getnframes()), "<i2").astype(np.int16)
    except (OSError, EOFError, wave.Error) as error:
        raise EngineFailed(f"flite wrote no audio: {error!r}") from error


def _pieces(text: str) -> list[str]:
    """`text` on one line, cut between words; nothing if there is no letter or digit in it."""
    words = _CONTROLS.sub(" ", text).split()
    made: list[str] = []
    for word in words:
        if made and len(made[-1]) + len(word) < _PIECE_CHARS:
            made[-1] += " " + word
        else:
            made.append(word[:_PIECE_CHARS])
    return [piece for piece in made if any(char.isalnum() for char in piece)]
