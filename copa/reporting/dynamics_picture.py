"""`dynamics.png`: relative return against how often the coach speaks, a line per variant."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from copa.reporting.curves import COLOURS
from copa.reporting.dynamics import VARIANTS, Point

MARKERS = ("o", "s", "^")


def draw_dynamics(path: Path, points: Sequence[Point]) -> None:
    """A panel per player."""
    labels = list(dict.fromkeys(point.label for point in points))
    figure = Figure(figsize=(6.4 * len(labels), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(labels), squeeze=False, sharey=True)[0]
    for axes, label in zip(panels, labels, strict=True):
        for variant, colour, marker in zip(VARIANTS, COLOURS, MARKERS, strict=False):
            line = sorted((p for p in points if (p.label, p.variant) == (label, variant)), key=lambda p: p.per_step)
            axes.plot(
                [p.per_step for p in line], [p.relative for p in line], color=colour, marker=marker, label=variant
            )
        axes.set_title(label)
        axes.set_xlabel("steps in which the coach speaks to a player, f")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, title="variant")
    panels[0].set_ylabel("return, relative to speaking always")
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)
