"""What holding back strategies costs where the world changes little, more, and much: the paper's figure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation.sweep import Player, Row, sweep
from copa.tasks import task_spec

VARIANTS = ("static", "medium", "dynamic")
"""Values of the option `variant` of Resource Collection, from the world that changes least."""

CHANGING = "dynamic"
"""The variant in which the team changes within an episode."""


@dataclass(frozen=True, slots=True)
class Point:
    """One player at one beta in one variant."""

    label: str
    variant: str
    team: str
    beta: float
    mean: float
    low: float
    high: float
    relative: float
    """Mean return / mean return at beta = 0 of the same player and variant."""
    per_step: float
    """Share of steps in which a player is spoken to, the paper's f."""


def dynamics(
    players: Sequence[Player],
    *,
    betas: Sequence[float],
    team: str,
    changing_team: str,
    episodes: int,
    seed: int,
) -> list[Point]:
    """Play every variant at beta = 0 and every other of `betas`: with `team`, the dynamic one with `changing_team`.

    Raises:
        ConfigError: a player has no coach, its task has no variants, or its return at beta = 0 is not above 0, so that
            nothing is relative to it.
    """
    points = []
    for player in players:
        if not player.has_coach:
            raise ConfigError(f"{player.label} has no coach, so there is no communication to hold back; leave it out")
        for variant in VARIANTS:
            playing = changing_team if variant == CHANGING else team
            inner = replace(player, config=_in_variant(player.config, variant))
            rows = sweep([inner], betas=sorted({0.0, *betas}), teams=[playing], episodes=episodes, seed=seed)
            full = float(rows[0].summary["mean"] or 0.0)
            if full <= 0.0:
                raise ConfigError(
                    f"{player.label} reaches {full:.2f} with team {playing} in variant {variant} when it is told all;"
                    " a loss is relative to a return above 0, so train it for longer or choose another team"
                )
            points += [_point(row, variant, full) for row in rows]
    return points


def write_dynamics(folder: Path, points: Sequence[Point]) -> list[Path]:
    """Write `dynamics.json`, `dynamics.md` and, where matplotlib is there, `dynamics.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = Point.__slots__
    data = [{name: getattr(point, name) for name in names} for point in points]
    written = [folder / "dynamics.json", folder / "dynamics.md"]
    written[0].write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    written[1].write_text(markdown(points), encoding="utf-8")
    try:
        from copa.reporting.dynamics_picture import draw_dynamics
    except ImportError:
        return written
    draw_dynamics(folder / "dynamics.png", points)
    return [*written, folder / "dynamics.png"]


def markdown(points: Sequence[Point]) -> str:
    """A line per point."""
    head = "| player | variant | team | beta | f (per step) | mean | 95 % interval | relative |"
    lines = [
        f"| {point.label} | {point.variant} | {point.team} | {point.beta:.4g} | {point.per_step:.1%} | {point.mean:.1f}"
        f" | [{point.low:.1f}, {point.high:.1f}] | {point.relative:.1%} |"
        for point in points
    ]
    return "\n".join([head, "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |", *lines]) + "\n"


def _in_variant(config: Config, variant: str) -> Config:
    task = config.task.model_copy(update={"options": {**config.task.options, "variant": variant}})
    try:
        task_spec(task.name, task.options)
    except ConfigError as error:
        raise ConfigError(f"task {task.name} has no variants {', '.join(VARIANTS)}: {error}") from None
    return config.model_copy(update={"task": task})


def _point(row: Row, variant: str, full: float) -> Point:
    values = {name: float(row.summary[name] or 0.0) for name in ("mean", "low", "high", "communication_per_step")}
    return Point(
        label=row.label,
        variant=variant,
        team=row.team,
        beta=row.beta or 0.0,
        mean=values["mean"],
        low=values["low"],
        high=values["high"],
        relative=values["mean"] / full,
        per_step=values["communication_per_step"],
    )
