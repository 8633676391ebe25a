"""Draw a dashboard without Grafana: its panels in their grid, filled from a Prometheus that has scraped a run.

    python -m deploy.grafana.preview throughput --minutes 5 --output docs/images/dashboard.png

Needs matplotlib, of the extra `plots`. The picture is a preview: Grafana's own rendering differs in detail.
"""

import argparse
import itertools
import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent / "dashboards"

COLUMNS = 24
COLUMN_INCHES, ROW_INCHES, GAP_INCHES = 0.62, 0.36, 0.06
DPI = 100
RATE_INTERVAL = "1m"
"""What Grafana puts for $__rate_interval is never shorter than four scrapes; the recording rules use this too."""

PAGE, PANEL, TEXT, FAINT = "#111217", "#181b1f", "#ccccdc", "#2c3235"
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#96d98d", "#ffb357", "#ca95e5")
BINARY = ("", "Ki", "Mi", "Gi", "Ti")
DECIMAL = ("", " K", " Mil", " Bil")

TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 180, 720)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: Unix times in seconds and values, both [N]."""

    name: str
    times: Numbers
    values: Numbers


class Prometheus:
    """Answers queries over the last `minutes`."""

    def __init__(self, url: str, minutes: float) -> None:
        self._url = url
        self.end = time.time()
        self.start = self.end - 60.0 * minutes

    def ask(self, expression: str, legend: str) -> list[Series]:
        """The series of `expression`, named by `legend`.

        Raises:
            SystemExit: Prometheus is not there, or refuses the query.
        """
        step = max(5.0, (self.end - self.start) / 300.0)
        fields = {
            "query": expression.replace("$__rate_interval", RATE_INTERVAL),
            "start": self.start,
            "end": self.end,
            "step": step,
        }
        address = f"{self._url}/api/v1/query_range?{urllib.parse.urlencode(fields)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                found = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{expression}: {error.read().decode()}") from None
        except OSError as error:
            raise SystemExit(f"no Prometheus at {self._url}: {error}; name one by --prometheus") from None
        return [_series(one, legend) for one in found]


def _series(found: Mapping[str, Any], legend: str) -> Series:
    name = legend
    for label, value in found["metric"].items():
        name = name.replace(f"{{{{{label}}}}}", value)
    times, values = zip(*found["values"], strict=True)
    return Series(name, np.array(times, float), np.array(values, float))


def draw(dashboard: Mapping[str, Any], prometheus: Prometheus) -> Figure:
    """The dashboard's panels, each where Grafana puts it."""
    panels = dashboard["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = COLUMNS * COLUMN_INCHES, rows * ROW_INCHES
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAGE)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] * COLUMN_INCHES + GAP_INCHES, place["y"] * ROW_INCHES + GAP_INCHES
        across, down = place["w"] * COLUMN_INCHES - 2 * GAP_INCHES, place["h"] * ROW_INCHES - 2 * GAP_INCHES
        frame = figure.add_axes((left / width, 1 - (top + down) / height, across / width, down / height))
        frame.set(facecolor=PANEL, xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1), autoscale_on=False)
        frame.spines[:].set_color(FAINT)
        frame.text(0.12 / across, 1 - 0.11 / down, panel["title"], color=TEXT, fontsize=9.5, va="top")
        series = [
            one for target in panel.get("targets", []) for one in prometheus.ask(target["expr"], target["legendFormat"])
        ]
        if not any(np.isfinite(one.values).any() for one in series):
            reason = "No data" if "targets" in panel else "a list that Grafana alone draws"
            frame.text(0.5, 0.45, reason, color=TEXT, alpha=0.6, ha="center", va="center", fontsize=11)
        elif panel["type"] == "stat":
            _number(frame, panel, series[0])
        else:
            _plot(frame, panel, series, prometheus, (across, down))
    return figure


def _number(frame: Axes, panel: Mapping[str, Any], series: Series) -> None:
    known = series.values[np.isfinite(series.values)]
    spark = frame.inset_axes((0.0, 0.0, 1.0, 0.42))
    spark.axis("off")
    spark.plot(series.times, series.values, color=COLOURS[0], linewidth=1.2)
    spark.fill_between(series.times, series.values, min(0.0, known.min()), color=COLOURS[0], alpha=0.15)
    spark.margins(x=0)
    spark.set_ylim(min(0.0, known.min()), max(1e-9, 1.25 * known.max()))
    text = _format(known[-1], panel)
    frame.text(0.5, 0.52, text, color=COLOURS[0], ha="center", va="center", fontsize=17, weight="bold")


