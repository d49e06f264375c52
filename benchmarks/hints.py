"""What the hints of a menu do: answers understood, and other talk taken for an answer.

    python -m benchmarks.hints

Every listed answer of the shipped flows' menus, in the voices of `caller_voices` that can say it,
through mu-law at 8 kHz; then recorded prompts that answer none of them
(asterisk-core-sounds-en-wav). Understood means: acted on, as the answer that was said.
"""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.caller_voices import TUNED, CallerVoice, caller_voices
from benchmarks.hearing import SOUNDS, TEXTS, mu_law
from benchmarks.hearing import clips as recorded_prompts
from ivr_flows.answers import HIGH_CONFIDENCE, choose
from ivr_flows.flow import Flow, MenuNode
from ivr_flows.likely_words import likely_words
from ivr_flows.loader import shipped
from ivr_flows.meanings import Means, means_at
from ivr_flows.understanding import trusted_from
from speech.engines.moonshine import HOW_TO_GET_IT, decode, weights_folder
from speech.engines.moonshine_model import MoonshineModel
from speech.stt import Pcm
from telephony.simulator.phone_audio import to_line_rate

RATE_HZ = 8_000
FLOWS = ("vendor_confirmation", "rider_assignment", "customer_support")
ANSWERS_A_CHOICE = 3  # of its listed phrases
LONGEST_OTHER_S = 5


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """A question, and what may be answered."""

    means: tuple[Means, ...]
    hints: tuple[str, ...]

    def answer(self, text: str) -> Means | None:
        """The answer that a text is taken for."""
        meaning = choose(text, [means.choice for means in self.means], "en")
        if meaning.confidence < HIGH_CONFIDENCE:
            return None
        return next((means for means in self.means if means.name == meaning.choice), None)


@dataclass(slots=True)
class Row:
    """What came of all clips."""

    name: str
    right: int = 0
    wrong: int = 0  # acted on as another answer
    asked_back: int = 0  # "did you mean ...?"
    answers: int = 0
    taken: int = 0  # other talk acted on as an answer
    others: int = 0
    cpu_ms: list[float] = field(default_factory=list[float])


def menus() -> list[Menu]:
    """The menus of the shipped flows, in English."""
    found: list[Menu] = []
    for name in FLOWS:
        flow: Flow = shipped(name)
        for node in flow.nodes.values():
            if isinstance(node, MenuNode):
                means = means_at(flow, node, "en")
                found.append(Menu(means, likely_words(node, means, "en", is_checking=False)))
    return found


async def spoken_answers(menu: Menu, voices: Sequence[CallerVoice]) -> list[tuple[str, Pcm]]:
    """(the answer's name, int16 mono at 8 kHz) for each answer and voice."""
    return [
        (means.name, await line_clip(voice, phrase))
        for means in menu.means
        if not means.name.startswith(("language_", "next_language"))
        for phrase in means.phrases[:ANSWERS_A_CHOICE]
        for voice in voices
        if not voice.is_recorded
    ]


async def line_clip(voice: CallerVoice, text: str) -> Pcm:
    """As it arrives from a telephone."""
    clip = await voice.say(text)
    return mu_law(to_line_rate(clip.pcm, clip.sample_rate_hz, RATE_HZ))


def take(
    row: Row, model: MoonshineModel, menu: Menu, hints: tuple[str, ...], meant: str | None, pcm: Pcm
) -> None:
    """Hear one clip and note what came of it; `meant` is None for other talk."""
    before_s = time.thread_time()
    heard = decode(model, pcm, RATE_HZ, hints)
    row.cpu_ms.append((time.thread_time() - before_s) * 1000)
    answer = menu.answer(heard.text)
    is_trusted = answer is not None and heard.confidence >= trusted_from(answer)
    acted_on = answer.name if answer is not None and is_trusted else None
    if meant is None:
        row.others += 1
        row.taken += acted_on is not None
    else:
        row.answers += 1
        row.right += acted_on == meant
        row.wrong += acted_on not in (None, meant)
        row.asked_back += answer is not None and acted_on is None


async def _run() -> int:
    model = MoonshineModel(weights_folder(), how_to_get_it=HOW_TO_GET_IT)
    rows: Mapping[bool, Row] = {False: Row("without hints"), True: Row("with hints")}
    others = (
        [clip.pcm for clip in recorded_prompts() if len(clip.pcm) <= LONGEST_OTHER_S * RATE_HZ]
        if TEXTS.is_file() and SOUNDS.is_dir()
        else []
    )
    async with caller_voices(TUNED) as (voices, _):
        for menu in menus():
            clips = await spoken_answers(menu, voices)
            for is_hinted, row in rows.items():
                hints = menu.hints if is_hinted else ()
                for meant, pcm in clips:
                    take(row, model, menu, hints, meant, pcm)
    first = menus()[0]
    for is_hinted, row in rows.items():
        for pcm in others:
            take(row, model, first, first.hints if is_hinted else (), None, pcm)
    _print(list(rows.values()), len(others))
    return 0


def _print(rows: Sequence[Row], others: int) -> None:
    table = Table(title=f"{rows[0].answers} answers, {others} other clips", title_justify="left")
    table.add_column("")
    for column in (
        *("understood", "asked back", "taken for another", "other talk acted on"),
        *("CPU ms P50", "P90"),
    ):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.right / max(1, row.answers):.1%}",
            f"{row.asked_back / max(1, row.answers):.1%}",
            f"{row.wrong / max(1, row.answers):.1%}",
            f"{row.taken} of {row.others}",
            f"{statistics.median(row.cpu_ms):.0f}",
            f"{statistics.quantiles(row.cpu_ms, n=10)[-1]:.0f}",
        )
    Console(width=100, highlight=False).print(table)


def main() -> int:
    return asyncio.run(_run())


if __name__ == "__main__":
    raise SystemExit(main())
