"""Playing held-out teams, many games at once, the same games for a seed."""

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.evaluation.playing import play
from copa.evaluation.policies import GreedyPolicy, Policy, RandomPolicy, TeamPolicy
from copa.evaluation.result import PER_EPISODE, TeamResult
from copa.tasks import make_task, task_spec
from copa.tasks.base import TaskSpec

log = logging.getLogger(__name__)

Source = Literal["random", "greedy"] | Mapping[str, Tensor]
"""Who plays: uniform random actions, the task's expert, or published weights (`player.*`, `coach.*`)."""

LARGEST_BATCH = 256


def evaluate(
    config: Config,
    source: Source,
    *,
    teams: Sequence[str] = (),
    episodes: int,
    seed: int,
    beta: float = 0.0,
) -> dict[str, TeamResult]:
    """Play `episodes` episodes with each of `teams`; the training distribution and the held-out teams when empty.

    Game numbers are 0..episodes-1 under `seed`, the same for every source and every beta.

    Games that break off (`Step.lost`) do not count.

    Raises:
        ConfigError: an unknown task or team.
        UnavailableError: every game broke off.
    """
    spec = task_spec(config.task.name, config.task.options)
    return {team: _play(config, spec, source, team, episodes, seed, beta) for team in teams or default_teams(spec)}


def default_teams(spec: TaskSpec) -> tuple[str, ...]:
    """The training distribution, then the held-out teams."""
    return (spec.teams[0], *spec.held_out)


def make_policy(config: Config, spec: TaskSpec, source: Source, games: int, seed: int, beta: float) -> Policy:
    """What acts for `source` in `games` games; `seed` is for random actions, `beta` for a coach."""
    if source == "random":
        return RandomPolicy(seed)
    if source == "greedy":
        return GreedyPolicy()
    assert not isinstance(source, str)
    return TeamPolicy(spec, config, source, games, beta)


def _play(
    config: Config, spec: TaskSpec, source: Source, team: str, episodes: int, seed: int, beta: float
) -> TeamResult:
    games = min(episodes, LARGEST_BATCH)
    task = make_task(spec.name, games=games, seed=seed, team=team, options=config.task.options)
    returns: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    discounted: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    outcomes: dict[str, list[float]] = {}
    eligible = sent = strategy_bytes = steps = 0
    for first in range(0, episodes, games):
        numbers = np.arange(first, first + games)
        counted = numbers < episodes
        policy = make_policy(config, spec, source, games, seed + first, beta)
        total, value, whole = np.zeros(games), np.zeros(games), counted.copy()
        for moment in play(task, policy, numbers, counted):
            whole &= ~moment.lost
            total += moment.reward
            value += config.learning.gamma**moment.step * moment.reward
            steps += int(moment.running.sum())
            for name, values in moment.info.items():
                kind = name if values.dtype == np.bool_ else name + PER_EPISODE
                outcomes.setdefault(kind, []).extend(float(value) for value in values[moment.ended])
        returns.append(total[whole])
        discounted.append(value[whole])
        eligible += policy.eligible
        sent += policy.sent
        strategy_bytes += policy.strategy_bytes
    played = np.concatenate(returns)
    if not len(played):
        raise UnavailableError(f"every game of {spec.name} broke off, so that there is nothing to evaluate")
    if len(played) < episodes:
        log.warning("%d of %d games of team %s broke off and do not count", episodes - len(played), episodes, team)
    return TeamResult(
        returns=played,
        discounted=np.concatenate(discounted),
        T=config.method.T,
        eligible=eligible,
        sent=sent,
        strategy_bytes=strategy_bytes,
        steps=steps,
        outcomes={name: float(np.mean(values)) for name, values in outcomes.items()},
    )
