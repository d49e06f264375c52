"""The recordings that CosyVoice is shown with each text: a folder of NAME.wav and NAME.txt."""

import wave
from dataclasses import dataclass, field
from pathlib import Path

from speech.errors import EngineUnavailable

_SHORTEST_S, _LONGEST_S = 3.0, 30.0
"""CosyVoice refuses more than 30 s; of less than 3 s it makes no voice."""

_LEAST_RATE_HZ = 16_000  # of a recording: CosyVoice refuses less
_MOST_BYTES = 12_000_000  # 30 s of stereo at 96 kHz
_MOST_WORDS_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Recording:
    """One voice."""

    wav: bytes = field(repr=False)  # a WAV file
    words: str = field(repr=False)  # what is said in it; "" where that isn't known


def recordings_of(folder: str) -> dict[str, Recording]:
    """The voices of a folder, by name. Blocks.

    Raises:
        EngineUnavailable: there is none, or one can't be used; names it.
    """
    where = Path(folder).expanduser()
    if not folder or not where.is_dir():
        raise EngineUnavailable(
            f"cosyvoice: option 'voices' is {folder!r}: give a folder with a recording NAME.wav "
            "of 3 to 30 s for each voice"
        )
    try:
        found = {file.stem: _recording(file) for file in sorted(where.glob("*.wav"))}
    except (OSError, UnicodeDecodeError) as error:
        raise EngineUnavailable(f"cosyvoice: a voice in {where} can't be read: {error}") from error
    if not found:
        raise EngineUnavailable(f"cosyvoice: option 'voices': {where} holds no NAME.wav")
    return found


def _recording(file: Path) -> Recording:
    if file.stat().st_size > _MOST_BYTES:
        raise EngineUnavailable(f"cosyvoice: {file} is too large: cut it to under 30 s")
    try:
        with wave.open(str(file)) as audio:
            seconds = audio.getnframes() / audio.getframerate()
            rate_hz = audio.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise EngineUnavailable(
            f"cosyvoice: {file} is no WAV file of plain PCM: {error}"
        ) from error
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise EngineUnavailable(f"cosyvoice: {file} has {seconds:.1f} s: it must be 3 to 30 s")
    if rate_hz < _LEAST_RATE_HZ:
        raise EngineUnavailable(f"cosyvoice: {file} has {rate_hz} Hz: it must be 16000 or more")
    text = file.with_suffix(".txt")
    words = " ".join(text.read_text("utf-8").split()) if text.is_file() else ""
    if len(words) > _MOST_WORDS_CHARS or "<|" in words:
        raise EngineUnavailable(f"cosyvoice: {text} holds more than the recording's words")
    return Recording(file.read_bytes(), words)
