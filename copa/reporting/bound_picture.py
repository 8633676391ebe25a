"""`bound.png`: the bound and the measured loss over beta, and how slopes of Q_tot are distributed."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from copa.bounding.estimate import Estimate
from copa.reporting.curves import COLOURS, GREY


def draw_bound(path: Path, found: Estimate) -> None:
    """Draw both panels."""
    figure = Figure(figsize=(12.4, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"Theorem 1 for {found.method}, {found.task}, team {found.team}: an estimate, not a certificate")
    losses, slopes = figure.subplots(1, 2)
    _losses(losses, found)
    _slopes(slopes, found)
    for axes in (losses, slopes):
        axes.grid(visible=True, color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, ncol=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    partial = path.with_suffix(".partial.png")
    figure.savefig(partial, dpi=110)
    partial.replace(path)


def _losses(axes: Axes, found: Estimate) -> None:
    betas = [point.beta for point in found.points]
    axes.plot(
        betas, [point.bound for point in found.points], color=GREY, marker="s", label="whole bound (kappa by proxy)"
    )
    if found.slopes.ceiling is not None:
        ceilings = [point.ceiling_term or 0.0 for point in found.points]
        axes.plot(betas, ceilings, color=COLOURS[0], linestyle=":", label="strategy term, eta from the weights alone")
    terms = [point.strategy_term for point in found.points]
    axes.plot(betas, terms, color=COLOURS[0], marker="o", label="strategy term, eta sampled")
    for name, label, colour, marker in (
        ("start", "lost from the start", COLOURS[1], "v"),
        ("visited", "lost from visited states", COLOURS[2], "^"),
    ):
        means = [getattr(point.loss, name) for point in found.points]
        errors = [[mean.mean - mean.low for mean in means], [mean.high - mean.mean for mean in means]]
        axes.errorbar(
            betas, [mean.mean for mean in means], yerr=errors, color=colour, marker=marker, capsize=3, label=label
        )
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_title("What holding back by beta costs")
    axes.set_xlabel("beta")
    axes.set_ylabel("discounted reward")


def _slopes(axes: Axes, found: Estimate) -> None:
    shares = [place / 100 for place in range(101)]
    for name, label, colour in (
        ("gradient", "gradient norm", COLOURS[0]),
        ("secant", "secant slope", COLOURS[1]),
    ):
        axes.plot(getattr(found.slopes, name).percentiles, shares, color=colour, linewidth=1.8, label=label)
    axes.axvline(found.slopes.eta, color=GREY, linestyle="--", label=f"eta = {found.slopes.eta:.3g}, the largest")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("How fast Q_tot changes with one agent's strategy")
    axes.set_xlabel("slope, reward per unit of strategy")
    axes.set_ylabel("samples below")
