"""The discounted value that holding back strategies really costs, by playing the same games twice."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from copa.config.schema import Config
from copa.evaluation.evaluate import LARGEST_BATCH
from copa.evaluation.playing import play
from copa.evaluation.policies import TeamPolicy
from copa.reporting.statistics import interval
from copa.tasks import make_task
from copa.tasks.base import Bools, Floats, Ints, Task, TaskSpec, View

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of paired differences and its 95 % bootstrap interval over episodes."""

    mean: float
    low: float
    high: float
    states: int

    @staticmethod
    def of(differences: Numbers) -> "Mean":
        """Of `differences` [n], at least one."""
        return Mean(float(differences.mean()), *interval([differences]), len(differences))


@dataclass(frozen=True, slots=True)
class Loss:
    """What playing with `beta` costs against being told everything, in discounted, unscaled reward."""

    beta: float
    rate: float
    """Strategies sent / agents present, per coach step."""
    start: Mean
    """From the first state of each episode."""
    visited: Mean
    """From one state of each episode that players come to while they are told little (`Losses`); the start's where no
    episode lasts until then."""

    @property
    def largest(self) -> float:
        """The larger of the two means."""
        return max(self.start.mean, self.visited.mean)


@dataclass(frozen=True, slots=True)
class _Played:
    rewards: Numbers
    """[steps, episodes], 0 after an episode's end."""
    lengths: Ints
    """[episodes], steps."""
    rate: float

    def after(self, moments: Ints, gamma: float) -> Numbers:
        """Discounted return [episodes] from the step `moments` [episodes] of each."""
        age = np.arange(len(self.rewards))[:, None] - moments
        returns: Numbers = (np.where(age >= 0, gamma ** np.maximum(age, 0), 0.0) * self.rewards).sum(axis=0)
        return returns


class Returning(TeamPolicy):
    """A team that holds back by beta until a step of each game, and from then on is told everything."""

    def __init__(
        self,
        spec: TaskSpec,
        config: Config,
        weights: Mapping[str, Tensor],
        beta: float,
        until: Ints,
    ) -> None:
        """`until` [B]: the steps from which `beta` is 0."""
        super().__init__(spec, config, weights, len(until), beta)
        self._limit, self._until = beta, until

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        beta: Floats = np.where(step < self._until, self._limit, 0.0).astype(np.float32)
        self.beta = beta
        return super().act(task, view, step, fresh, running)


class Losses:
    """Measures losses on the same games.

    The reward of a game follows from its number and from what players do, so two plays that differ only in what the
    coach says from some step on share everything before it: their discounted returns from that step differ by what
    holding back costs from *that* state. The steps are coach steps of the first half of an episode, drawn at random.
    """

    def __init__(
        self, config: Config, spec: TaskSpec, weights: Mapping[str, Tensor], *, team: str, episodes: int, seed: int
    ) -> None:
        self._config, self._spec, self._weights = config, spec, weights
        self._team, self._episodes, self._seed = team, episodes, seed
        coach_steps = np.arange(0, max(spec.horizon // 2, 1), config.method.T)
        self.moments: Ints = np.random.default_rng(seed).choice(coach_steps, episodes)
        """[episodes], the step of each episode from which the loss is measured."""
        self._start: Ints = np.zeros(episodes, np.int64)
        self._told = self._play(0.0, self._start)

    @property
    def value(self) -> float:
        """Mean discounted return from the start when told everything."""
        return float(self._told.after(self._start, self._config.learning.gamma).mean())

    def measure(self, beta: float) -> Loss:
        """Play all episodes with `beta`, and again with `beta` until their moments."""
        gamma = self._config.learning.gamma
        never: Ints = np.full(self._episodes, self._spec.horizon + 1)
        held_back, returning = self._play(beta, never), self._play(beta, self.moments)
        reached = held_back.lengths > self.moments
        start = self._told.after(self._start, gamma) - held_back.after(self._start, gamma)
        visited = returning.after(self.moments, gamma) - held_back.after(self.moments, gamma)
        return Loss(beta, held_back.rate, Mean.of(start), Mean.of(visited[reached] if reached.any() else start))

    def _play(self, beta: float, until: Ints) -> _Played:
        games = min(self._episodes, LARGEST_BATCH)
        task = make_task(
            self._spec.name, games=games, seed=self._seed, team=self._team, options=self._config.task.options
        )
        rewards: list[Numbers] = []
        lengths: list[Ints] = []
        sent = eligible = 0
        for first in range(0, self._episodes, games):
            numbers = np.arange(first, first + games)
            counted = numbers < self._episodes
            places = np.minimum(numbers, self._episodes - 1)
            policy = Returning(self._spec, self._config, self._weights, beta, until[places])
            moments = list(play(task, policy, numbers, counted))
            rewards.append(np.stack([moment.reward for moment in moments])[:, counted].astype(np.float64))
            lengths.append(np.stack([moment.running for moment in moments])[:, counted].sum(axis=0))
            sent, eligible = sent + policy.sent, eligible + policy.eligible
        steps = max(map(len, rewards))
        padded = [np.pad(part, ((0, steps - len(part)), (0, 0))) for part in rewards]
        return _Played(np.concatenate(padded, axis=1), np.concatenate(lengths), sent / eligible if eligible else 0.0)
