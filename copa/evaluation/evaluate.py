"""Playing held-out teams, many games at once, the same games for a seed."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from copa.acting import joined
from copa.config.schema import Config
from copa.evaluation.policies import GreedyPolicy, Policy, RandomPolicy, TeamPolicy
from copa.evaluation.result import TeamResult
from copa.tasks import make_task, task_spec
from copa.tasks.base import TaskSpec

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

    Raises:
        ConfigError: an unknown task or team.
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
        view = task.reset(np.arange(games), numbers)
        fresh = view.members()
        running = counted.copy()
        total, value = np.zeros(games), np.zeros(games)
        step = 0
        while running.any():
            result = task.step(policy.act(task, view, step, fresh, running))
            reward = np.where(running, result.reward, 0.0)
            total += reward
            value += config.learning.gamma**step * reward
            steps += int(running.sum())
            ended = running & (result.terminated | result.truncated)
            for name, values in result.info.items():
                outcomes.setdefault(name, []).extend(float(value) for value in values[ended])
            running &= ~ended
            fresh = joined(view, result.view)
            view = result.view
            step += 1
        returns.append(total[counted])
        discounted.append(value[counted])
        eligible += policy.eligible
        sent += policy.sent
        strategy_bytes += policy.strategy_bytes
    return TeamResult(
        returns=np.concatenate(returns),
        discounted=np.concatenate(discounted),
        T=config.method.T,
        eligible=eligible,
        sent=sent,
        strategy_bytes=strategy_bytes,
        steps=steps,
        outcomes={name: float(np.mean(values)) for name, values in outcomes.items()},
    )
