"""What a panel of a dashboard is, apart from how Grafana writes it."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["none", "short", "percentunit", "bytes", "Bps", "s", "cps", "steps/s", "updates/s", "segments/s"]
Kind = Literal["lines", "number", "states", "alerts"]


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and how a series of its answer is called."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `description` is what Grafana shows behind the (i)."""

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: Unit = "none"
    kind: Kind = "lines"
    width: int = 8
    height: int = 8
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: `name` is its file and the end of its uid."""

    name: str
    title: str
    description: str
    panels: tuple[Panel, ...]


def number(title: str, expression: str, unit: Unit, description: str, decimals: int | None = None) -> Panel:
    """A small panel with one number and its recent course."""
    query = Query(expression, title)
    return Panel(title, description, (query,), unit, kind="number", width=4, height=4, decimals=decimals)


def quantiles(histogram: str, by: str = "") -> tuple[Query, ...]:
    """Median and 95 % of a histogram; `by` stands before their names."""
    return tuple(
        Query(f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket[$__rate_interval])))", f"{by}{name}")
        for q, name in ((0.5, "median"), (0.95, "95 %"))
    )
