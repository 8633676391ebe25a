"""Rows of an evaluation as text, Markdown, CSV or JSON; and the paper's form of a table, a column per team."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from copa.evaluation.result import PER_EPISODE
from copa.evaluation.sweep import Row
from copa.reporting.table import shares
from copa.reporting.tables import aligned, markdown

Format = Literal["text", "markdown", "csv", "json"]
FORMATS: tuple[Format, ...] = ("text", "markdown", "csv", "json")

_COLUMNS = (
    ("mean", "mean", "{:.2f}"),
    ("stderr", "stderr", "{:.2f}"),
    ("low", "95 % low", "{:.2f}"),
    ("high", "95 % high", "{:.2f}"),
    ("iqm", "IQM", "{:.2f}"),
    ("episodes", "episodes", "{}"),
    ("runs", "runs", "{}"),
    ("communication_rate", "per coach step", "{:.1%}"),
    ("communication_per_step", "per step", "{:.1%}"),
    ("strategy_bytes_per_step", "bytes/step", "{:.0f}"),
)


def written(rows: Sequence[Row], form: Format, about: Mapping[str, Any]) -> str:
    """`rows` in the form asked for; `about` (episodes, seed, ...) enters JSON alone."""
    if form == "json":
        return json.dumps(_plain(rows, about))
    if form == "csv":
        return _csv(rows)
    return aligned(_cells(rows)) if form == "text" else markdown(_cells(rows), left=3)


def paper_table(rows: Sequence[Row], form: Format) -> str:
    """A line per player and beta, a column per team: mean, 95 % interval, and how episodes ended where the task tells;
    then how often the coach speaks."""
    if form == "json":
        return json.dumps(_plain(rows, {}))
    if form == "csv":
        return _csv(rows)
    teams = list(dict.fromkeys(row.team for row in rows))
    lines: dict[tuple[str, float | None], dict[str, Row]] = {}
    for row in rows:
        lines.setdefault((row.label, row.beta), {})[row.team] = row
    cells = [["method", *teams, "f (per step)", "runs"]]
    for (label, beta), found in lines.items():
        rates = [rate for row in found.values() if (rate := row.summary["communication_per_step"]) is not None]
        said = f"{sum(rates) / len(rates):.1%}" if rates else "-"
        name = label if beta is None else f"{label}, beta = {beta:.4g}"
        reached = [_mean_and_interval(found[team]) if team in found else "-" for team in teams]
        cells.append([name, *reached, said, str(next(iter(found.values())).summary["runs"])])
    return aligned(cells) if form == "text" else markdown(cells, left=1)


def _mean_and_interval(row: Row) -> str:
    values = row.summary
    reached = f"{values['mean']:.1f} [{values['low']:.1f}, {values['high']:.1f}]"
    return ", ".join((reached, *shares(_outcomes(row))))


def _outcomes(row: Row) -> dict[str, float]:
    """What the task says of the episodes."""
    known = {key for key, *_ in _COLUMNS}
    return {name: value for name, value in row.summary.items() if name not in known and value is not None}


def _plain(rows: Sequence[Row], about: Mapping[str, Any]) -> dict[str, Any]:
    """`teams` where there is one player and one beta, and always all `rows`."""
    found: dict[str, Any] = {}
    if len({(row.label, row.beta) for row in rows}) == 1:
        found["teams"] = {row.team: row.summary for row in rows}
    found["rows"] = [{"player": row.label, "team": row.team, "beta": row.beta, **row.summary} for row in rows]
    return found | dict(about)


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    extra = dict.fromkeys(name for row in rows for name in _outcomes(row))
    shown_as = {name: "{:.2f}" if name.endswith(PER_EPISODE) else "{:.1%}" for name in extra}
    columns = [*_COLUMNS, *((name, name.removesuffix(PER_EPISODE), form) for name, form in shown_as.items())]
    cells = [["player", "team", "beta", *(title for _, title, _ in columns)]]
    for row in rows:
        values = [(row.summary.get(name), shown) for name, _, shown in columns]
        said = ["-" if value is None else shown.format(value) for value, shown in values]
        cells.append([row.label, row.team, "-" if row.beta is None else f"{row.beta:.4g}", *said])
    return cells


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row.summary))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["player", "team", "beta", *names])
    for row in rows:
        values = [row.summary.get(name) for name in names]
        writer.writerow(
            [row.label, row.team, "" if row.beta is None else row.beta, *("" if v is None else v for v in values)]
        )
    return text.getvalue().rstrip("\n")
