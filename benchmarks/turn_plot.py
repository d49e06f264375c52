"""The distribution of the reply's latency, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.turn_scoring import percentile
from benchmarks.turn_table import NEVER, latencies_ms
from benchmarks.turn_trials import REPLY_WITHIN_MS, Findings
from benchmarks.utterances import Kind

HUMAN_GAP_S: Final = 0.208  # mean gap between turns over ten languages (Stivers et al., 2009)
_COLOURS: Final = ("#b0413e", "#2f6db3", "#4c8c4a", "#8a5fb0")


def save_plot(found: Sequence[tuple[str, Findings]], path: Path) -> None:
    """A PNG: for short answers and for sentences, the share of replies that had come by then."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    kinds = ((Kind.SHORT, "answers of one or two words"), (Kind.SENTENCE, "whole sentences"))
    for axes, (kind, title) in zip(both, kinds, strict=True):
        for (name, findings), colour in zip(found, _COLOURS, strict=False):
            values_ms = sorted(latencies_ms(findings, kind))
            if not values_ms:
                continue
            seconds = [min(value, REPLY_WITHIN_MS) / 1000 for value in values_ms]
            shares = [(place + 1) / len(seconds) for place in range(len(seconds))]
            middle = percentile(values_ms, 50)
            never = sum(value == NEVER for value in values_ms)
            label = f"{name}: {len(seconds)} turns"
            if middle is not None and middle != NEVER:
                label += f", median {middle / 1000:.2f} s"
            label += f", {never} without reply" if never else ""
            axes.step(
                [seconds[0], *seconds], [0.0, *shares], where="post", color=colour, label=label
            )
        axes.axvline(HUMAN_GAP_S, color="grey", linestyle=":", linewidth=1)
        axes.set_title(f"after {title}", fontsize=10)
        axes.set_xlabel("caller's last sound to the bot's first, s")
        axes.set_xlim(0, 4.5)
        axes.set_ylim(0, 1)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right")
    both[0].set_ylabel("share of replies")
    both[0].text(HUMAN_GAP_S + 0.04, 0.03, "between people", fontsize=7, color="grey")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
