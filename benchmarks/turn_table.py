"""The table on turn taking: what each peer's findings come to, and what must be reached; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from benchmarks.turn_scoring import percentile
from benchmarks.turn_trials import Findings, OverTrial
from benchmarks.utterances import Kind

NEVER: Final = float("inf")  # no reply, no ducking, no stop: worse than any time
FALSE_ALARMS: Final = (Kind.BACKCHANNEL, Kind.COUGH, Kind.BURST, None)
OTHER_NOISES: Final = (Kind.CLICKS, Kind.BREATH, Kind.BABBLE, Kind.KEYS, Kind.MUSIC)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: Callable[[Findings], str]
    must: str = ""
    aim: str = ""


def latencies_ms(findings: Findings, kind: Kind) -> list[float]:
    """One for each utterance of the kind that the bot let finish; NEVER where no reply came."""
    turns = [one.turn for one in findings.answers if one.kind is kind and one.turn]
    return [
        NEVER if turn.latency_ms is None else turn.latency_ms for turn in turns if not turn.is_cut
    ]


def cut_off(findings: Findings, kinds: Sequence[Kind]) -> tuple[int, int]:
    """How many utterances the bot did not let finish, and of how many."""
    turns = [one.turn for one in findings.answers if one.kind in kinds and one.turn]
    return sum(turn.is_cut for turn in turns), len(turns)


def stopped(findings: Findings, kinds: Sequence[Kind | None]) -> tuple[int, int]:
    """How often the bot stopped for a sound of these kinds (None: echo), and of how many."""
    scored = [one.overlap for one in _overs(findings, kinds) if one.overlap]
    return sum(one.is_stopped for one in scored), len(scored)


def ducks_ms(findings: Findings) -> list[float]:
    """Onset of speech over the bot to its voice 6 dB lower; NEVER where it did not duck."""
    kinds = (Kind.INTERRUPTION, Kind.BACKCHANNEL)
    scored = [one.overlap for one in _overs(findings, kinds) if one.overlap]
    return [NEVER if one.ducked_after_ms is None else one.ducked_after_ms for one in scored]


def silences_ms(findings: Findings) -> list[float]:
    """Onset of an interruption to silence; NEVER where the bot talked on."""
    scored = [one.overlap for one in _overs(findings, [Kind.INTERRUPTION]) if one.overlap]
    return [NEVER if one.silent_after_ms is None else one.silent_after_ms for one in scored]


def uncompared(findings: Findings) -> int:
    """Overlaps whose recording could not be laid upon the undisturbed one."""
    return sum(one.overlap is None for one in findings.overs)


def unreached(findings: Findings) -> int:
    """Utterances that were not said, because the call was over."""
    return sum(one.turn is None for one in findings.answers)


ROWS: Final = (
    Row(
        "reply after one or two words, P50 / P90",
        lambda f: _p50_p90(latencies_ms(f, Kind.SHORT)),
        "0.30 / 0.50 s",
        "0.20 s",
    ),
    Row(
        "reply after whole sentences, P50 / P90",
        lambda f: _p50_p90(latencies_ms(f, Kind.SENTENCE)),
        "0.40 / 0.80 s",
        "0.30 s",
    ),
    Row(
        "cut off inside a pause of 300-700 ms",
        lambda f: _share(*cut_off(f, [Kind.PAUSED])),
        "5 %",
        "2 %",
    ),
    Row(
        "cut off elsewhere",
        lambda f: _share(*cut_off(f, [Kind.SHORT, Kind.SENTENCE])),
    ),
    Row("onset of overlap to ducked, P50", lambda f: _p50(ducks_ms(f)), "0.15 s", "0.08 s"),
    Row(
        "interruption to silence, P50 / P90",
        lambda f: _p50_p90(silences_ms(f)),
        "0.40 / 0.70 s",
        "0.30 s",
    ),
    Row("stopped by what is none", lambda f: _share(*stopped(f, FALSE_ALARMS)), "5 %", "0"),
    Row("  backchannels", lambda f: _share(*stopped(f, [Kind.BACKCHANNEL]))),
    Row("  coughs", lambda f: _share(*stopped(f, [Kind.COUGH]))),
    Row("  noise bursts", lambda f: _share(*stopped(f, [Kind.BURST]))),
    Row("  its own echo at -18 dB", lambda f: _share(*stopped(f, [None]))),
    Row("stopped by other noises (not in the sum)", lambda f: _share(*stopped(f, OTHER_NOISES))),
    Row(
        "stream's start to first sound, P50 / P90",
        lambda f: _p50_p90([NEVER if at is None else at for at in f.greetings_ms]),
        "0.15 s",
        "0.05 s",
    ),
)


def table(found: Sequence[tuple[str, Findings]], rows: Sequence[Row] = ROWS) -> Table:
    """One column a peer, in the order given."""
    made = Table(title="Turn taking, from the far end of the line", title_justify="left")
    made.add_column("what")
    for name, _ in found:
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("must reach", justify="right", no_wrap=True)
    made.add_column("aim", justify="right", no_wrap=True)
    for row in rows:
        figures = (row.figure(findings) for _, findings in found)
        made.add_row(row.what, *figures, row.must, row.aim)
    return made


def spread(name: str, findings: Findings) -> str:
    """What stands behind a peer's figures: quartiles, and what was left out."""
    parts = [f"{name}: {findings.calls} calls"]
    for label, values in (
        ("short", latencies_ms(findings, Kind.SHORT)),
        ("sentences", latencies_ms(findings, Kind.SENTENCE)),
        ("interruptions", silences_ms(findings)),
    ):
        quartiles = " - ".join(_seconds(percentile(values, at)) for at in (25, 75))
        parts.append(f"{label} {len(values)}, middle half {quartiles} s")
    parts.append(f"{uncompared(findings)} overlaps not comparable, {unreached(findings)} not said")
    parts.append(f"{findings.violations} violations")
    parts.append(f"telephone at most {findings.telephone_lateness_ms:.0f} ms late")
    return "; ".join(parts) + "."


def _overs(findings: Findings, kinds: Sequence[Kind | None]) -> list[OverTrial]:
    return [one for one in findings.overs if one.kind in kinds]


def _seconds(value_ms: float | None, digits: int = 2) -> str:
    if value_ms is None:
        return "-"
    return "never" if value_ms == NEVER else f"{value_ms / 1000:.{digits}f}"


def _p50(values_ms: Sequence[float]) -> str:
    half = _seconds(percentile(values_ms, 50))
    return f"{half} s" if half[0].isdigit() else half


def _p50_p90(values_ms: Sequence[float], digits: int = 2) -> str:
    half, most = (_seconds(percentile(values_ms, at), digits) for at in (50, 90))
    return f"{half} / {most} s" if half[0].isdigit() and most[0].isdigit() else f"{half} / {most}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} ({part} of {whole})".replace("%", " %") if whole else "-"
