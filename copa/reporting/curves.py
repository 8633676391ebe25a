"""`curves.png`: returns, evaluations, losses and throughput over environment steps."""

import math
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from copa.evaluation.result import PER_EPISODE
from copa.reporting.history import History, Series

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Distinguishable with colour-blindness (Okabe and Ito)."""

GREY = "#6e6e6e"

MOST_OUTCOMES = 4

LOSSES = {
    "td": "temporal difference",
    "imagined_td": "imagined temporal difference",
    "nll": "posterior's likelihood",
    "entropy": "coach's entropy",
}


def draw_curves(path: Path, history: History, final: Mapping[str, Any] | None, *, title: str) -> None:
    """Draw four panels, and one for each outcome that the task tells of, at most four.

    Horizontal lines are the expert (dashed) and random actions (dotted), where known.
    """
    outcomes = list(history.outcomes)[:MOST_OUTCOMES]
    rows = 2 + math.ceil(len(outcomes) / 2)
    figure = Figure(figsize=(12, 4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=14, fontweight="bold")
    panels = figure.subplots(rows, 2)
    (evaluation, training), (losses, throughput) = panels[:2]
    _evaluation(evaluation, history, final)
    _training(training, history)
    _losses(losses, history)
    _throughput(throughput, history)
    for axes, name in zip_longest(panels[2:].flat, outcomes):
        _outcome(axes, name, history, final) if name else axes.set_visible(False)
    for axes in panels.flat:
        axes.set_xlabel("environment steps")
        axes.xaxis.set_major_formatter(FuncFormatter(short_number))
        axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, max(1, history.steps))
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)


def _outcome(axes: Axes, name: str, history: History, final: Mapping[str, Any] | None) -> None:
    axes.set_title(f"{name.replace('_', ' ').capitalize()}, no exploration")
    for (team, series), colour in zip(history.outcomes[name].items(), _colours(), strict=False):
        axes.plot(
            series.steps, series.values, color=colour, linewidth=1.8, marker="o", markersize=3, label=team_title(team)
        )
        _levels(axes, team, colour, final, lambda values: values.get("outcomes", {}).get(name))
    if name.endswith(PER_EPISODE):
        axes.set_ylim(bottom=0)
    else:
        axes.set_ylabel("share of episodes")
        axes.set_ylim(0, 1)
    _legend(axes, history.outcomes)


def _levels(
    axes: Axes,
    team: str,
    colour: str,
    final: Mapping[str, Any] | None,
    level: Callable[[Mapping[str, Any]], float | None],
) -> None:
    """What the expert (dashed) and random actions (dotted) reached with `team`."""
    for policy, style in (("greedy", "--"), ("random", ":")):
        reached = level((final or {}).get("policies", {}).get(policy, {}).get(team) or {})
        if reached is not None:
            axes.axhline(reached, color=colour, linestyle=style, linewidth=1.1, alpha=0.8)


def _evaluation(axes: Axes, history: History, final: Mapping[str, Any] | None) -> None:
    axes.set_title("Evaluation, no exploration")
    axes.set_ylabel("return per episode")
    for (team, series), colour in zip(history.evaluation.items(), _colours(), strict=False):
        low = [value - error for value, error in zip(series.values, series.errors, strict=True)]
        high = [value + error for value, error in zip(series.values, series.errors, strict=True)]
        axes.fill_between(series.steps, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            series.steps, series.values, color=colour, linewidth=1.8, marker="o", markersize=3, label=team_title(team)
        )
        _levels(axes, team, colour, final, lambda values: values.get("mean"))
    if final is not None:
        axes.plot([], [], color=GREY, linestyle="--", linewidth=1.1, label="greedy expert")
        axes.plot([], [], color=GREY, linestyle=":", linewidth=1.1, label="random actions")
    _legend(axes, history.evaluation or final)


def _training(axes: Axes, history: History) -> None:
    axes.set_title("Training, with exploration")
    axes.set_ylabel("return per episode")
    series = history.training_return
    axes.plot(series.steps, series.values, color=COLOURS[0], linewidth=1.6, marker=_marker(series))
    if history.epsilon.values:
        right = axes.twinx()
        right.plot(history.epsilon.steps, history.epsilon.values, color=GREY, linewidth=1.2, linestyle="--")
        right.set_ylabel("epsilon (dashed)", color=GREY)
        right.set_ylim(0, 1)
        right.tick_params(axis="y", colors=GREY)
        right.spines["top"].set_visible(False)
    if not series.values:
        _empty(axes)


def _losses(axes: Axes, history: History) -> None:
    axes.set_title("Losses")
    axes.set_ylabel("loss")
    for (part, series), colour in zip(history.losses.items(), _colours(), strict=False):
        axes.plot(
            series.steps,
            series.values,
            color=colour,
            linewidth=1.4,
            marker=_marker(series),
            label=LOSSES.get(part, part),
        )
    values = [value for series in history.losses.values() for value in series.values]
    if values and min(values) > 0:
        axes.set_yscale("log")
    elif values:
        axes.set_yscale("symlog", linthresh=max(1e-3, sorted(map(abs, values))[len(values) // 10]))
    _legend(axes, history.losses)


def _throughput(axes: Axes, history: History) -> None:
    axes.set_title("Throughput")
    axes.set_ylabel("environment steps per second", color=COLOURS[0])
    steps, updates = history.steps_per_second, history.updates_per_second
    axes.plot(steps.steps, steps.values, color=COLOURS[0], linewidth=1.6, marker=_marker(steps))
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="y", colors=COLOURS[0])
    axes.yaxis.set_major_formatter(FuncFormatter(short_number))
    if updates.values:
        right = axes.twinx()
        right.plot(updates.steps, updates.values, color=COLOURS[1], linewidth=1.6, marker=_marker(updates))
        right.set_ylabel("updates per second", color=COLOURS[1])
        right.set_ylim(bottom=0)
        right.tick_params(axis="y", colors=COLOURS[1])
        right.spines["top"].set_visible(False)
    if not steps.values:
        _empty(axes)


def _legend(axes: Axes, content: object) -> None:
    if content:
        axes.legend(frameon=False, fontsize=9, ncol=5, loc="upper center", bbox_to_anchor=(0.5, -0.13))
    else:
        _empty(axes)


def _empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "nothing recorded", transform=axes.transAxes, ha="center", va="center", color=GREY)


def _colours() -> list[str]:
    return list(COLOURS) * 3


def team_title(name: str) -> str:
    """A team's name in words."""
    return f"{name} agents" if name.isdecimal() else {"train": "training teams"}.get(name, name)


def _marker(series: Series) -> str:
    return "." if len(series.values) < 3 else ""


def short_number(value: float, _: object = None) -> str:
    """A number for the marks of an axis: 2.5M, 40k, 7."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
