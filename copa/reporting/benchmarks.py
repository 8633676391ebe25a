"""Figures of benchmarks against recorded ones: which ratio fell."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copa.errors import DataError

RECORDED = "(recorded"
"""What the name of a baseline says that was not measured in the same run."""


@dataclass(frozen=True, slots=True)
class Change:
    """One ratio now and as it was recorded."""

    name: str
    """`benchmark: row | baseline`."""
    ratio: float | None
    """ours / baseline; None where it is not measured now."""
    recorded: float | None
    """None where it was not recorded."""
    better: str
    """`higher` or `lower`."""

    @property
    def gain(self) -> float | None:
        """How many times better the ratio is than the recorded one; below 1 where it fell."""
        if self.ratio is None or self.recorded is None:
            return None
        return self.ratio / self.recorded if self.better == "higher" else self.recorded / self.ratio

    def fell(self, share: float) -> bool:
        """Whether the ratio is worse than the recorded one by more than `share`."""
        return self.gain is not None and self.gain < 1 - share


def read_ratios(path: Path) -> dict[str, tuple[float, str]]:
    """Ratio and its good direction by name, from a file of `python -m bench`.

    Raises:
        DataError: there is no such file, or it is none of these.
    """
    try:
        benchmarks = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
        return {
            f"{name}: {row['name']} | {row['baseline_name']}": (float(row["ratio"]), str(row["better"]))
            for name, rows in benchmarks.items()
            for row in rows
        }
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); `make bench` writes such a file") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no file of `python -m bench`: {type(error).__name__} {error}") from None


def changes(now: Path, recorded: Path) -> list[Change]:
    """Every ratio of either file; raises DataError as `read_ratios` does."""
    new, old = read_ratios(now), read_ratios(recorded)
    found = []
    for name in dict.fromkeys([*old, *new]):
        better = (new.get(name) or old[name])[1]
        found.append(Change(name, new[name][0] if name in new else None, old[name][0] if name in old else None, better))
    return found


def conclusion(found: Sequence[Change], share: float) -> str:
    """How many ratios fell, and how many of these say something of the machine at least as much as of the code."""
    fell = [one for one in found if one.fell(share)]
    if not fell:
        return f"none fell by more than {share:.0%}"
    beside = sum(RECORDED in one.name for one in fell)
    text = f"{len(fell)} fell by more than {share:.0%}"
    if beside:
        text += f", {beside} of them beside recorded figures: on another machine than theirs these tell how fast it is"
    return text


def cells(found: Sequence[Change], share: float) -> list[list[str]]:
    """A table's cells, titles first."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:,.3g}"

    rows = [["ratio", "recorded", "now", "times better", ""]]
    for one in found:
        mark = "FELL" if one.fell(share) else "not measured" if one.ratio is None else ""
        mark = "new" if one.recorded is None else mark
        rows.append([one.name, number(one.recorded), number(one.ratio), number(one.gain), mark])
    return rows
