"""B battles, stepped at once: a set of scenarios, an engine that fights, and REFIL's rules between them."""

import weakref
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from copa.errors import DataError
from copa.tasks.base import Bools, Ints, Option, Snapshot, Step, TaskSpec, View
from copa.tasks.checks import check_actions, check_reset, check_start
from copa.tasks.drawing import Drawing
from copa.tasks.starcraft.actions import NO_OP, orders
from copa.tasks.starcraft.chance import draw_armies, draw_tags
from copa.tasks.starcraft.engines import make_engine
from copa.tasks.starcraft.expert import greedy_actions
from copa.tasks.starcraft.options import TEAMS, read_options
from copa.tasks.starcraft.outcome import outcome, reward
from copa.tasks.starcraft.picture import draw
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.units import ALLIES, ENEMIES, UNITS, Engine
from copa.tasks.starcraft.view import feature_count, trait_count, view

HORIZON = 150
ENGINE_PREFIX = "engine."
"""Begins the names of the engine's arrays in a snapshot."""


class StarCraft:
    """Two small armies of the same make-up fight; agents lead one, the engine the other (docs/tasks/starcraft.md).

    Raises ConfigError for a team or an option that does not exist, UnavailableError for an engine that is not here.
    """

    scenarios: ClassVar[ScenarioSet]

    def __init__(
        self,
        *,
        games: int,
        seed: int,
        team: str = "3-8",
        options: Mapping[str, Option] | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`engine` fights instead of the one that `options` name."""
        self.spec = self.describe(options or {})
        check_start(self.spec, games=games, seed=seed, team=team)
        self.games = games
        self.arrivals = max(TEAMS[team])
        self.options = read_options(options or {}, self.spec.name)
        self._seed = seed
        self._armies = self.scenarios.of_sizes(TEAMS[team])
        self._engine = engine or make_engine(self.options.engine, games, seed, self.options.engine_settings)
        weakref.finalize(self, self._engine.close)
        self._clock: Ints = np.zeros(games, np.int64)
        self._running: Bools = np.zeros(games, np.bool_)
        self._tags: Ints = np.tile(np.arange(UNITS), (games, 1))
        self._units = self._engine.units
        self._view()

    @classmethod
    def describe(cls, options: Mapping[str, Option]) -> TaskSpec:
        """The spec under `options`; raises ConfigError for an unknown one."""
        scenarios, name = cls.scenarios, f"starcraft/{cls.scenarios.name}"
        chosen = read_options(options, name)
        traits = trait_count(scenarios, chosen.traits)
        return TaskSpec(
            name=name,
            slots=ALLIES,
            entity_rows=ENEMIES,
            agent_features=feature_count(scenarios),
            trait_features=traits,
            entity_features=feature_count(scenarios),
            actions=scenarios.actions,
            horizon=HORIZON,
            recorded_steps=HORIZON,
            trait_centre=(0.0,) * traits,
            first_action="zeros",
            teams=chosen.teams,
            held_out=chosen.held_out,
        )

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """Start `episode_numbers[i]` in game `rows[i]`; returns the view of all games.

        Raises DataError where rows or numbers are not what they should be.
        """
        check_reset(self.games, rows, episode_numbers)
        self._tags[rows] = draw_tags(self._seed, episode_numbers)
        self._clock[rows] = 0
        self._running[rows] = True
        self._engine.start(rows, episode_numbers, draw_armies(self._seed, episode_numbers, self._armies))
        self._units = self._engine.units
        return self._view()

    def step(self, actions: Ints) -> Step:
        """Advance every running game by one step of `actions` [B, A].

        Raises DataError for what is no action, or not available to an agent of a running game.
        """
        check_actions(self.spec, self.games, actions)
        self._check_available(actions)
        before = self._units
        told = np.where(self._running[:, None], actions, NO_OP)
        lost = self._engine.step(orders(before, self._tags, told))
        self._units = after = self._engine.units
        fought = self._running & ~lost
        self._clock += fought
        end = outcome(after, self.scenarios)
        over, won = fought & end.decided, fought & end.won
        timed_out = fought & ~over & (self._clock >= HORIZON)
        self._engine.end(np.flatnonzero(over | timed_out))
        self._running = fought & ~over & ~timed_out
        terminal = self.options.timeout == "terminal"
        return Step(
            view=self._view(),
            reward=reward(before, after, won, self.scenarios).astype(np.float32),
            terminated=over | timed_out if terminal else over,
            truncated=np.zeros_like(timed_out) if terminal else timed_out,
            info={"battle_won": won},
            lost=lost,
        )

    def greedy(self) -> Ints:
        """Actions [B, A] of the expert, who attacks the nearest enemy."""
        return greedy_actions(self._units, self._tags, self.scenarios)

    def drawing(self, row: int) -> Drawing:
        """What game `row` looks like."""
        return draw(self._units, row)

    def snapshot(self) -> Snapshot:
        """A copy of the whole state; raises UnavailableError where the engine cannot give its own."""
        engine = {f"{ENGINE_PREFIX}{name}": array for name, array in self._engine.snapshot().items()}
        return {name: array.copy() for name, array in self._own().items()} | engine

    def restore(self, state: Snapshot) -> View:
        """Return to `state`; returns the view it had. Raises DataError where it is not a state of such a task."""
        for name, mine in self._own().items():
            given = state.get(name)
            if given is None or given.shape != mine.shape or given.dtype != mine.dtype:
                found = "nothing" if given is None else f"{given.dtype}{list(given.shape)}"
                raise DataError(
                    f"snapshot field {name!r} is {found}; this task needs {mine.dtype}{list(mine.shape)}."
                    " Restore a snapshot only into a task with as many games."
                )
        self._engine.restore(
            {name.removeprefix(ENGINE_PREFIX): array for name, array in state.items() if name.startswith(ENGINE_PREFIX)}
        )
        for name, mine in self._own().items():
            mine[...] = state[name]
        self._units = self._engine.units
        return self._view()

    def _own(self) -> Snapshot:
        """What the task keeps beside the engine."""
        return {"clock": self._clock, "running": self._running, "tags": self._tags}

    def _view(self) -> View:
        seen = view(self._units, self._tags, self.scenarios, self.options.traits, self.options.dead)
        self._available = seen.available.copy()
        return seen

    def _check_available(self, actions: Ints) -> None:
        possible = np.take_along_axis(self._available, actions[..., None], axis=2)[..., 0]
        wrong = np.argwhere(~possible & self._running[:, None])
        if len(wrong):
            game, agent = (int(index) for index in wrong[0])
            raise DataError(
                f"agent {agent} of game {game} cannot {self.spec.actions[actions[game, agent]]!r} now;"
                " choose among the actions that the view says are available."
            )


class ZealotsAndStalkers(StarCraft):
    """`starcraft/3-8sz`: three to eight Zealots and Stalkers per side."""

    scenarios = ZEALOTS_AND_STALKERS


class MarinesMaraudersMedivacs(StarCraft):
    """`starcraft/3-8MMM`: three to six Marines and Marauders per side, with up to two Medivacs."""

    scenarios = MARINES_MARAUDERS_MEDIVACS
