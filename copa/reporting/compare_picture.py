"""`compare.png`: a panel per team, a line per group."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from copa.reporting.compare import TRAINING, Comparison
from copa.reporting.curves import COLOURS, GREY, short_number, team_title

LABELS = {"steps": "environment steps", "updates": "learner updates", "seconds": "seconds of running"}
COLUMNS = 2
STYLES = {"greedy": "--", "random": ":"}


def draw_comparison(path: Path, comparison: Comparison) -> None:
    """Draw all curves; a band is the interval over the runs of a group, a grey line a policy that does not learn."""
    teams = sorted(
        {curve.team for curve in comparison.curves}, key=lambda team: (team == TRAINING, team != "train", team)
    )
    columns = min(COLUMNS, len(teams))
    rows = -(-len(teams) // columns)
    figure = Figure(figsize=(6.2 * columns, 3.9 * rows + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    groups = list(dict.fromkeys(curve.group for curve in comparison.curves))
    colours = {group: COLOURS[index % len(COLOURS)] for index, group in enumerate(groups)}
    handles: dict[str, Line2D] = {}
    for axes, team in zip(panels, teams, strict=False):
        axes.set_title("Training, with exploration" if team == TRAINING else f"Evaluation, {team_title(team)}")
        for curve in (curve for curve in comparison.curves if curve.team == team):
            colour = colours[curve.group]
            runs = "1 run" if curve.runs == 1 else f"{curve.runs} runs"
            (line,) = axes.plot(curve.x, curve.mean, color=colour, linewidth=1.8)
            handles.setdefault(f"{curve.group} ({runs})", line)
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
        for policy, values in comparison.references.items():
            if team in values:
                line = axes.axhline(values[team], color=GREY, linestyle=STYLES[policy], linewidth=1.2)
                handles.setdefault(policy, line)
        _frame(axes, LABELS[comparison.axis])
    for axes in panels[len(teams) :]:
        axes.remove()
    figure.suptitle(f"Return by {comparison.by}; bands: 95 % bootstrap over runs", fontsize=13, fontweight="bold")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncol=4, frameon=False)
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)


def _frame(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel("return per episode")
    axes.xaxis.set_major_formatter(FuncFormatter(short_number))
    axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
