"""Calls at once against the reply's P90 and the holes in the bot's voice, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_COLOURS: Final = ("#b0413e", "#2f6db3", "#4c8c4a")
_MOST_S: Final = 4.0  # of P90 in the picture


def save_plot(found: Mapping[str, Sequence[tuple[int, float, float]]], path: Path) -> None:
    """A PNG of (calls, P90 in ms, holes a minute) for each peer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, points), colour in zip(found.items(), _COLOURS, strict=False):
        calls = [point[0] for point in points]
        style = {"color": colour, "marker": "o", "label": name}
        left.plot(calls, [min(point[1] / 1000, _MOST_S) for point in points], **style)
        right.plot(calls, [point[2] for point in points], **style)
    left.axhline(0.8, color="grey", linestyle=":", linewidth=1)
    left.set_ylabel("reply, P90, s")
    right.axhline(1.0, color="grey", linestyle=":", linewidth=1)
    right.set_ylabel("holes in the bot's voice, a minute")
    right.set_yscale("symlog", linthresh=1.0)
    for axes in (left, right):
        axes.set_xlabel("calls at once")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
