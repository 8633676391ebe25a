"""A team that plays with a coach that is often silent, and notes what that costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from copa.communication import Measure, by_chance
from copa.config.schema import Config
from copa.evaluation.evaluate import LARGEST_BATCH
from copa.evaluation.playing import play
from copa.evaluation.policies import TeamPolicy
from copa.tasks import make_task
from copa.tasks.base import Bools, Floats, Ints, Task, TaskSpec, View


@dataclass(frozen=True, slots=True)
class Cases:
    """n times that an agent held a strategy at a coach step."""

    encoding: Floats
    """[n, W], the coach's."""
    new: Floats
    """[n, W], the strategy that it could be told."""
    held: Floats
    """[n, W], the strategy that it held."""
    lost: Floats
    """[n], what it loses until the next coach step by acting on the held one, by its own Q; at least 0."""
    episode: Ints
    """[n]"""

    def __len__(self) -> int:
        return len(self.lost)

    def only(self, which: Bools) -> "Cases":
        """Those of `which` [n]."""
        return Cases(*(getattr(self, name)[which] for name in Cases.__slots__))

    @staticmethod
    def joined(parts: Sequence["Cases"]) -> "Cases":
        """All cases of at least one part."""
        return Cases(*(np.concatenate([getattr(part, name) for part in parts]) for name in Cases.__slots__))


@dataclass(frozen=True, slots=True)
class _Period:
    """From one coach step to the next, all arrays [B, A] or [B, A, W]."""

    encoding: Floats
    new: Floats
    held: Floats
    asked: Bools
    """Agents that held a strategy when it began."""
    there: Bools
    """Those of them that have been there ever since."""
    lost: Floats

    def cases(self, episodes: Ints) -> Cases:
        """Of the games that are the `episodes` [B]."""
        games, _ = np.nonzero(self.asked)
        encoding, new, held, lost = (part[self.asked] for part in (self.encoding, self.new, self.held, self.lost))
        return Cases(encoding, new, held, lost, episodes[games])


class Rehearsal(TeamPolicy):
    """A trained team that notes, for each agent that holds a strategy, what it loses without the new one.

    At each step until the next coach step that is what its own Q, with the new strategy, gives its best action more
    than the action that it would take with the one it held. A coach that foretells need holds back by that; any other
    at random, so that beta is the probability that a player keeps what it holds. Some beta must be above 0.
    """

    def __init__(
        self,
        spec: TaskSpec,
        config: Config,
        weights: Mapping[str, Tensor],
        beta: Floats,
        episodes: Ints,
        rng: np.random.Generator,
    ) -> None:
        """The games [B] are the `episodes`, each with a `beta` of its own."""
        super().__init__(spec, config, weights, len(beta), beta)
        self._episodes = episodes
        self._rng = rng
        self._phase = 0
        self._asked: Bools = np.zeros((len(beta), spec.slots), np.bool_)
        self._period: _Period | None = None
        self._cases: list[Cases] = []

    def cases(self) -> list[Cases]:
        """What was noted so far."""
        self._end_period()
        return self._cases

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        self._phase = step % self._T
        self._asked = view.members() & running[:, None]
        if self._phase == 0:
            self._end_period()
        elif self._period is not None:
            np.logical_and(self._period.there, self._asked, out=self._period.there)
        return super().act(task, view, step, fresh, running)

    def _measure(self, encoding: Floats) -> Measure:
        usual = by_chance(self._rng) if self._need is None else super()._measure(encoding)

        def measure(new: Floats, held: Floats) -> Floats:
            if self._phase == 0:
                self._begin_period(encoding, new, held)
            return usual(new, held)

        return measure

    def _begin_period(self, encoding: Floats, new: Floats, held: Floats) -> None:
        assert self._communication is not None
        asked = self._asked & self._communication.known
        lost = np.zeros(asked.shape, np.float32)
        self._period = _Period(encoding, new, held.copy(), asked, asked.copy(), lost)

    def _end_period(self) -> None:
        if self._period is not None:
            self._cases.append(self._period.cases(self._episodes))
            self._period = None

    def _choose(self, view: View, phase: int, strategies: Floats | None) -> Ints:
        period = self._period
        if period is not None and period.there.any():
            memory = self._players.memory
            wanted = self._players.values(view, phase, period.new)[period.there]
            self._players.memory = memory
            taken = self._players.values(view, phase, period.held)[period.there].argmax(1)
            self._players.memory = memory
            period.lost[period.there] += wanted.max(1) - wanted[np.arange(len(taken)), taken]
        return super()._choose(view, phase, strategies)


def rehearse(
    spec: TaskSpec,
    config: Config,
    weights: Mapping[str, Tensor],
    *,
    teams: Sequence[str],
    episodes: int,
    seed: int,
    highest: float,
) -> list[Cases]:
    """What `episodes` episodes of each of `teams` show, each played at a beta drawn evenly from 0 to `highest`.

    Raises ConfigError for an unknown team.
    """
    rng = np.random.default_rng(seed)
    found: list[Cases] = []
    for place, team in enumerate(teams):
        games = min(episodes, LARGEST_BATCH)
        task = make_task(spec.name, games=games, seed=seed, team=team, options=config.task.options)
        for first in range(0, episodes, games):
            numbers = np.arange(first, first + games)
            beta = rng.uniform(0.0, highest, games).astype(np.float32)
            policy = Rehearsal(spec, config, weights, beta, place * episodes + numbers, rng)
            for _ in play(task, policy, numbers, numbers < episodes):
                pass
            found += policy.cases()
    return found
