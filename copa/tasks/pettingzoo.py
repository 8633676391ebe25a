"""Any task as a PettingZoo `ParallelEnv`: one game, agents by name, each with what it sees."""

from typing import Any, TypeAlias

import numpy as np

from copa.errors import DataError, UnavailableError
from copa.extras import installing
from copa.tasks import make_task
from copa.tasks.base import Option, Task, View

try:
    from gymnasium import spaces
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise UnavailableError(f"This needs PettingZoo: {installing('pettingzoo')}.") from error

Observation: TypeAlias = dict[str, Any]
GAME = np.zeros(1, np.int64)
"""The only row of a task that holds one game."""


def parallel_env(name: str, *, team: str | None = None, seed: int = 0, **options: Option) -> "ParallelTask":
    """The PettingZoo form of task `name`; `team` and `options` as in `make_task`.

    Raises ConfigError for a name, team or option that does not exist.
    """
    return ParallelTask(name, team=team, seed=seed, options=options)


class ParallelTask(ParallelEnv[str, Observation, int]):  # type: ignore[misc]  # PettingZoo has no types
    """One game of a task.

    Agents are named by arrival: `agent_0`, `agent_1`, ... An agent that leaves is terminated; one that joins, also
    into a slot used before, is a new agent with a new name. All agents get the team's reward. Observations:
    `slot` (which of the rows is the agent's own), `agents` [A, features], `traits` [A, traits], `entities`
    [E, features], each 0 where hidden, and `visible` [A + E], the rows that are not. `infos[agent]["action_mask"]`
    says which actions are available.
    """

    def __init__(self, name: str, *, team: str | None, seed: int, options: dict[str, Option]) -> None:
        self._name, self._team, self._options = name, team, options
        self._start(seed)
        spec = self._task.spec
        self.metadata = {"name": name, "render_modes": [], "is_parallelizable": True}
        self.render_mode = None
        self.possible_agents = [f"agent_{number}" for number in range(self._task.arrivals)]
        self.agents: list[str] = []
        self._slots: dict[str, int] = {}
        self._action_spaces = {agent: spaces.Discrete(len(spec.actions)) for agent in self.possible_agents}
        self._observation_spaces = {
            agent: spaces.Dict(
                {
                    "slot": spaces.Discrete(spec.slots),
                    "agents": _reals(spec.slots, spec.agent_features),
                    "traits": _reals(spec.slots, spec.trait_features),
                    "entities": _reals(spec.entity_rows, spec.entity_features),
                    "visible": spaces.MultiBinary(spec.rows),
                }
            )
            for agent in self.possible_agents
        }

    def observation_space(self, agent: str) -> spaces.Dict:
        """What `agent` can observe."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """The task's actions."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start the next episode; with `seed` the first one of that seed. `options` are not used."""
        if seed is not None:
            self._start(seed)
        view = self._task.reset(GAME, np.array([self._episode]))
        self._episode += 1
        self._arrived = 0
        self.agents = []
        self._welcome(view)
        return self._observations(view), self._infos(view)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """One step with an action of every agent; raises DataError where one is missing.

        A game that breaks off (`Step.lost`) is truncated.
        """
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise DataError(f"No action for {', '.join(missing)}; every agent in `agents` needs one.")
        chosen = np.zeros((1, self._task.spec.slots), np.int64)
        for agent in self.agents:
            chosen[0, self._slots[agent]] = actions[agent]
        result = self._task.step(chosen)
        view, members = result.view, result.view.members()[0]
        terminated = {agent: bool(result.terminated[0]) or not members[self._slots[agent]] for agent in self.agents}
        rewards = dict.fromkeys(self.agents, float(result.reward[0]))
        joined = self._welcome(view)
        terminated |= dict.fromkeys(joined, bool(result.terminated[0]))
        rewards |= dict.fromkeys(joined, 0.0)
        broken_off = result.lost is not None and result.lost[0]
        truncated = dict.fromkeys(terminated, bool(result.truncated[0] or broken_off))
        observations, infos = self._observations(view), self._infos(view)
        self.agents = [agent for agent in self.agents if not (terminated[agent] or truncated[agent])]
        return observations, rewards, terminated, truncated, infos

    def _start(self, seed: int) -> None:
        self._task: Task = make_task(self._name, games=1, seed=seed, team=self._team, options=self._options)
        self._episode = 0

    def _welcome(self, view: View) -> list[str]:
        """Name the agents that arrived; returns their names."""
        taken = {self._slots[agent] for agent in self.agents}
        slots = [int(slot) for slot in np.flatnonzero(view.members()[0]) if slot not in taken]
        joined = [self.possible_agents[self._arrived + number] for number in range(len(slots))]
        self._arrived += len(joined)
        self._slots.update(zip(joined, slots, strict=True))
        self.agents = [*self.agents, *joined]
        return joined

    def _observations(self, view: View) -> dict[str, Observation]:
        return {agent: self._observation(view, self._slots[agent]) for agent in self.agents}

    def _observation(self, view: View, slot: int) -> Observation:
        visible = view.visible[0, slot]
        agents, entities = visible[: self._task.spec.slots, None], visible[self._task.spec.slots :, None]
        return {
            "slot": slot,
            "agents": view.agents[0] * agents,
            "traits": view.traits[0] * agents,
            "entities": view.entities[0] * entities,
            "visible": visible.astype(np.int8),
        }

    def _infos(self, view: View) -> dict[str, dict[str, Any]]:
        return {agent: {"action_mask": view.available[0, self._slots[agent]].astype(np.int8)} for agent in self.agents}


def _reals(*shape: int) -> spaces.Box:
    return spaces.Box(-np.inf, np.inf, shape, np.float32)