def _plot(
    frame: Axes, panel: Mapping[str, Any], series: list[Series], prometheus: Prometheus, size: tuple[float, float]
) -> None:
    across, down = size
    colours = dict(zip([one.name for one in series], itertools.cycle(COLOURS), strict=False))
    columns = max(1, int(across / (0.42 + 0.075 * max(map(len, colours)))))
    lines = math.ceil(len(colours) / columns)
    below = (0.32 + 0.17 * lines) / down
    axes = frame.inset_axes((0.78 / across, below, 1 - 0.95 / across, 1 - below - 0.42 / down))
    axes.set_facecolor(PANEL)
    axes.spines[:].set_visible(False)
    axes.grid(color=FAINT, linewidth=0.7)
    axes.tick_params(colors=TEXT, labelsize=7.5, length=0)
    axes.set_axisbelow(True)
    if panel["type"] == "state-timeline":
        _states(axes, series)
    else:
        _lines(axes, panel, series, colours)
    first, last = prometheus.start / 60.0, prometheus.end / 60.0
    step = next((step for step in TICK_MINUTES if step >= (last - first) / 6), TICK_MINUTES[-1])
    axes.set_xticks(np.arange(math.ceil(first / step) * step, last, step) / 1440.0)
    axes.set_xlim(first / 1440.0, last / 1440.0)
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    if panel["type"] != "state-timeline":
        _legend(frame, colours, columns, size)


def _lines(axes: Axes, panel: Mapping[str, Any], series: list[Series], colours: Mapping[str, str]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    low, high = defaults.get("min"), defaults.get("max")
    for one in series:
        axes.plot(_days(one.times), one.values, color=colours[one.name], linewidth=1.3)
        if low == 0:
            axes.fill_between(_days(one.times), one.values, 0.0, color=colours[one.name], alpha=0.06, linewidth=0)
    if defaults.get("custom", {}).get("scaleDistribution", {}).get("type") == "log":
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter("")
    elif high is not None:
        axes.set_ylim(low, 1.02 * high)
    elif low == 0:
        largest = max(np.nanmax(one.values, initial=0.0) for one in series)
        axes.set_ylim(0.0, 1.12 * largest if largest > 0 else 1.0)
        if defaults.get("unit") in ("bytes", "Bps") and largest > 0:
            step = 2.0 ** math.floor(math.log2(largest / 3))
            axes.set_yticks(np.arange(0.0, 1.12 * largest, step))
    if defaults.get("decimals") == 0:
        axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: _format(value, panel, short=True))


def _states(axes: Axes, series: list[Series]) -> None:
    for row, one in enumerate(reversed(series)):
        well = one.values == 1
        for mask, colour in ((well, COLOURS[0]), (~well, COLOURS[4])):
            times = _days(one.times)
            axes.fill_between(times, row + 0.12, row + 0.88, where=mask, color=colour, alpha=0.8, step="mid")
    axes.set_ylim(0, len(series))
    axes.set_yticks(np.arange(len(series)) + 0.5, [one.name.split()[0] for one in reversed(series)])
    axes.grid(visible=False)


def _legend(frame: Axes, colours: Mapping[str, str], columns: int, size: tuple[float, float]) -> None:
    across, down = size
    for number, (name, colour) in enumerate(colours.items()):
        row, column = divmod(number, columns)
        x = (0.15 + column * (across - 0.2) / columns) / across
        lines = math.ceil(len(colours) / columns)
        y = (0.12 + 0.17 * (lines - 1 - row)) / down
        frame.plot([x, x + 0.12 / across], [y, y], color=colour, linewidth=2.5, transform=frame.transAxes)
        frame.text(x + 0.18 / across, y, name, color=TEXT, fontsize=7.5, va="center", transform=frame.transAxes)


def _days(times: Numbers) -> Numbers:
    """Unix times in days, which is what matplotlib's axes of time count in."""
    return times / 86_400.0


def _format(value: float, panel: Mapping[str, Any], *, short: bool = False) -> str:
    """`value` in the panel's unit; `short` for an axis."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit", "none")
    decimals = defaults.get("decimals")
    if unit == "percentunit":
        return f"{100 * value:.{0 if abs(value) >= 0.1 or value == 0 else 1}f}%"
    if unit in ("bytes", "Bps"):
        return _scaled(value, BINARY, 1024.0) + ("B" if unit == "bytes" else "B/s")
    if unit == "s":
        return f"{1000 * value:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if unit == "short":
        return _scaled(value, DECIMAL, 1000.0)
    text = f"{value:,.{decimals}f}" if decimals is not None else f"{value:,.4g}"
    suffix = unit.removeprefix("suffix:") if unit.startswith("suffix:") else {"cps": " /s"}.get(unit, "")
    return text if short else text + suffix


def _scaled(value: float, prefixes: tuple[str, ...], base: float) -> str:
    power = min(len(prefixes) - 1, int(math.log(abs(value), base))) if abs(value) >= 1 else 0
    return f"{value / base**power:.3g}" + (" " if base == 1024 else "") + prefixes[power]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Draw a dashboard without Grafana.")
    parser.add_argument("dashboard", choices=sorted(_names()))
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=5.0, help="how far to look back; default: %(default)s")
    parser.add_argument("--output", type=Path, required=True, help="PNG file to write")
    arguments = parser.parse_args()
    dashboard = json.loads((FOLDER / f"{arguments.dashboard}.json").read_text(encoding="utf-8"))
    figure = draw(dashboard, Prometheus(arguments.prometheus, arguments.minutes))
    figure.savefig(arguments.output, pil_kwargs={"optimize": True})
    return 0


def _names() -> Iterator[str]:
    return (path.stem for path in FOLDER.glob("*.json"))


if __name__ == "__main__":
    sys.exit(main())
