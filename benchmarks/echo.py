"""How much of the bot's own echo is left, and what of a caller who talks over it.

    python -m benchmarks.echo [--prompts N] [--callers N]

Recorded prompts (see `hearing`) are the bot's voice and the caller's; the echo comes out of a small
room, with a little noise, and all of it through mu-law at 8 kHz. Each call begins with a detector
and a canceller that know nothing. pyaec (Speex) is the peer, where it is installed.
"""

import argparse
import ctypes
import importlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from livekit.rtc.apm import AudioProcessingModule
from livekit.rtc.audio_frame import AudioFrame
from loguru import logger
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from benchmarks import echo_detection
from benchmarks.echo_detection import WINDOW
from benchmarks.echo_lines import DELAYS_MS, LEVELS_DB, echo_of, line, room_noise
from benchmarks.hearing import RATE_HZ, SOUNDS, TEXTS, Clip, clips, ours, words
from speech.line_echo import LineEcho
from speech.stt import Pcm
from speech.vad import SileroSession

PACKET = RATE_HZ // 50
SETTLED_S = 4  # of a call; before, a canceller may still be learning
OVER_ECHO_DB = (None, -15, -24)
CALLER_LEVELS_DB = (0, -10)  # against the recording, so against the bot


class Rest(NamedTuple):
    """What is left of what was heard."""

    words: Pcm  # for the recogniser
    voice: Pcm  # for the decision whether somebody speaks
    doubtful: frozenset[int] = frozenset()  # windows that are none, whatever they sound like


Canceller = Callable[[Pcm, Pcm], Rest]
"""(the bot's audio as played, what was heard) -> what is left; of one length."""


@dataclass(slots=True)
class Sum:
    """What was found over several calls."""

    settled_db: list[float] = field(default_factory=list[float])
    settled_after_s: list[float] = field(default_factory=list[float])
    windows: int = 0
    early_windows: int = 0
    longest_ms: int = 0


def nothing(_reference: Pcm, heard: Pcm) -> Rest:
    """No canceller."""
    return Rest(heard, heard)


