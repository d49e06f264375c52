"""What the callers of the table on turn taking say and sound like: the sets, and how they are made.

Words that a person recorded come first: Debian's asterisk-core-sounds-en-wav (CC-BY-SA; one
speaker, 8 kHz) and the two readings in the Moonshine wheel. Voices of flite and espeak-ng stand
beside them; `noises` makes the rest. All is the same at every run.

The sets are split once for all, by text: `tuning` holds the texts whose CRC-32 is divisible by
`TUNING_SHARE`, `reporting` the others. No text is in both, whoever says it: a threshold that was
fitted to "seven" is not reported on "seven". (The voices are in both.) Numbers in documents come
from `reporting`; whoever fits a threshold uses `tuning` alone.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count, cycle
from typing import Final, Literal
from zlib import crc32

import numpy as np

from benchmarks import noises
from benchmarks import utterance_texts as texts
from benchmarks.clip_sources import ClipSources
from telephony.simulator.measure import audible_spans
from telephony.simulator.phone_audio import Pcm, level_dbfs, saturate

RATE_HZ: Final = 8000
TUNING_SHARE: Final = 3  # one text of so many is for tuning
SPEECH_DBFS: Final = -20.0  # of audible speech: a telephone caller near the handset
PAUSES_MS: Final = (300, 400, 500, 600, 700)
WORD_GAP_MS: Final = 60  # between words of one breath that were recorded one by one

SetName = Literal["reporting", "tuning"]


class Kind(StrEnum):
    """What it is, and so what the bot ought to do."""

    SHORT = "answers of one or two words"
    SENTENCE = "whole sentences"
    PAUSED = "answers with a pause inside"
    INTERRUPTION = "interruptions"
    BACKCHANNEL = "backchannels"
    COUGH = "coughs"
    BURST = "noise bursts"
    CLICKS = "clicks"
    BREATH = "breaths"
    BABBLE = "babble"
    KEYS = "DTMF in the audio"
    MUSIC = "music"


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One thing to be heard on the line; int16 mono, shape (n,), 8000 Hz, trimmed."""

    text: str
    kind: Kind
    voice: str  # "recorded Allison", "flite slt", "espeak en-us+f3", "made"
    node: str  # the benchmark's flow in which it is said
    pcm: Pcm

    @property
    def name(self) -> str:
        """Unique in the material."""
        return f"{self.kind.name.lower()}: {self.text} ({self.voice})"

    @property
    def set_name(self) -> SetName:
        """Fixed by the text alone."""
        return set_of(self.text)


def set_of(text: str) -> SetName:
    """In which set everything with this text is."""
    return "reporting" if crc32(text.encode()) % TUNING_SHARE else "tuning"


async def utterances(sources: ClipSources, set_name: SetName) -> list[Utterance]:
    """The set, in a fixed order that mixes kinds, texts and voices.

    What this machine lacks (recordings, flite) is left out; `sources.missing` names it.
    """
    found = [one async for one in _said(sources)] + list(_made(sources))
    mine = [one for one in found if one.set_name == set_name]
    return sorted(mine, key=lambda one: crc32(one.name.encode()))


def counts(material: Sequence[Utterance]) -> str:
    """How many of each kind, and of each sort of voice, in words."""
    kinds = Counter(one.kind for one in material)
    voices = Counter(one.voice.partition(" ")[0] for one in material)
    by_kind = ", ".join(f"{kinds[kind]} {kind.value}" for kind in Kind if kinds[kind])
    by_voice = ", ".join(f"{number} {voice}" for voice, number in voices.most_common())
    return f"{len(material)} ({by_kind}); {by_voice}"


