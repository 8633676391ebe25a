"""How cost grows: an update with batch, slots, entities and width, acting with the number of actors.

Each figure stands beside the one of the smallest size, so that the ratio is the growth; sizes that double with a ratio
of 2 grow in proportion. The update is that of the preset `quick` on one thread: 64 segments, teams of four, width 64.
`python -m bench.growth --plot FILE` draws it.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.acting import through_services
from bench.report import Row, main
from bench.update import SPEC, seconds_per_update
from copa.config.load import resolve
from copa.tasks.base import TaskSpec

BATCH = 64
TEAM = 4
REPEATS = 10
SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A size that is varied, all others staying as they are."""

    name: str
    unit: str
    """Of the cost."""
    sizes: tuple[int, ...]
    cost: Callable[[int], float]
    better: str = "lower"


def update(size: int, *, setting: str = "learning.batch") -> float:
    """Milliseconds of an update with `setting` = `size`."""
    return _milliseconds(SPEC, {"learning.batch": str(BATCH), setting: str(size)}, TEAM)


def update_of_agents(size: int) -> float:
    """Milliseconds of an update of teams of `size`."""
    return _milliseconds(replace(SPEC, slots=size), {"learning.batch": str(BATCH)}, size)


def update_of_entities(size: int) -> float:
    """Milliseconds of an update with `size` entities beside the agents."""
    return _milliseconds(replace(SPEC, entity_rows=size), {"learning.batch": str(BATCH)}, TEAM)


def _milliseconds(spec: TaskSpec, flags: dict[str, str], team: int) -> float:
    config = resolve(preset="quick", flags=flags).config
    return 1e3 * seconds_per_update(config, (team,), threads=1, repeats=REPEATS, spec=spec)


AXES = (
    Axis("update, segments", "ms", (32, 64, 128, 256, 512), update),
    Axis("update, agents", "ms", (2, 4, 8, 16, 32), update_of_agents),
    Axis("update, entities", "ms", (4, 8, 16, 32, 64), update_of_entities),
    Axis("update, width", "ms", (32, 64, 128, 256), partial(update, setting="nets.width")),
    Axis("acting, actors of 64 games", "steps/s", (1, 2, 4, 8), partial(through_services, seconds=SECONDS), "higher"),
)


def run(quick: bool = False, plot: Path | None = None) -> list[Row]:
    """Cost at each size beside that at the smallest."""
    rows = []
    figures = {}
    for axis in AXES:
        sizes = axis.sizes[:2] if quick else axis.sizes
        costs = [axis.cost(size) for size in sizes]
        figures[axis] = (sizes, costs)
        rows += [
            Row(f"{axis.name}: {size}", cost, costs[0], axis.unit, f"{sizes[0]}", axis.better)
            for size, cost in zip(sizes[1:], costs[1:], strict=True)
        ]
    if plot is not None:
        draw(figures, plot)
    return rows


def draw(figures: dict[Axis, tuple[tuple[int, ...], list[float]]], file: Path) -> None:
    """One panel per axis, both scales logarithmic, with a line of growth in proportion; writes `file`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(figures), 2.8), layout="constrained")
    for panel, (axis, (sizes, costs)) in zip(figure.subplots(1, len(figures)), figures.items(), strict=True):
        panel.plot(sizes, [costs[0] * size / sizes[0] for size in sizes], color="lightgrey", label="in proportion")
        panel.plot(sizes, costs, marker="o", label="measured")
        panel.set(xscale="log", yscale="log", title=axis.name, ylabel=axis.unit, xticks=sizes)
        panel.set_xticklabels([str(size) for size in sizes])
        panel.minorticks_off()
    figure.axes[0].legend(frameon=False)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--plot", type=Path)
    ours, others = parser.parse_known_args()
    sys.argv[1:] = others
    main(partial(run, plot=ours.plot))
