"""What engines that speak a text piece by piece share: its pieces, its voice, its samples."""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from speech.clause_edges import has_word
from speech.clauses import LONGEST_PIECE_CHARS, ClauseSplitter, Piece
from speech.engines.torch_worker import ModelThreads, Outlet
from speech.errors import LanguageUnsupported, VoiceUnknown
from speech.piecewise import spoken
from speech.stt import Pcm
from speech.tts import SpeechRequest, Voice

LONGEST_TEXT_CHARS = 20_000
"""Of one request, 20 minutes of speech. What is longer is no answer on a telephone, and would hold
a stream of the engine for as long."""

_KNOWN_CLAUSES = frozenset({"en", "hi", "mr"})  # of `speech/clauses.py`
_DEVANAGARI = frozenset({"hi", "mr", "ne", "sa"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ENDS_WITHOUT_SPACE = re.compile(r"(?<=[。！？])")


def pieces_of(text: str, language: str, *, longest_chars: int = LONGEST_PIECE_CHARS) -> list[Piece]:
    """`text` in pieces of at most `longest_chars`, cut at clauses and sentences; [] of no words.

    Languages without tables of their own are cut by the signs, as English (in Devanagari, Hindi).

    Raises:
        ValueError: it is longer than `LONGEST_TEXT_CHARS`.
    """
    if len(text) > LONGEST_TEXT_CHARS:
        raise ValueError(f"text must be up to {LONGEST_TEXT_CHARS} characters, not {len(text)}")
    rules = language if language in _KNOWN_CLAUSES else "hi" if language in _DEVANAGARI else "en"
    made: list[Piece] = []
    for part in _ENDS_WITHOUT_SPACE.split(_CONTROLS.sub(" ", text)):
        splitter = ClauseSplitter(rules, longest_chars=longest_chars)
        made += [*splitter.feed(part), *splitter.finish()]
    return [piece for piece in made if has_word(piece.text)]


def voice_of(
    request: SpeechRequest, *, engine: str, languages: Collection[str], voices: Sequence[Voice]
) -> Voice:
    """The voice that a request names, or the first of its language.

    Raises:
        LanguageUnsupported: the engine does not speak the language; names those it does.
        VoiceUnknown: there is no such voice, or it speaks another language.
        ValueError: the rate is no number from 0.5 to 2.0.
    """
    if request.language not in languages:
        known = ", ".join(sorted(languages))
        raise LanguageUnsupported(f"{engine} does not speak {request.language!r}, only {known}")
    if not 0.5 <= request.rate <= 2.0:
        raise ValueError(f"rate must be 0.5..2.0, not {request.rate}")
    own = [voice for voice in voices if voice.language == request.language]
    for voice in own:
        if request.voice in (None, voice.name):
            return voice
    if request.voice is None:
        raise VoiceUnknown(f"{engine} has no voice for {request.language} here: teach it one")
    for voice in voices:
        if voice.name == request.voice:
            raise VoiceUnknown(
                f"{engine}: the voice {voice.name!r} speaks {voice.language}, "
                f"not {request.language}"
            )
    names = ", ".join(voice.name for voice in own) or "none"
    raise VoiceUnknown(
        f"{engine} has no voice {request.voice!r} for {request.language}; it has: {names}"
    )


def pcm_of(samples: npt.ArrayLike) -> Pcm:
    """int16 of float samples, -1..1, of any shape (n,); what is not finite becomes silence."""
    wide = np.nan_to_num(np.asarray(samples, np.float32).reshape(-1), posinf=0.0, neginf=0.0)
    return (np.clip(wide, -1.0, 1.0) * 32767.0).astype(np.int16)


async def speak_pieces(
    threads: ModelThreads,
    pieces: Sequence[Piece],
    speak: Callable[[str, Outlet], None],
    *,
    sample_rate_hz: int,
) -> AsyncGenerator[Pcm, None]:
    """Yield the audio of all pieces, each spoken by `speak(text, outlet)` in a model's thread.

    Raises:
        EngineBusy: the engine has as many texts as it takes.
        EngineFailed: it broke.
    """

    def make(text: str) -> AsyncGenerator[Pcm, None]:
        return threads.stream(lambda outlet: speak(text, outlet))

    if not pieces:
        return
    with threads.admitted():
        async with aclosing(spoken(pieces, make, sample_rate_hz=sample_rate_hz)) as audio:
            async for pcm in audio:
                yield pcm
