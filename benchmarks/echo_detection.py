"""Whether a line sends the bot's voice back: how soon it is known, and who is taken for an echo.

A part of `benchmarks.echo`, which has the lines. The thresholds were fitted to the tuning set of
`benchmarks.utterances` and to voices that are not in here.
"""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from benchmarks.echo_lines import DELAYS_MS, LEVELS_DB, RATE_HZ, echo_of, line, room_noise
from benchmarks.hearing import Clip
from speech.echo_detector import WINDOW_MS, EchoDetector, Line, Verdict
from speech.line_echo import LineEcho
from speech.loudness import level_db
from speech.stt import Pcm

WINDOW = RATE_HZ * WINDOW_MS // 1000
AUDIBLE_DB = -52.0
CALLS_FROM_S = (0.3, 0.8, 2.5)  # of the bot's voice, until the caller begins
CALLER_DB = -6.0  # against the recording: Allison is her own bot and caller


@dataclass(frozen=True, slots=True)
class Judged:
    """One call, window by window."""

    lines: list[Line]
    verdicts: list[Verdict]
    loud: list[bool]

    @property
    def found_after_ms(self) -> int | None:
        """From the echo's first sound; None: it was not found."""
        if Line.ECHO not in self.lines:
            return None
        return (self.lines.index(Line.ECHO) - self.loud.index(True)) * WINDOW_MS

    def doubted_ms(self, whose: Sequence[bool]) -> int:
        """How much of somebody's sound counted for no speech."""
        pairs = zip(self.verdicts, whose, strict=True)
        return WINDOW_MS * sum(is_his and one is not Verdict.CALLER for one, is_his in pairs)


def judge(bot: Pcm, heard: Pcm) -> Judged:
    """Let a fresh detector hear a call."""
    detector = EchoDetector(sample_rate_hz=RATE_HZ)
    lines: list[Line] = []
    verdicts: list[Verdict] = []
    for at in range(0, len(bot) - WINDOW + 1, WINDOW):
        verdicts.append(detector.window(bot[at : at + WINDOW], heard[at : at + WINDOW]))
        lines.append(detector.line)
    return Judged(lines, verdicts, audible(heard))


def audible(pcm: Pcm) -> list[bool]:
    """Which whole windows can be heard."""
    starts = range(0, len(pcm) - WINDOW + 1, WINDOW)
    return [level_db(pcm[at : at + WINDOW]) > AUDIBLE_DB for at in starts]


def table_of_echoes(bots: list[Pcm]) -> Table:
    """How soon an echo is found, and how much of it passed for a caller before."""
    table = Table(
        title=f"echoes found: {len(bots)} calls each of {', '.join(map(str, DELAYS_MS))} ms"
    )
    for column in ("echo", "found", "after ms, P50", "P90", "worst", "64 ms passed before"):
        table.add_column(column, justify="right")
    for level_db_ in LEVELS_DB:
        calls = [
            judge(bot[: 5 * RATE_HZ], line(echo_of(bot[: 5 * RATE_HZ], level_db_, delay_ms, seed)))
            for delay_ms, (seed, bot) in itertools.product(DELAYS_MS, enumerate(bots))
        ]
        after_ms = [call.found_after_ms for call in calls]
        known = [ms for ms in after_ms if ms is not None]
        passed = sum(passes_unfound(call) for call in calls)
        cells = [f"{np.percentile(known, percent):.0f}" for percent in (50, 90, 100)]
        table.add_row(f"{level_db_} dB", f"{len(known)} of {len(calls)}", *cells, str(passed))
    return table


def passes_unfound(call: Judged) -> bool:
    """Whether two windows in a row passed before the line was known: that ducks the bot."""
    until = call.lines.index(Line.ECHO) if Line.ECHO in call.lines else len(call.lines)
    begins = call.loud.index(True) if True in call.loud else until
    passed = [
        verdict is Verdict.CALLER and is_loud
        for verdict, is_loud in zip(
            call.verdicts[begins:until], call.loud[begins:until], strict=True
        )
    ]
    return any(first and second for first, second in itertools.pairwise(passed))


def table_of_callers(bots: list[Pcm], callers: list[Clip]) -> Table:
    """Who talks over the bot on a clean line, or over an echo."""
    table = Table(title=f"{len(callers)} callers over the bot, {len(bots)} bots in turn")
    for column in ("line", "from", "taken for an echo", "of their sound no speech, P50", "P90"):
        table.add_column(column, justify="right")
    for echo_db, at_s in itertools.product((None, -18), CALLS_FROM_S):
        taken, shares = 0, list[float]()
        for index, clip in enumerate(callers):
            at = round(at_s * RATE_HZ)
            bot = bots[index % len(bots)][: at + len(clip.pcm) + RATE_HZ // 2]
            alone = np.zeros(len(bot))
            alone[at : at + len(clip.pcm)] = clip.pcm[: len(bot) - at] * 10 ** (CALLER_DB / 20)
            back = room_noise(len(bot), index)
            if echo_db is not None:
                back = echo_of(bot, echo_db, DELAYS_MS[index % len(DELAYS_MS)], index)
            call = judge(bot, line(alone + back))
            his = audible(alone.astype(np.int16))
            taken += echo_db is None and Line.ECHO in call.lines
            shares.append(call.doubted_ms(his))
        title = "clean" if echo_db is None else f"echo {echo_db} dB"
        cells = [f"{np.percentile(shares, percent):.0f} ms" for percent in (50, 90)]
        number = f"{taken} of {len(callers)}" if echo_db is None else ""
        table.add_row(title, f"{at_s} s", number, *cells)
    return table


def cost(bots: list[Pcm], caller: Pcm) -> str:
    """Processor time for a second of a call, of which the bot speaks all or nothing."""
    bot = np.concatenate(bots)[: 30 * RATE_HZ]
    quiet = room_noise(len(bot), 0)
    talking = np.resize(caller, len(bot)) * 10 ** (CALLER_DB / 20)
    calls = {
        "the bot silent": (np.zeros_like(bot), line(quiet)),
        "clean": (bot, line(quiet)),
        "clean, the caller over the bot all the time": (bot, line(quiet + talking)),
        "echo -18 dB, canceller and all": (bot, line(echo_of(bot, -18, 200, 0))),
    }
    spent: list[str] = []
    for title, (reference, heard) in calls.items():
        echo = LineEcho(sample_rate_hz=RATE_HZ)
        start_s = time.process_time()
        for at in range(0, len(bot) - WINDOW + 1, WINDOW):
            echo.played(reference[at : at + WINDOW], at_sample=at)
            echo.listen(heard[at : at + WINDOW])
        used_ms = (time.process_time() - start_s) * 1000 / (len(bot) / RATE_HZ)
        echo.close()
        spent.append(f"{title} {used_ms:.1f} ms")
    return f"CPU for 1 s of a call: {'; '.join(spent)}."
