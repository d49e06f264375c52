"""The numbers of the turn policy, with units and sources.

Those of what words are worth stand where that is judged: over the bot `bot/overlap.py` and
`bot/listening.py`, as an answer `ivr_flows/readiness.py` and `collecting.py`.
"""

from dataclasses import dataclass

WINDOW_MS = 32
"""Silero's window: 256 samples at 8000 Hz, 512 at 16000 Hz."""


GOES_ON_MS = 700
"""A voice that comes later after the last one is a new answer. Pauses inside an answer last
300-700 ms (the range that `benchmarks/turn_endings.py` plays)."""


@dataclass(frozen=True, slots=True)
class TurnThresholds:
    """Every number of the policy. Where no other source is named: `benchmarks/turn_endings.py`,
    and `benchmarks/turns.py --set tuning`.

    Silence is counted from the last window that is both likely to be speech and not soft.
    """

    start_probability: float = 0.5
    """Silero's own default. Higher misses soft starts on a telephone line."""

    duck_probability: float = 0.3
    """A window over the bot that may be the beginning of a voice: the bot's steps back, nothing
    else. One in five of the tuning set's voices over it begins with a window between this and
    `start_probability`; of its noises (coughs, bursts, clicks, breath, music) the highest has 0.24.
    """

    stop_probability: float = 0.35
    """Silero's own hysteresis (start - 0.15). Equal to start, a word's dip splits it in two."""

    quiet_probability: float = 0.2
    """Above it, below `stop_probability`, a window may still be a breath or a soft consonant: an
    answer is not taken early on it. Higher takes the pause before a "t" for the end."""

    soft_db: float = 30.0
    """A window so far below the voice's loud ones is silence, though Silero still calls it speech:
    it does so for 74 ms (median of 248 clips) after the last sound, 6 ms of which are left with
    this. At 20 dB soft word ends count as silence, in one clip of three for 128 ms."""

    fade_db_per_s: float = 8.0
    """By which the memory of the voice's loudness falls: who turns away is soon heard again."""

    start_ms: int = 64
    """Voice that opens a turn. One window alone is often a click."""

    words_silence_ms: int = 64
    """Silence after which the words so far are decoded, at a final's priority. One window is
    inside words all the time; each one more is a later reply."""

    partial_every_ms: int = 400
    """Voice between two partial transcripts. People read captions at about this pace; less costs
    a decode each of all that was said so far."""

    complete_silence_ms: int = 128
    """Silence that ends an answer to which nothing is missing. People leave 200 ms between turns
    (Stivers et al. 2009); stops inside a word last up to 100 ms."""

    complete_unlikely_ms: int = 64
    """... of which Silero, too, must have called so much no speech. On the tuning set's 248 clips
    13 have such a silence inside, without this 15."""

    likely_silence_ms: int = 320
    """... an answer that may be all: a bare "no", or one that the ear doubts. What follows it is
    taken together with it (`bot/early_answers.py`), so this is short of the pauses in it. Of 88
    answers with a pause 19 are cut at 320 and at 352, 21 at 288."""

    enough_silence_ms: int = 800
    """... an answer that people often go on with (a number of variable length). Pauses inside an
    answer last 300-700 ms: shorter cuts a part of them off."""

    open_silence_ms: int = 1056
    """... words that can't be all ("twenty", "no wait", four digits of six). Longer, and callers
    who leave it at that ask whether anyone is there."""

    other_silence_ms: int = 320
    """... words that mean nothing here, or none: neither worth waiting for nor an answer. Of 88
    answers with a pause 19 are cut at 288, at 320 and at 384."""

    melody_silences_ms: tuple[int, ...] = (128, 256)
    """Silences in free speech after which Smart Turn is asked, each time unless it has already
    called the speech finished. Its notes want 200 ms; an answer takes 30 to 60."""

    finished_silence_ms: int = 320
    """... free speech that sounds finished by its melody."""

    short_ms: int = 1760
    """Free speech that has lasted less is a beginning more often than it is all: of the tuning
    set's 18 sentences none is so short, of its ten first halves eight are."""

    short_silence_ms: int = 512
    """... free speech that sounds finished so soon: longer than most pauses, and a "what does it
    cost?" still has its answer after 0.6 s."""

    free_silence_ms: int = 736
    """... free speech that does not, or was not asked about: longer than the pauses inside a
    sentence (300-700 ms), and short of the gap that callers take for deafness."""

    pause_margin_ms: int = 96
    """More silence than the longest pause after which this caller went on, before free speech that
    sounds finished is taken for that: who pauses inside a sentence does so again."""

    finished_probability: float = 0.8
    """From which on Smart Turn's answer counts as finished. At its own 0.5 eight of 15 halves of
    sentences count, at 0.8 seven (which mostly end in words that say so); of whole sentences
    fourteen of eighteen and eleven."""

    overlap_words_ms: int = 192
    """Voice over the bot after which its words are wanted first: they tell an interruption from a
    "haan". At 160 ms half of the words are heard as others, at 224 few more are heard rightly."""

    overlap_partial_every_ms: int = 64
    """... and then every so often: each takes about as long, and more between is a later stop."""

    sustained_ms: int = 544
    """From the start of a voice over the bot that is meant as an interruption, whatever its words.
    People stop within 700 ms when they are talked over, and 100 to 150 pass between a sound and its
    judgement; most listeners' words are over sooner."""

    sustained_voice_ms: int = 320
    """... so much of which is voice: "stop" has a pause behind it, and coughs are mostly pauses."""

    max_turn_ms: int = 15_000
    """A turn is ended here even if the voice goes on: a radio in the room never stops."""

    idle_margin_ms: int = 320
    """Audio kept before the start of a turn, for the soft start that the window missed."""


_NEVER_MS = 1_000_000_000

NO_PARTIALS = TurnThresholds(
    partial_every_ms=_NEVER_MS, overlap_words_ms=_NEVER_MS, overlap_partial_every_ms=_NEVER_MS
)
"""Words are decoded in silence only: to measure what partial transcripts are worth."""
