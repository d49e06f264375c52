"""What a text may ask of a voice beyond its words, and how much of that an engine can do.

A text carries marks in square brackets: a sound (`[laugh]`), or what holds from there on
(`[emotion=happy]`, `[rate=0.95]`, `[pitch=-2]`). `read` takes the marks out of a text; `suited`
leaves in a request only what its engine knows, so that no engine ever reads a mark aloud.
"""

import re
from dataclasses import dataclass, replace

from speech.tts import Expression, SpeechRequest

SOUNDS = frozenset({"laugh", "chuckle", "sigh", "cough", "breath"})
"""Paralinguistic marks, written `[laugh]`."""

EMOTIONS = frozenset({"neutral", "happy", "sad", "angry", "apologetic", "excited", "calm"})
"""What `emotion` may be."""

RATES = (0.5, 2.0)
PITCHES_SEMITONES = (-12.0, 12.0)

_MARK = re.compile(
    rf"\s*\[\s*(?:(?P<sound>{'|'.join(sorted(SOUNDS))})"
    r"|(?P<name>emotion|rate|pitch)\s*=\s*(?P<value>[-+\w.]{1,20}))\s*\]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text without its settings, and those."""

    text: str  # sounds still stand in it
    emotion: str | None
    rate: float | None
    pitch_semitones: float | None


def read(text: str) -> Marked:
    """Take the settings out of a text; the last of each counts, an impossible one not at all."""
    found: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if match["sound"]:
            return f" [{match['sound'].lower()}]"
        found[match["name"].lower()] = match["value"].lower()
        return ""

    spoken = _MARK.sub(take, text).strip()
    emotion = found.get("emotion")
    return Marked(
        text=spoken,
        emotion=emotion if emotion in EMOTIONS else None,
        rate=_number(found.get("rate"), RATES),
        pitch_semitones=_number(found.get("pitch"), PITCHES_SEMITONES),
    )


def without_marks(text: str) -> str:
    """The words alone: for captions, transcripts and engines that know no mark."""
    return _MARK.sub("", text).strip()


def suited(request: SpeechRequest, expression: Expression) -> SpeechRequest:
    """The request with what such an engine can do: the rest is left out or brought into range."""

    def keep(match: re.Match[str]) -> str:
        sound = (match["sound"] or "").lower()
        return f" [{sound}]" if sound in expression.sounds else ""

    slowest, fastest = expression.rates
    return replace(
        request,
        text=_MARK.sub(keep, request.text).strip(),
        emotion=request.emotion if request.emotion in expression.emotions else None,
        rate=min(max(request.rate, slowest), fastest),
        pitch_semitones=request.pitch_semitones if expression.has_pitch else 0.0,
    )


def _number(written: str | None, limits: tuple[float, float]) -> float | None:
    try:
        value = float(written) if written is not None else None
    except ValueError:
        return None
    if value is None or not limits[0] <= value <= limits[1]:
        return None
    return value