def with_pauses(parts: Sequence[Pcm], pause_ms: int) -> Pcm:
    """The parts one after the other, with digital silence of `pause_ms` between them."""
    silence = np.zeros(RATE_HZ * pause_ms // 1000, np.int16)
    return np.concatenate([piece for part in parts for piece in (part, silence)][:-1])


def as_spoken(pcm: Pcm) -> Pcm:
    """Its audible parts at a caller's level, and trimmed to them. ValueError: it is silent."""
    spans = audible_spans(pcm, RATE_HZ)
    if not spans:
        raise ValueError("the clip is silent")
    heard = [pcm[int(span.start_ms * 8) : int(span.end_ms * 8)] for span in spans]
    gain_db = SPEECH_DBFS - level_dbfs(np.concatenate(heard))
    levelled = saturate(pcm * 10.0 ** (gain_db / 20.0))
    trimmed = audible_spans(levelled, RATE_HZ)
    return levelled[int(trimmed[0].start_ms * 8) : int(trimmed[-1].end_ms * 8)]


async def _said(sources: ClipSources) -> AsyncGenerator[Utterance, None]:
    for node, files in texts.RECORDED_SHORT.items():
        for one in _recorded(sources, files, Kind.SHORT, node):
            yield one
    for one in _recorded(sources, texts.RECORDED_SENTENCES, Kind.SENTENCE, "speech"):
        yield one
    for one in _recorded(sources, texts.RECORDED_INTERRUPTIONS, Kind.INTERRUPTION, "statement"):
        yield one
    for reading in texts.READINGS:
        if (pcm := sources.reading(reading)) is not None:
            text = f"{reading.file} {reading.start_ms}-{reading.end_ms} ms"
            yield Utterance(text, Kind.PAUSED, "recorded reader", "speech", as_spoken(pcm))
    async for one in _synthesized(sources):
        yield one
    async for one in _paused(sources):
        yield one


def _recorded(
    sources: ClipSources, files: dict[str, str], kind: Kind, node: str
) -> Iterator[Utterance]:
    for text, file in files.items():
        if (pcm := sources.recording(file)) is not None:
            yield Utterance(text, kind, "recorded Allison", node, as_spoken(pcm))


async def _synthesized(sources: ClipSources) -> AsyncGenerator[Utterance, None]:
    planned: list[tuple[str, Kind, str]] = [
        *((text, Kind.SHORT, node) for node, said in texts.SHORT.items() for text in said),
        *((text, Kind.SENTENCE, "speech") for text in texts.SENTENCES),
        *((text, Kind.INTERRUPTION, "statement") for text in texts.INTERRUPTIONS),
        *((text, Kind.BACKCHANNEL, "statement") for text in texts.BACKCHANNELS),
    ]
    for index, (text, kind, node) in enumerate(planned):
        for voice in sources.two_voices(index):
            pcm = as_spoken(await sources.say(voice, texts.SAID_AS.get(text, text)))
            yield Utterance(text, kind, voice.name, node, pcm)
    for language, said in (("hi", texts.BACKCHANNELS_HI), ("mr", texts.BACKCHANNELS_MR)):
        for text in said:
            pcm = as_spoken(await sources.say_in(language, text))
            yield Utterance(text, Kind.BACKCHANNEL, f"espeak {language}", "statement", pcm)


async def _paused(sources: ClipSources) -> AsyncGenerator[Utterance, None]:
    pauses_ms = cycle(PAUSES_MS)
    for node, answers in texts.PAUSED_RECORDED.items():
        for parts in answers:
            pcm = [_in_one_breath(sources, part.split()) for part in parts]
            pause_ms = next(pauses_ms)
            if found := [part for part in pcm if part is not None]:
                text = f" ... {pause_ms} ms ... ".join(parts)
                joined = with_pauses(found, pause_ms)
                yield Utterance(text, Kind.PAUSED, "recorded Allison", node, joined)
    voices = cycle(sources.voices)
    for node, answers in texts.PAUSED_SPOKEN.items():
        for parts in answers:
            voice, pause_ms = next(voices), next(pauses_ms)
            said = [as_spoken(await sources.say(voice, part)) for part in parts]
            text = f" ... {pause_ms} ms ... ".join(parts)
            yield Utterance(text, Kind.PAUSED, voice.name, node, with_pauses(said, pause_ms))


def _in_one_breath(sources: ClipSources, files: Sequence[str]) -> Pcm | None:
    found = [sources.recording(file) for file in files]
    return (
        with_pauses([as_spoken(pcm) for pcm in found if pcm is not None], WORD_GAP_MS)
        if all(pcm is not None for pcm in found)
        else None
    )


def _made(sources: ClipSources) -> Iterator[Utterance]:
    seeds = count(1)

    def made(kind: Kind, text: str, pcm: Pcm) -> Utterance:
        return Utterance(text, kind, "made", "statement", pcm)

    for coughs in (1, 2, 3):
        for level_db in (-18, -24, -30):
            text = f"{coughs} coughs at {level_db} dBFS"
            yield made(Kind.COUGH, text, noises.cough(coughs, level_db, next(seeds)))
    for duration_ms in (80, 200, 400, 800):
        for level_db in (-18, -25, -32):
            text = f"{duration_ms} ms of noise at {level_db} dBFS"
            yield made(Kind.BURST, text, noises.white(duration_ms, level_db, next(seeds)))
    for clicks, gap_ms in ((1, 100), (4, 150), (8, 90)):
        text = f"{clicks} clicks {gap_ms} ms apart"
        yield made(Kind.CLICKS, text, noises.clicks(clicks, gap_ms, next(seeds)))
    for duration_ms, level_db in ((500, -30), (900, -26), (1200, -34)):
        text = f"breath of {duration_ms} ms at {level_db} dBFS"
        yield made(Kind.BREATH, text, noises.breath(duration_ms, level_db, next(seeds)))
    room = sources.room()
    for level_db in (-26, -32, -38) if room else ():
        text = f"babble of 2 s at {level_db} dBFS"
        yield made(Kind.BABBLE, text, noises.babble(room, 2000, level_db, next(seeds)))
    for digits in ("5", "19", "0#"):
        yield made(Kind.KEYS, f"the tones of {digits}", noises.keys(digits, -20))
    for level_db in (-22, -28, -34):
        text = f"music of 2 s at {level_db} dBFS"
        yield made(Kind.MUSIC, text, noises.music(2000, level_db, next(seeds)))
