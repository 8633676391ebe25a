"""Finished teams that look on while another one plays, and say what every action is worth."""

from collections.abc import Sequence

import numpy as np

from copa.checkpoint import Checkpoint
from copa.evaluation.playing import play
from copa.evaluation.policies import TeamPolicy
from copa.tasks.base import Bools, Floats, Ints, Task, TaskSpec, View


class Teachers:
    """The average of several teams.

    Each has its own coach, which tells all its players everything, and its own players, who remember what they see of
    the games that somebody else plays. Teams may have learned with rewards of different scale: their values count in
    units of each team's own spread.
    """

    def __init__(self, spec: TaskSpec, saved: Sequence[Checkpoint], games: int, spreads: Sequence[float]) -> None:
        self._teams = [TeamPolicy(spec, each.config, each.playing, games, 0.0) for each in saved]
        self._spreads = spreads

    def values(self, view: View, step: int, fresh: Bools, running: Bools) -> Floats:
        """Q [B, A, U] of every action, their average in units of the first team's; -inf where not available.

        To be called at every step of an episode, each time followed by `remember`.
        """
        units = (self._spreads[0] / spread / len(self._spreads) for spread in self._spreads)
        total: Floats = sum(  # type: ignore[assignment]
            unit * team.values(view, step, fresh, running) for unit, team in zip(units, self._teams, strict=True)
        )
        return total

    def remember(self, actions: Ints, view: View) -> None:
        """The actions [B, A] were taken after `view`, whosever idea they were."""
        for team in self._teams:
            team.remember(actions, view)


def spread_of(saved: Checkpoint, spec: TaskSpec, task: Task, numbers: Ints) -> float:
    """How much better the best action is than the average available one, by the team's own Q, in the episodes
    `numbers` [B] that it plays itself: the mean over agents and steps that leave a choice, 0 where none does."""
    policy = _Weighed(spec, saved.config, saved.playing, len(numbers), 0.0)
    for _ in play(task, policy, numbers, np.ones(len(numbers), np.bool_)):
        pass
    return policy.total / max(policy.count, 1)


class _Weighed(TeamPolicy):
    """A team that sums up how much its choices matter."""

    total, count = 0.0, 0
    _running: Bools

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        self._running = running
        return super().act(task, view, step, fresh, running)

    def _choose(self, view: View, phase: int, strategies: Floats | None) -> Ints:
        values = self._players.values(view, phase, strategies)
        choosing = view.members() & self._running[:, None] & (view.available.sum(-1) > 1)
        available, chosen = view.available[choosing], values[choosing]
        mean = np.where(available, chosen, 0.0).sum(-1) / available.sum(-1)
        self.total += float((chosen.max(-1, initial=-np.inf) - mean).sum())
        self.count += len(chosen)
        actions: Ints = values.argmax(axis=2)
        self.remember(actions, view)
        return actions
