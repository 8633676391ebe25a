"""Learning curves of many runs, grouped by what they differ in, with intervals over the runs of a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from copa.config.settings import SETTINGS
from copa.errors import ConfigError, UnavailableError
from copa.reporting.statistics import interval
from copa.run_folder import RunFolder

Axis = Literal["steps", "updates", "seconds"]
Numbers = NDArray[np.float64]

POINTS = 60
"""Points of a curve."""

TRAINING = "training"
"""Name of the curve of returns while exploring; every other curve is named by its team."""

_ALWAYS_DIFFERENT = frozenset({"run.seed", "run.name", "run.folder"})


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity of one group of runs."""

    group: str
    team: str
    x: Numbers
    """[points], within what every run of the group has reached."""
    mean: Numbers
    """[points], mean over the group's runs."""
    low: Numbers
    high: Numbers
    """[points], 95 % bootstrap interval over the runs; the mean itself where there is one run."""
    runs: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `copa compare` shows."""

    by: str
    axis: Axis
    curves: tuple[Curve, ...]
    references: Mapping[str, Mapping[str, float]]
    """Mean return of `random` and `greedy` by team, where a run has a final table."""
    differing: Mapping[str, Sequence[str]]
    """Other settings that the runs differ in, with their values."""
    final: Mapping[str, Mapping[str, Sequence[float]]]
    """By group and team, the mean return of each complete run's final table."""


def compare(runs: Sequence[RunFolder], *, by: str = "method.name", axis: Axis = "steps") -> Comparison:
    """Group `runs` by the setting `by` and put their curves over `axis` on common points.

    Raises:
        ConfigError: `by` is no setting, or the runs play different tasks.
        UnavailableError: no run has been evaluated yet.
    """
    if by not in SETTINGS:
        raise ConfigError(
            f"--by {by!r} is no setting; give one as section.field, for instance method.name or nets.width"
        )
    settings = [_settings(run) for run in runs]
    tasks = sorted({str(found["task.name"]) for found in settings})
    if len(tasks) > 1:
        raise ConfigError(f"the runs play different tasks ({', '.join(tasks)}), whose returns cannot be compared")
    groups: dict[str, list[RunFolder]] = {}
    for run, found in zip(runs, settings, strict=True):
        groups.setdefault(str(found[by]), []).append(run)
    curves = [curve for name, members in groups.items() for curve in _curves(name, members, axis)]
    if not curves:
        raise UnavailableError("none of the runs has been evaluated yet; let them run for longer")
    return Comparison(
        by=by,
        axis=axis,
        curves=tuple(curves),
        references=_references(runs),
        differing=_differing(settings, by),
        final={name: _final(members) for name, members in groups.items()},
    )


def _settings(run: RunFolder) -> dict[str, Any]:
    config = run.config()
    return {path: getattr(getattr(config, setting.section), setting.field) for path, setting in SETTINGS.items()}


def _differing(settings: Sequence[Mapping[str, Any]], by: str) -> dict[str, list[str]]:
    values = {path: sorted({str(found[path]) for found in settings}) for path in settings[0]}
    ignored = _ALWAYS_DIFFERENT | {by}
    return {path: shown for path, shown in values.items() if len(shown) > 1 and path not in ignored}


def _curves(group: str, runs: Sequence[RunFolder], axis: Axis) -> list[Curve]:
    series = [_series(run, axis) for run in runs]
    teams = list(dict.fromkeys(team for found in series for team in found))
    curves = []
    for team in teams:
        inner = [found[team] for found in series if len(found.get(team, ((), ()))[0])]
        start, end = max(x[0] for x, _ in inner), min(x[-1] for x, _ in inner)
        if start > end:
            continue
        x = np.linspace(start, end, POINTS if end > start else 1)
        values = np.stack([np.interp(x, *found) for found in inner])
        low, high = _band(values)
        curves.append(Curve(group, team, x, values.mean(axis=0), low, high, len(inner)))
    return curves


def _band(values: Numbers) -> tuple[Numbers, Numbers]:
    """Interval over runs at each point; `values` is [runs, points]."""
    bounds = np.array([interval([column]) for column in values.T])
    return bounds[:, 0], bounds[:, 1]


def _series(run: RunFolder, axis: Axis) -> dict[str, tuple[Numbers, Numbers]]:
    """By team, where it was evaluated and the mean return; the training return by the name `TRAINING`.

    The final table is the last point of a curve, so that a run which ended before its first evaluation has one too.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    starts = run.info()["starts"]
    for line in run.metrics():
        place = _running(starts, line.get("time", 0.0)) if axis == "seconds" else line.get(axis)
        if not isinstance(place, int | float):
            continue
        if line.get("source") == "evaluation":
            for team, values in line.get("teams", {}).items():
                found.setdefault(team, []).append((float(place), float(values["mean"])))
        elif line.get("source") == "actor" and isinstance(line.get("return_mean"), int | float):
            found.setdefault(TRAINING, []).append((float(place), float(line["return_mean"])))
    final = run.final() or {}
    end = sum(start.get("seconds", 0.0) for start in starts) if axis == "seconds" else final.get(axis)
    if isinstance(end, int | float):
        for team, values in final.get("policies", {}).get("trained", {}).items():
            found.setdefault(team, []).append((float(end), float(values["mean"])))
    return {team: _ordered(points) for team, points in found.items()}


def _ordered(points: Sequence[tuple[float, float]]) -> tuple[Numbers, Numbers]:
    """Points in the order of their place; of several at one place the last."""
    places, values = zip(*sorted(dict(points).items()), strict=True)
    return np.array(places), np.array(values)


def _running(starts: Sequence[Mapping[str, Any]], time: float) -> float:
    """Seconds of running at `time`, without what lay between the starts of a run."""
    begun = [start for start in starts if start["began"] <= time]
    return float(sum(min(time - start["began"], start.get("seconds", np.inf)) for start in begun))


def _references(runs: Sequence[RunFolder]) -> dict[str, dict[str, float]]:
    for run in runs:
        policies = (run.final() or {}).get("policies", {})
        found = {
            policy: {team: float(values["mean"]) for team, values in policies[policy].items()}
            for policy in ("greedy", "random")
            if policy in policies
        }
        if found:
            return found
    return {}


def _final(runs: Sequence[RunFolder]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for team, values in (run.final() or {}).get("policies", {}).get("trained", {}).items():
            found.setdefault(team, []).append(float(values["mean"]))
    return found
