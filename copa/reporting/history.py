"""A run over time, as series for curves and figures for the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copa.run_folder import RunFolder


@dataclass(slots=True)
class Series:
    """Values over environment steps."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    """Standard errors, for evaluations."""

    def add(self, steps: float, value: float, error: float = 0.0) -> None:
        """Append a value."""
        self.steps.append(steps)
        self.values.append(value)
        self.errors.append(error)


@dataclass(slots=True)
class Death:
    """A child that died."""

    name: str
    reason: str
    steps: int
    lines: list[str]


@dataclass(slots=True)
class History:
    """Everything that metrics.jsonl tells."""

    training_return: Series = field(default_factory=Series)
    epsilon: Series = field(default_factory=Series)
    evaluation: dict[str, Series] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Series]] = field(default_factory=dict)
    """By name, then team (`TeamResult.outcomes`)."""
    communication: Series = field(default_factory=Series)
    losses: dict[str, Series] = field(default_factory=dict)
    steps_per_second: Series = field(default_factory=Series)
    updates_per_second: Series = field(default_factory=Series)
    deaths: list[Death] = field(default_factory=list)
    steps: int = 0
    updates: int = 0
    lost: int = 0


def read_history(folder: RunFolder) -> History:
    """Read metrics.jsonl; lines that are damaged or of unknown source are passed over."""
    history = History()
    readers = {"actor": _actor, "learner": _learner, "evaluation": _evaluation, "supervisor": _supervisor}
    for line in folder.metrics():
        reader = readers.get(str(line.get("source")))
        if reader is not None and isinstance(line.get("steps"), int | float):
            history.steps = max(history.steps, int(line["steps"]))
            reader(history, line["steps"], line)
    return history


def _actor(history: History, steps: float, line: Mapping[str, Any]) -> None:
    _put(history.training_return, steps, line.get("return_mean"))
    _put(history.epsilon, steps, line.get("epsilon"))


def _learner(history: History, steps: float, line: Mapping[str, Any]) -> None:
    history.updates = max(history.updates, int(line.get("updates", 0)))
    history.lost = max(history.lost, int(line.get("replay", {}).get("lost", 0)))
    for part, value in line.get("loss", {}).items():
        _put(history.losses.setdefault(part, Series()), steps, value)


def _evaluation(history: History, steps: float, line: Mapping[str, Any]) -> None:
    rates = []
    for team, values in line.get("teams", {}).items():
        series = history.evaluation.setdefault(team, Series())
        _put(series, steps, values.get("mean"), values.get("stderr") or 0.0)
        for name, share in values.get("outcomes", {}).items():
            _put(history.outcomes.setdefault(name, {}).setdefault(team, Series()), steps, share)
        if values.get("communication_rate") is not None:
            rates.append(values["communication_rate"])
    if rates:
        history.communication.add(steps, sum(rates) / len(rates))


def _supervisor(history: History, steps: float, line: Mapping[str, Any]) -> None:
    if line.get("event") == "death":
        reason, lines = str(line.get("reason")), list(line.get("lines", []))
        history.deaths.append(Death(str(line.get("name")), reason, int(steps), lines))
        return
    _put(history.steps_per_second, steps, line.get("steps_per_second"))
    _put(history.updates_per_second, steps, line.get("updates_per_second"))


def _put(series: Series, steps: float, value: Any, error: float = 0.0) -> None:
    if isinstance(value, int | float) and value == value:
        series.add(steps, float(value), error)
