"""The states that a team comes to when it is told everything, with all that its value there depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from copa.config.schema import Config
from copa.evaluation.playing import Moment, play
from copa.evaluation.policies import TeamPolicy
from copa.methods import method_named, sight
from copa.tasks import make_task
from copa.tasks.base import Bools, Floats, Ints, TaskSpec, View


@dataclass(frozen=True, slots=True)
class States:
    """N visited states: what is there, what players remember and hold, and what they did."""

    agents: Floats
    """[N, A, agent features]"""
    traits: Floats
    """[N, A, trait features], raw."""
    entities: Floats
    """[N, E, entity features]"""
    visible: Bools
    """[N, A, A+E], what players look at (`copa.methods.sight`)."""
    present: Bools
    """[N, A, A+E]"""
    available: Bools
    """[N, A, U]"""
    previous: Ints
    """[N, A], action taken before, negative for none."""
    memory: Floats
    """[N, A, W], what players remembered before this view."""
    strategies: Floats
    """[N, A, W], what players hold."""
    actions: Ints
    """[N, A], what they did."""

    def __len__(self) -> int:
        return len(self.actions)

    def members(self) -> Bools:
        """[N, A], which slots hold an agent."""
        there: Bools = np.any(self.present, axis=2)
        return there

    def take(self, rows: NDArray[np.int64] | slice) -> "States":
        """The states at `rows`."""
        return States(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Visits:
    """Sampled steps: N states, the reward that followed, and the states after it."""

    states: States
    following: States
    rewards: Floats
    """[N], unscaled."""
    terminated: Bools
    """[N], the episode came to its true end: the state that follows means nothing."""
    most_agents: int
    """Most agents present at once in any state of these games, sampled or not."""


class WatchedTeam(TeamPolicy):
    """A trained team that leaves a record of every state it acts in."""

    def __init__(self, spec: TaskSpec, config: Config, weights: Mapping[str, Tensor], games: int) -> None:
        super().__init__(spec, config, weights, games, 0.0)
        self._method = method_named(config.method.name)
        self.record: list[States] = []
        """A step's states [B] each."""

    def _choose(self, view: View, phase: int, strategies: Floats | None) -> Ints:
        assert strategies is not None
        memory, previous, held = self._players.memory.numpy().copy(), self._players.previous.copy(), strategies.copy()
        actions = super()._choose(view, phase, strategies)
        self.record.append(
            States(
                agents=view.agents,
                traits=view.traits,
                entities=view.entities,
                visible=sight(self._method, view.visible, view.present, phase, self._T),
                present=view.present,
                available=view.available,
                previous=previous,
                memory=memory,
                strategies=held,
                actions=actions,
            )
        )
        return actions


def visit(
    config: Config,
    spec: TaskSpec,
    weights: Mapping[str, Tensor],
    *,
    team: str,
    games: int,
    states: int,
    seed: int,
) -> Visits:
    """Play `games` episodes with `team`, every strategy travelling, and draw `states` steps of them at random.

    The last step before a time limit is not among them, since nothing tells what its state is worth (`Visits`).

    Args:
        weights: of a coached method, `player.…` and `coach.…`.
    """
    task = make_task(spec.name, games=games, seed=seed, team=team, options=config.task.options)
    policy = WatchedTeam(spec, config, weights, games)
    moments = list(play(task, policy, np.arange(games), np.ones(games, np.bool_)))
    running, rewards, terminated = (
        np.stack([getattr(moment, name) for moment in moments]) for name in ("running", "reward", "terminated")
    )
    usable = np.flatnonzero(terminated | (running & _goes_on(moments)))
    chosen = np.random.default_rng(seed).permutation(usable)[:states]
    steps, rows = np.divmod(chosen, games)
    following = np.minimum(steps + 1, len(moments) - 1)
    members = np.stack([states.members() for states in policy.record])
    return Visits(
        states=_gather(policy.record, steps, rows),
        following=_gather(policy.record, following, rows),
        rewards=rewards[steps, rows],
        terminated=terminated[steps, rows],
        most_agents=int((members & running[..., None]).sum(axis=2).max()),
    )


def _goes_on(moments: list[Moment]) -> Bools:
    """[steps, B], whether the game is played at the step after."""
    return np.stack([*(moment.running for moment in moments[1:]), np.zeros_like(moments[0].running)])


def _gather(record: list[States], steps: Ints, rows: Ints) -> States:
    """The states at `steps` [N] of the games `rows` [N]."""
    return States(**{f.name: np.stack([getattr(s, f.name) for s in record])[steps, rows] for f in fields(States)})
