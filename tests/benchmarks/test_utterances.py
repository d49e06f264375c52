"""The material of the table on turn taking: its sets, its levels and its pauses."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks import noises
from benchmarks import utterance_texts as texts
from benchmarks.clip_sources import RATE_HZ, clip_sources
from benchmarks.turns import part_of
from benchmarks.utterances import (
    SPEECH_DBFS,
    Kind,
    Utterance,
    as_spoken,
    counts,
    set_of,
    utterances,
    with_pauses,
)
from telephony.simulator.measure import audible_spans
from telephony.simulator.phone_audio import Pcm, level_dbfs


def tone(duration_ms: int, level_db: float = -30.0) -> Pcm:
    return noises.white(duration_ms, level_db, seed=1)


def one(text: str, kind: Kind, voice: str = "made") -> Utterance:
    return Utterance(text, kind, voice, "statement", tone(100))


@pytest.mark.parametrize("padding_ms", [0, 250])
def test_a_clip_is_trimmed_to_its_sound_and_put_at_a_callers_level(padding_ms: int) -> None:
    padding = np.zeros(padding_ms * 8, np.int16)
    spoken = as_spoken(np.concatenate([padding, tone(400, -35.0), padding]))
    assert spoken.size == pytest.approx(400 * 8, abs=160)
    assert level_dbfs(spoken) == pytest.approx(SPEECH_DBFS, abs=0.5)


def test_a_silent_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="silent"):
        as_spoken(np.zeros(8000, np.int16))


@pytest.mark.parametrize("pause_ms", [300, 700])
def test_a_pause_is_as_long_as_it_says(pause_ms: int) -> None:
    spans = audible_spans(with_pauses([tone(400), tone(300)], pause_ms), RATE_HZ)
    assert [(span.start_ms, span.end_ms) for span in spans] == [
        (0, 400),
        (400 + pause_ms, 700 + pause_ms),
    ]


def test_noises_are_the_same_at_every_run_and_differ_by_their_seed() -> None:
    assert np.array_equal(noises.cough(2, -20, seed=3), noises.cough(2, -20, seed=3))
    assert not np.array_equal(noises.cough(2, -20, seed=3), noises.cough(2, -20, seed=4))


@pytest.mark.parametrize(
    "pcm",
    [
        noises.white(200, -25, 1),
        noises.cough(3, -25, 1),
        noises.breath(800, -25, 1),
        noises.keys("19#", -25),
        noises.music(1000, -25, 1),
        noises.babble([tone(500), tone(700)], 1000, -25, 1),
    ],
)
def test_a_noise_has_the_level_it_was_asked_for(pcm: Pcm) -> None:
    assert level_dbfs(pcm) == pytest.approx(-25, abs=0.5)


def test_one_text_is_in_one_set_whoever_says_it() -> None:
    said = [one("seven", Kind.SHORT, voice) for voice in ("flite slt", "espeak hi")]
    assert {utterance.set_name for utterance in said} == {set_of("seven")}


def test_a_share_takes_from_every_kind_at_least_one_and_the_same_each_time() -> None:
    material = [one(f"text {i}", Kind.SHORT) for i in range(10)] + [one("a cough", Kind.COUGH)]
    chosen = part_of(material, 0.25)
    assert [utterance.text for utterance in chosen] == ["text 0", "text 1", "text 2", "a cough"]
    assert part_of(material, 1.0) == material


def test_the_counts_name_each_kind_and_each_sort_of_voice() -> None:
    material = [one("a", Kind.SHORT, "flite slt"), one("b", Kind.SHORT, "flite rms")]
    assert counts([*material, one("c", Kind.COUGH)]) == (
        "3 (2 answers of one or two words, 1 coughs); 2 flite, 1 made"
    )


async def test_both_sets_have_every_main_kind_and_share_no_text() -> None:
    async with clip_sources() as sources:
        if sources.missing:
            pytest.skip(f"not installed: {sources.missing}")
        reporting = await utterances(sources, "reporting")
        tuning = await utterances(sources, "tuning")
    assert len(reporting) >= 120
    assert not {u.text for u in reporting} & {u.text for u in tuning}
    for material in (reporting, tuning):
        assert len({u.name for u in material}) == len(material)
        assert {u.kind for u in material} >= set(Kind) - {Kind.KEYS}
    assert sum(u.voice.startswith("recorded") for u in reporting) >= 60


def test_every_transcript_is_that_of_the_package() -> None:
    listed = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
    if not listed.is_file():
        pytest.skip("asterisk-core-sounds-en is not installed")
    lines = gzip.decompress(listed.read_bytes()).decode().splitlines()
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    ours = {file: text for text, file in texts.RECORDED_SENTENCES.items()}
    ours |= {file: text for text, file in texts.RECORDED_INTERRUPTIONS.items()}
    for files in texts.RECORDED_SHORT.values():
        ours |= {file: text for text, file in files.items()}
    wrong = {
        file: (text, said[file]) for file, text in ours.items() if bare(text) != bare(said[file])
    }
    assert not wrong


def bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
