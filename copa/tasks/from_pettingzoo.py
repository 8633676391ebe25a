"""A task whose games are PettingZoo `ParallelEnv`s, told apart into agents and entities by a function of yours.

The environments are stepped one after the other in Python, so such a task is as fast as its environments are: right for
trying COPA on what there is, slow beside a task that steps all its games in NumPy.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from copa.errors import ConfigError, DataError, UnavailableError
from copa.extras import installing
from copa.tasks import random
from copa.tasks.base import Bools, Ints, Option, Snapshot, Step, TaskSpec, View
from copa.tasks.drawing import Drawing
from copa.tasks.suggest import unknown

try:
    from gymnasium.spaces import Discrete
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise UnavailableError(f"This needs PettingZoo: {installing('pettingzoo')}.") from error

NEVER = -1
"""Episode number of a game that was never started."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, as it is now."""

    features: Sequence[float]
    """[agent_features]"""
    traits: Sequence[float]
    """[trait_features], constant while it lives."""
    sees: Collection[str] | None = None
    """Names of the agents and entities that it sees beside itself; None for all."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there in one environment, by name."""

    agents: Mapping[str, Agent]
    """At least the living ones, by PettingZoo's names."""
    entities: Mapping[str, Sequence[float]]
    """[entity_features] of each; one that is gone is left out, and its row stays empty."""


@dataclass(frozen=True)
class FromPettingZoo:
    """A kind of task, to be named by an entry point of the group `copa.tasks`.

    The team's reward at a step is `reward` of the rewards of all who acted. A game ends when nobody is left in
    `agents`, or at the horizon; its last view shows who survived the last step, or who took it where none did. It is
    terminated where PettingZoo terminated all of them, truncated otherwise. Episode n is `reset(seed=...)` with a
    number that the run's seed and n determine. Raises ConfigError where `spec.teams` and `teams` differ.
    """

    spec: TaskSpec
    """Sizes and names. An action is a number of each agent's `Discrete` space, which may be smaller than `actions`."""
    teams: Mapping[str, Sequence[Callable[..., ParallelEnv]]]
    """What makes the environments of each team, taken in turn by episode number; called with the options."""
    scene: Callable[[ParallelEnv], Scene]
    greedy: Callable[[ParallelEnv], Mapping[str, int]]
    """Actions of an expert, by agent."""
    drawing: Callable[[ParallelEnv], Drawing]
    """Bodies that have the name of an agent or entity get its slot and row; those of absent agents are left out."""
    reward: Callable[[Iterable[float]], float] = math.fsum
    options: Mapping[str, Option] | None = None
    """Options and their defaults."""

    def __post_init__(self) -> None:
        if set(self.teams) != set(self.spec.teams):
            named = f"spec.teams are {', '.join(self.spec.teams)}"
            raise ConfigError(f"{named}, but there are environments for {', '.join(self.teams)}; name the same teams.")

    def __call__(self, *, games: int, seed: int, team: str, options: Mapping[str, Option]) -> "EnvironmentTask":
        """`games` games; raises ConfigError for an unknown team or option."""
        if team not in self.teams:
            raise ConfigError(unknown(f"team of {self.spec.name}", team, self.teams))
        self.describe(options)
        return EnvironmentTask(self, games, seed, team, dict(self.options or {}) | dict(options))

    def describe(self, options: Mapping[str, Option]) -> TaskSpec:
        """The spec; raises ConfigError for an unknown option or one of another type than its default."""
        allowed = self.options or {}
        for name, value in options.items():
            if name not in allowed:
                raise ConfigError(unknown(f"option of {self.spec.name}", name, allowed))
            if type(value) is not type(allowed[name]):
                kind = type(allowed[name]).__name__
                raise ConfigError(f"option {name!r} of {self.spec.name} is {value!r}; it must be of type {kind}.")
        return self.spec


@dataclass(slots=True)
class _Game:
    """One game's environment during an episode."""

    environment: Any
    maker: int
    """Which of the team's makers it came from."""
    slots: dict[str, int]
    """Of the agents that are shown."""
    rows: dict[str, int]
    """Of entities, by the order in which they appeared."""


