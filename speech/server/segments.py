"""A recording of any length as segments that an engine takes one by one, and captions of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speech.silence import split_at_pauses
from speech.stt import Pcm, Transcript, Word

LONG_S = (12.0, 28.0)
"""For one text: as long as Whisper's window of 30 s lets it be, so that few words lie at a cut."""

SHORT_S = (3.0, 12.0)
"""For captions and for text that is sent as it is made."""

_CAPTION_S = 7.0  # and two lines of 42 letters: what broadcasters use
_CAPTION_CHARS = 84


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the recording and what is said in it; times are those of the recording."""

    start_ms: int
    end_ms: int
    transcript: Transcript

    @property
    def words(self) -> tuple[Word, ...]:
        """With their places in the recording."""
        return tuple(
            Word(w.text, w.start_ms + self.start_ms, w.end_ms + self.start_ms, w.confidence)
            for w in self.transcript.words
        )


def split(pcm: Pcm, sample_rate_hz: int, *, is_fine: bool) -> list[Pcm]:
    """The recording in parts, cut at its quietest places. For a thread: 30 minutes take 0.4 s."""
    shortest_s, longest_s = SHORT_S if is_fine else LONG_S
    if len(pcm) <= longest_s * sample_rate_hz:
        return [pcm]
    samples = pcm.astype(np.float32) * np.float32(1 / 32768)
    parts = split_at_pauses(samples, sample_rate_hz, longest_s=longest_s, shortest_s=shortest_s)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return [part for part in np.split(pcm, ends) if len(part)]


def srt(segments: Sequence[Segment]) -> str:
    """SubRip captions."""
    return "".join(
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text}\n\n"
        for number, (start, end, text) in enumerate(_captions(segments), 1)
    )


def vtt(segments: Sequence[Segment]) -> str:
    """WebVTT captions."""
    cues = "".join(
        f"{_time(start, '.')} --> {_time(end, '.')}\n{text}\n\n"
        for start, end, text in _captions(segments)
    )
    return f"WEBVTT\n\n{cues}"


def _captions(segments: Sequence[Segment]) -> list[tuple[int, int, str]]:
    """Start and end in ms, and text: by the words where the engine says when they were said."""
    captions: list[tuple[int, int, str]] = []
    for segment in segments:
        if not segment.words:
            if text := _one_line(segment.transcript.text):
                captions.append((segment.start_ms, segment.end_ms, text))
            continue
        held: list[Word] = []
        for word in segment.words:
            letters = sum(len(w.text.strip()) + 1 for w in (*held, word))
            is_long = held and word.end_ms - held[0].start_ms > _CAPTION_S * 1000
            if held and (is_long or letters > _CAPTION_CHARS):
                captions.append(_caption(held))
                held = []
            held.append(word)
        captions.append(_caption(held))
    return captions


def _caption(words: Sequence[Word]) -> tuple[int, int, str]:
    text = _one_line(" ".join(word.text.strip() for word in words))
    return words[0].start_ms, max(words[-1].end_ms, words[0].start_ms + 1), text


def _one_line(text: str) -> str:
    """Without line ends and arrows, which would end a caption or begin another."""
    return " ".join(text.split()).replace("-->", "->")


def _time(ms: int, point: str) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
