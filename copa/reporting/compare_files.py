"""A comparison as files: `compare.md`, `compare.csv`, `compare.json`, and `compare.png` where matplotlib is there."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from copa.reporting.compare import Comparison, Curve
from copa.reporting.statistics import interval


def write_comparison(folder: Path, comparison: Comparison) -> list[Path]:
    """Write all files into `folder`; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "compare.md": markdown(comparison),
        "compare.csv": table(comparison),
        "compare.json": json.dumps(data(comparison), indent=1) + "\n",
    }
    written = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    try:
        from copa.reporting.compare_picture import draw_comparison
    except ImportError:
        return written
    picture = folder / "compare.png"
    draw_comparison(picture, comparison)
    return [*written, picture]


def data(comparison: Comparison) -> dict[str, object]:
    """Everything, as plain lists and numbers."""
    return {
        "by": comparison.by,
        "axis": comparison.axis,
        "curves": [
            {
                "group": curve.group,
                "team": curve.team,
                "runs": curve.runs,
                "x": curve.x.tolist(),
                "mean": curve.mean.tolist(),
                "low": curve.low.tolist(),
                "high": curve.high.tolist(),
            }
            for curve in comparison.curves
        ],
        "references": comparison.references,
        "differing": comparison.differing,
        "final": comparison.final,
    }


def table(comparison: Comparison) -> str:
    """CSV, a line per point of a curve."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", "team", comparison.axis, "mean", "low", "high", "runs"])
    for curve in comparison.curves:
        for x, mean, low, high in zip(curve.x, curve.mean, curve.low, curve.high, strict=True):
            writer.writerow([curve.group, curve.team, f"{x:g}", f"{mean:.4f}", f"{low:.4f}", f"{high:.4f}", curve.runs])
    return text.getvalue()


def markdown(comparison: Comparison) -> str:
    """How the groups end, and what else they differ in."""
    teams = list(dict.fromkeys(team for found in comparison.final.values() for team in found))
    parts = []
    if teams:
        parts.append(
            "Mean return of the final tables (no exploration) over the runs of a group, and its 95 % bootstrap interval"
            " over runs, which for two or three runs is little more than their range."
        )
        rows = [[comparison.by, "runs", *teams], ["---", "---:", *(["---:"] * len(teams))]]
        for group, found in comparison.final.items():
            count = max((len(values) for values in found.values()), default=0)
            rows.append([group, str(count), *(_cell(found.get(team, [])) for team in teams)])
        for policy, values in comparison.references.items():
            rows.append([policy, "", *(f"{values[team]:.1f}" if team in values else "-" for team in teams)])
        parts.append(_rows(rows))
    else:
        parts.append("No run has a final table yet; the last point of every curve instead.")
        ends = [[comparison.by, "curve", "runs", comparison.axis, "return"], ["---", "---", "---:", "---:", "---:"]]
        ends += [[c.group, c.team, str(c.runs), f"{c.x[-1]:,.0f}", _end(c)] for c in comparison.curves]
        parts.append(_rows(ends))
    if comparison.differing:
        differing = [["setting", "values"], ["---", "---"]]
        differing += [[f"`{path}`", ", ".join(values)] for path, values in comparison.differing.items()]
        parts += ["The runs also differ in:", _rows(differing)]
    return "\n\n".join(parts) + "\n"


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    low, high = interval([np.array(values)])
    return f"{np.mean(values):.1f} [{low:.1f}, {high:.1f}]"


def _end(curve: Curve) -> str:
    return f"{curve.mean[-1]:.1f}" + (f" [{curve.low[-1]:.1f}, {curve.high[-1]:.1f}]" if curve.runs > 1 else "")


def _rows(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