class EnvironmentTask:
    """B games of a `FromPettingZoo`.

    The state of an environment is its seed and what was done in it. So a snapshot is the actions so far, and
    `restore` plays them again: it costs as many steps, and needs environments that repeat themselves.
    """

    def __init__(self, kind: FromPettingZoo, games: int, seed: int, team: str, options: Mapping[str, Option]) -> None:
        self.spec, self.games = kind.spec, games
        self._kind, self._seed, self._options = kind, seed, options
        self._makers = kind.teams[team]
        self._idle = [[maker(**options)] for maker in self._makers]
        """Environments that no game uses, by maker."""
        self.arrivals = max(len(idle[0].possible_agents) for idle in self._idle)
        self._playing: dict[int, _Game] = {}
        """By game; games that were never started have none."""
        self._over = np.ones(games, np.bool_)
        self._clock = np.zeros(games, np.int64)
        self._episode = np.full(games, NEVER)
        self._actions = np.zeros((games, kind.spec.horizon, kind.spec.slots), np.int64)
        self._view = _nobody(kind.spec, games)

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """Start `episode_numbers[i]` in game `rows[i]`; returns the view of all games."""
        for row, episode in zip(rows.tolist(), episode_numbers.tolist(), strict=True):
            self._start(row, episode)
        return self._given()

    def step(self, actions: Ints) -> Step:
        """One step of every running game; raises DataError where a scene does not fit the spec."""
        reward = np.zeros(self.games, np.float32)
        terminated, truncated = np.zeros(self.games, np.bool_), np.zeros(self.games, np.bool_)
        for row in np.flatnonzero(~self._over).tolist():
            reward[row], terminated[row], truncated[row] = self._advance(row, actions[row])
        return Step(self._given(), reward, terminated, truncated, info={})

    def greedy(self) -> Ints:
        """Actions [B, A] of the expert; 0 in games that do not run."""
        actions = np.zeros((self.games, self.spec.slots), np.int64)
        for row in np.flatnonzero(~self._over).tolist():
            game = self._playing[row]
            for name, action in self._kind.greedy(game.environment).items():
                if name in game.slots:
                    actions[row, game.slots[name]] = action
        return actions

    def snapshot(self) -> Snapshot:
        """What was played so far."""
        return {"episode": self._episode.copy(), "clock": self._clock.copy(), "actions": self._actions.copy()}

    def restore(self, state: Snapshot) -> View:
        """Play what was played; raises DataError for a snapshot of another number of games or another task."""
        for name, mine in self.snapshot().items():
            if name not in state or state[name].shape != mine.shape:
                found = list(state[name].shape) if name in state else "missing"
                raise DataError(f"snapshot field {name!r} is {found}; this task needs {list(mine.shape)}.")
        self._over[:], self._clock[:], self._episode[:] = True, 0, NEVER
        self._view = _nobody(self.spec, self.games)
        for row in np.flatnonzero(state["episode"] != NEVER).tolist():
            self._start(row, int(state["episode"][row]))
            for actions in state["actions"][row, : state["clock"][row]]:
                self._advance(row, actions)
        return self._given()

    def drawing(self, row: int) -> Drawing:
        """One game; raises DataError where it was never started."""
        if self._episode[row] == NEVER:
            raise DataError(f"game {row} was never started; reset it before it is drawn.")
        game = self._playing[row]
        drawn = self._kind.drawing(game.environment)
        absent = set(self._kind.scene(game.environment).agents) - set(game.slots)
        placed = [
            replace(body, slot=game.slots.get(body.name), row=self._row(game, body.name))
            for body in drawn.bodies
            if body.name not in absent
        ]
        return replace(drawn, bodies=tuple(placed))

    def _row(self, game: _Game, name: str) -> int | None:
        if name in game.rows:
            return self.spec.slots + game.rows[name]
        return game.slots.get(name)

    def _start(self, row: int, episode: int) -> None:
        """Begin `episode` in game `row`, in an environment that is free."""
        if row in self._playing:
            before = self._playing.pop(row)
            self._idle[before.maker].append(before.environment)
        maker = episode % len(self._makers)
        free = self._idle[maker]
        game = _Game(free.pop() if free else self._makers[maker](**self._options), maker, {}, {})
        number = random.words(self._seed, np.array([episode]), 0, 0, 0)[0, 0]
        observations, infos = game.environment.reset(seed=int(number))
        self._playing[row] = game
        self._over[row], self._clock[row], self._episode[row] = False, 0, episode
        self._actions[row] = 0
        self._look(row, game.environment.agents, observations, infos)

    def _advance(self, row: int, actions: Ints) -> tuple[float, bool, bool]:
        """One step of game `row`; returns the team's reward, and whether it was terminated or truncated."""
        game = self._playing[row]
        acting = list(game.environment.agents)
        self._actions[row, self._clock[row]] = actions
        self._clock[row] += 1
        observations, rewards, dead, cut, infos = game.environment.step(
            {name: int(actions[game.slots[name]]) for name in acting}
        )
        left = list(game.environment.agents)
        terminated = not left and not any(cut.values())
        truncated = not terminated and (not left or int(self._clock[row]) == self.spec.horizon)
        self._over[row] = terminated or truncated
        shown = left or [name for name in acting if not dead[name]] or acting
        self._look(row, shown, observations, infos)
        return self._kind.reward([rewards[name] for name in acting]), terminated, truncated

    def _look(self, row: int, names: Sequence[str], observations: Mapping[str, Any], infos: Mapping[str, Any]) -> None:
        """Write what game `row` shows of the agents `names` into the view."""
        game, spec, view = self._playing[row], self.spec, self._view
        self._seat(game, names)
        scene = self._kind.scene(game.environment)
        for name in scene.entities:
            game.rows.setdefault(name, len(game.rows))
        if len(game.rows) > spec.entity_rows:
            raise DataError(f"{spec.name}: entities {', '.join(game.rows)} do not fit into {spec.entity_rows} rows.")
        _clear(view, row)
        places = game.slots | {name: spec.slots + game.rows[name] for name in scene.entities}
        for name, features in scene.entities.items():
            view.entities[row, game.rows[name]] = _fit(features, spec.entity_features, f"entity {name!r}")
        for name, slot in game.slots.items():
            if name not in scene.agents:
                raise DataError(f"{spec.name}: the scene lacks agent {name!r}, which is alive.")
            agent = scene.agents[name]
            view.agents[row, slot] = _fit(agent.features, spec.agent_features, f"agent {name!r}")
            view.traits[row, slot] = _fit(agent.traits, spec.trait_features, f"the traits of agent {name!r}")
            view.present[row, slot, list(places.values())] = True
            seen = places if agent.sees is None else [name, *agent.sees]
            for other in seen:
                if other not in scene.agents and other not in scene.entities:
                    raise DataError(f"{spec.name}: agent {name!r} sees {other!r}, which is not in the scene.")
            view.visible[row, slot, [places[other] for other in seen if other in places]] = True
            view.available[row, slot] = self._available(game, name, observations, infos)

    def _seat(self, game: _Game, names: Sequence[str]) -> None:
        """Give the agents `names` slots: who stays keeps its own, who is new gets one that was empty before."""
        before = game.slots
        free = iter([slot for slot in range(self.spec.slots) if slot not in before.values()])
        game.slots = {name: before[name] for name in names if name in before}
        for name in names:
            if name not in before:
                slot = next(free, None)
                if slot is None:
                    raise DataError(f"{self.spec.name}: no slot of {self.spec.slots} is free for agent {name!r}.")
                game.slots[name] = slot

    def _available(self, game: _Game, name: str, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> Bools:
        """[U], by the `action_mask` in the agent's info or observation, or by the size of its action space."""
        space, actions = game.environment.action_space(name), len(self.spec.actions)
        if not isinstance(space, Discrete) or space.start != 0 or space.n > actions:
            raise DataError(f"{self.spec.name}: agent {name!r} acts in {space}, not in a Discrete of up to {actions}.")
        allowed: Bools = np.arange(actions) < space.n
        observation = observations.get(name)
        mask = infos.get(name, {}).get("action_mask")
        if mask is None and isinstance(observation, Mapping):
            mask = observation.get("action_mask")
        if mask is not None:
            allowed[: space.n] &= np.asarray(mask, np.bool_)
        return allowed

    def _given(self) -> View:
        view = self._view
        return View(
            agents=view.agents.copy(),
            traits=view.traits.copy(),
            entities=view.entities.copy(),
            visible=view.visible.copy(),
            present=view.present.copy(),
            available=view.available.copy(),
        )


def _nobody(spec: TaskSpec, games: int) -> View:
    """Games without agents; what is absent has action 0 alone."""
    view = View(
        agents=np.zeros((games, spec.slots, spec.agent_features), np.float32),
        traits=np.zeros((games, spec.slots, spec.trait_features), np.float32),
        entities=np.zeros((games, spec.entity_rows, spec.entity_features), np.float32),
        visible=np.zeros((games, spec.slots, spec.rows), np.bool_),
        present=np.zeros((games, spec.slots, spec.rows), np.bool_),
        available=np.zeros((games, spec.slots, len(spec.actions)), np.bool_),
    )
    view.available[..., 0] = True
    return view


def _clear(view: View, row: int) -> None:
    for array in (view.agents, view.traits, view.entities, view.visible, view.present, view.available):
        array[row] = 0
    view.available[row, :, 0] = True


def _fit(values: Sequence[float], size: int, what: str) -> Sequence[float]:
    if len(values) != size:
        raise DataError(f"{what} has {len(values)} features; the spec says {size}.")
    return values