def callwright(reference: Pcm, heard: Pcm) -> Rest:
    """Ours, window by window. The end is left as it is."""
    echo = LineEcho(sample_rate_hz=RATE_HZ)
    words_left, voice_left = heard.copy(), heard.copy()
    doubtful: set[int] = set()
    for at in range(0, len(heard) - WINDOW + 1, WINDOW):
        echo.played(reference[at : at + WINDOW], at_sample=at)
        window = echo.listen(heard[at : at + WINDOW])
        words_left[at : at + WINDOW] = window.words
        voice_left[at : at + WINDOW] = window.voice
        if window.is_doubtful:
            doubtful.add(at // WINDOW)
    echo.close()
    return Rest(words_left, voice_left, frozenset(doubtful))


def aec3_alone(reference: Pcm, heard: Pcm) -> Rest:
    """The library as it is: without our guard, never asleep, and so what it does by itself."""
    module = AudioProcessingModule(echo_cancellation=True)
    step = RATE_HZ // 100
    out = np.zeros_like(heard)
    for at in range(0, len(heard) - step + 1, step):
        far = AudioFrame(bytearray(reference[at : at + step].tobytes()), RATE_HZ, 1, step)
        near = AudioFrame(bytearray(heard[at : at + step].tobytes()), RATE_HZ, 1, step)
        module.process_reverse_stream(far)
        module.process_stream(near)
        out[at : at + step] = np.frombuffer(bytes(near.data), np.int16)
    return Rest(out, out)


def speex() -> Canceller | None:
    """Speex's filter of 500 ms as pyaec packs it, if it is installed."""
    try:
        library = cast(Any, importlib.import_module("pyaec")).lib
    except ImportError:
        return None

    def cancel(reference: Pcm, heard: Pcm) -> Rest:
        state = library.AecNew(PACKET, RATE_HZ // 2, RATE_HZ, False)
        out = np.zeros_like(heard)
        for at in range(0, len(heard) - PACKET + 1, PACKET):
            near = np.ascontiguousarray(heard[at : at + PACKET])
            far = np.ascontiguousarray(reference[at : at + PACKET])
            rest = np.zeros(PACKET, np.int16)
            short = ctypes.POINTER(ctypes.c_int16)
            buffers = [array.ctypes.data_as(short) for array in (near, far, rest)]
            library.AecCancelEcho(state, *buffers, PACKET)
            out[at : at + PACKET] = rest
        library.AecDestroy(state)
        return Rest(out, out)

    return cancel


def calls(corpus: list[Clip], each: int) -> list[Pcm]:
    """The bot's voice of each call: `each` prompts, half a second apart, whole packets."""
    pause = np.zeros(RATE_HZ // 2, np.int16)
    joined: list[Pcm] = []
    for first in range(0, len(corpus), each):
        some = corpus[first : first + each]
        pcm = np.concatenate([part for clip in some for part in (clip.pcm, pause)])
        joined.append(pcm[: len(pcm) // PACKET * PACKET])
    return joined


def power_db(pcm: Pcm) -> float:
    return float(10 * np.log10(np.mean(pcm.astype(np.float64) ** 2) + 1e-3))


def voiced(silero: SileroSession, pcm: Pcm) -> npt.NDArray[np.bool_]:
    return np.array(silero.open(sample_rate_hz=RATE_HZ).push(pcm)) >= 0.5


def taken_for_speech(silero: SileroSession, rest: Rest) -> npt.NDArray[np.bool_]:
    """Which windows would be, in a call."""
    windows = voiced(silero, rest.voice)
    windows[sorted(rest.doubtful)] = False
    return windows


def echo_alone(
    silero: SileroSession, bots: list[Pcm], cancel: Canceller, level_db: float, delay_ms: int
) -> Sum:
    """The bot speaks, nobody answers."""
    found = Sum()
    for seed, bot in enumerate(bots):
        heard = line(echo_of(bot, level_db, delay_ms, seed))
        rest = cancel(bot, heard)
        late = slice(SETTLED_S * RATE_HZ, None)
        found.settled_db.append(power_db(heard[late]) - power_db(rest.voice[late]))
        speech = taken_for_speech(silero, rest)
        found.windows += int(speech.sum())
        found.early_windows += int(speech[: SETTLED_S * RATE_HZ // 256].sum())
        runs = (len(list(run)) for is_voice, run in itertools.groupby(speech.tolist()) if is_voice)
        found.longest_ms = max(found.longest_ms, 32 * max(runs, default=0))
        found.settled_after_s.append(_settled_after_s(heard, rest.voice, delay_ms))
    return found


def _settled_after_s(heard: Pcm, rest: Pcm, delay_ms: int) -> float:
    """The end of the last 200 ms, within the first 10 s, that kept more than a tenth (-10 dB)."""
    step, last_s = RATE_HZ // 5, 0.0
    for at in range(delay_ms * RATE_HZ // 1000, min(len(heard), 10 * RATE_HZ) - step, step):
        before_db, after_db = power_db(heard[at : at + step]), power_db(rest[at : at + step])
        if before_db > 30 and before_db - after_db < 10:  # 30: well above the noise
            last_s = (at + step) / RATE_HZ
    return last_s


def table_of_echo(silero: SileroSession, bots: list[Pcm], peers: dict[str, Canceller]) -> Table:
    """Level x delay."""
    seconds = sum(map(len, bots)) / RATE_HZ
    table = Table(title=f"echo alone: {len(bots)} calls, {seconds:.0f} s of the bot's voice")
    table.add_column("echo")
    table.add_column("delay", justify="right")
    for name in peers:
        table.add_column(f"{name}: windows (first {SETTLED_S} s)", justify="right")
        if name != "none":
            for title in ("longest ms", "ERLE dB", "settled s"):
                table.add_column(title, justify="right")
    for level_db, delay_ms in itertools.product(LEVELS_DB, DELAYS_MS):
        cells: list[str] = []
        for name, cancel in peers.items():
            found = echo_alone(silero, bots, cancel, level_db, delay_ms)
            cells.append(f"{found.windows} ({found.early_windows})")
            if name != "none":
                cells.append(str(found.longest_ms))
                cells.append(f"{np.median(found.settled_db):.0f}")
                cells.append(f"{np.median(found.settled_after_s):.1f}")
        table.add_row(f"{level_db} dB", f"{delay_ms} ms", *cells)
    return table


def table_of_double_talk(
    silero: SileroSession, bots: list[Pcm], callers: list[Clip], peers: dict[str, Canceller]
) -> Table:
    """A caller talks over the bot, which goes on talking, from 0.5 s or 5 s of the call."""
    hear = ours()
    total = sum(len(clip.words) for clip in callers)
    table = Table(title=f"the caller talks over the bot: {len(callers)} prompts, {total} words")
    for column in ("echo", "caller", "from"):
        table.add_column(column)
    for name in peers:
        table.add_column(f"{name}: heard", justify="right")
        table.add_column("WER", justify="right")
    for level_db, caller_db, at_s in itertools.product(OVER_ECHO_DB, CALLER_LEVELS_DB, (0.5, 5)):
        cells: list[str] = []
        for cancel in peers.values():
            errors = kept = spoken = 0
            for index, clip in enumerate(callers):
                at, gain = int(at_s * RATE_HZ), 10 ** (caller_db / 20)
                end = -(-(at + len(clip.pcm) + RATE_HZ // 4) // PACKET) * PACKET
                bot = np.resize(bots[index % len(bots)], end)
                near = np.zeros(end)
                near[at : at + len(clip.pcm)] = clip.pcm * gain
                back = room_noise(end, index)
                if level_db is not None:
                    back = echo_of(bot, level_db, 200, index)
                rest = cancel(bot, line(near + back))
                alone = voiced(silero, near.astype(np.int16))
                spoken += int(alone.sum())
                kept += int((alone & taken_for_speech(silero, rest)).sum())
                errors += Levenshtein.distance(clip.words, words(hear(rest.words[at:])))
            cells += [f"{kept / max(1, spoken):.0%}", f"{errors / total:.3f}"]
        level = "none" if level_db is None else f"{level_db} dB"
        table.add_row(level, f"{caller_db} dB", f"{at_s} s", *cells)
    return table


def alone_on_the_line(callers: list[Clip], bots: list[Pcm]) -> str:
    """WER of callers while the bot is silent, and of those who answer 200 ms after it stopped."""
    hear = ours()
    total = sum(len(clip.words) for clip in callers)
    answers: dict[str, Canceller] = {"none": nothing, "ours": callwright, "AEC3": aec3_alone}
    silent, after, cold = (dict.fromkeys(answers, 0) for _ in range(3))
    for index, clip in enumerate(callers):
        for errors, bot_s in ((silent, 0), (cold, 1), (after, 5)):
            bot = bots[index % len(bots)][: bot_s * RATE_HZ]
            at = len(bot) + (RATE_HZ // 5 if bot_s else 0)
            end = -(-(at + len(clip.pcm) + RATE_HZ // 10) // PACKET) * PACKET
            reference, near = np.zeros(end, np.int16), np.zeros(end)
            reference[: len(bot)] = bot
            near[at : at + len(clip.pcm)] = clip.pcm
            heard = line(near + echo_of(reference, -18, 100, index)) if bot_s else clip_only(near)
            for name, cancel in answers.items():
                said = words(hear(cancel(reference, heard).words[at:]))
                errors[name] += Levenshtein.distance(clip.words, said)
    rows = {"the bot silent": silent, "after 1 s of the bot": cold, "after 5 s of the bot": after}
    shares = (
        f"{title}: " + ", ".join(f"{name} {wrong / total:.3f}" for name, wrong in errors.items())
        for title, errors in rows.items()
    )
    return f"WER of {len(callers)} prompts, {total} words, echo -18 dB; " + "; ".join(shares)


def clip_only(near: npt.NDArray[np.float64]) -> Pcm:
    """A recording that went through mu-law before, unchanged."""
    return near.astype(np.int16)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=24, help="of the bot, four a call")
    parser.add_argument("--callers", type=int, default=25, help="prompts of the caller's")
    arguments = parser.parse_args()
    if not TEXTS.is_file() or not SOUNDS.is_dir():
        print("skipped: the recorded prompts are not installed (see `benchmarks.hearing`)")
        return 0
    corpus = list(clips())
    long = [clip for clip in corpus if len(clip.words) >= 6]
    bots = calls(long[: arguments.prompts], 4)
    callers = [
        clip for clip in corpus if not any(clip is bot for bot in long[: arguments.prompts])
    ][::5]
    logger.disable("speech")
    silero = SileroSession()
    peers: dict[str, Canceller] = {
        "none": nothing,
        "callwright": callwright,
        "AEC3 alone": aec3_alone,
    }
    if (theirs := speex()) is not None:
        peers["pyaec"] = theirs
    console = Console(width=170)
    console.print(table_of_echo(silero, bots, peers))
    console.print(table_of_double_talk(silero, bots, callers[: arguments.callers], peers))
    console.print(alone_on_the_line(callers[:100], bots), soft_wrap=True)
    others = calls(long[arguments.prompts : 2 * arguments.prompts], 4)
    console.print(echo_detection.table_of_echoes(others))
    console.print(echo_detection.table_of_callers(others, callers[:100]))
    console.print(echo_detection.cost(bots, np.concatenate([clip.pcm for clip in callers])))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
