"""B games of Resource Collection, stepped at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from copa.tasks.base import Ints, Option, Snapshot, Step, TaskSpec, View
from copa.tasks.checks import check_actions, check_reset, check_start
from copa.tasks.drawing import Drawing
from copa.tasks.resource_collection.chance import Chance, Draws
from copa.tasks.resource_collection.drawing import draw
from copa.tasks.resource_collection.expert import move_greedily
from copa.tasks.resource_collection.options import Variant, read_options
from copa.tasks.resource_collection.physics import advance, distances_to_landmarks
from copa.tasks.resource_collection.renewal import open_world, renew
from copa.tasks.resource_collection.rewards import collect
from copa.tasks.resource_collection.rules import (
    ACTIONS,
    AGENTS,
    EVENTS,
    HORIZON,
    INVADER,
    LANDMARKS,
    RECORDED_STEPS,
    RESOURCES,
)
from copa.tasks.resource_collection.state import AGENT_FEATURES, Reals, State
from copa.tasks.resource_collection.teams import TEAMS, assemble, change_teams
from copa.tasks.resource_collection.view import ENTITY_FEATURES, observe, observe_joiners, view

SPEC = TaskSpec(
    name="resource_collection",
    slots=AGENTS,
    entity_rows=LANDMARKS,
    agent_features=AGENT_FEATURES,
    trait_features=4,
    entity_features=ENTITY_FEATURES,
    actions=ACTIONS,
    horizon=HORIZON,
    recorded_steps=RECORDED_STEPS,
    trait_centre=(0.5, 0.5, 0.5, 0.5),
    first_action="action 0",
    teams=tuple(TEAMS),
    held_out=("5", "6"),
)


class ResourceCollection:
    """Agents gather resources of three kinds, carry them home and catch invaders (docs/tasks/resource_collection.md).

    `dtype` is that of all positions and features: float32 to play and train, float64 to compare with recordings.
    Raises ConfigError for a team or an option that does not exist.
    """

    spec = SPEC

    def __init__(
        self,
        *,
        games: int,
        seed: int,
        team: str = "train",
        options: Mapping[str, Option] | None = None,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        check_start(SPEC, games=games, seed=seed, team=team)
        self.games = games
        self.options = read_options(options or {})
        self.team = TEAMS[team]
        self.arrivals = self.team.arrivals(self.options.variant.team_period)
        self.draws = Draws(seed, self.options.variant.longest_delay)
        self.state = State.ended(games, dtype)

    @classmethod
    def describe(cls, options: Mapping[str, Option]) -> TaskSpec:
        """The spec under `options`, which change rules but no sizes."""
        read_options(options)
        return SPEC

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """Start `episode_numbers[i]` in game `rows[i]`; returns the view of all games.

        Raises DataError where rows or numbers are not what they should be.
        """
        check_reset(self.games, rows, episode_numbers)
        self.state.put(rows, self._opening(rows, episode_numbers))
        return view(self.state)

    def step(self, actions: Ints) -> Step:
        """Advance every running game by one step of `actions` [B, A]; raises DataError for what is not an action."""
        check_actions(SPEC, self.games, actions)
        state, variant = self.state, self.options.variant
        ended = np.flatnonzero(state.clock >= HORIZON)
        kept = state.take(ended) if len(ended) else state
        reward = play(state, actions, self.draws, variant).sum(axis=0)
        if self.team.change != "never":
            self._change_teams(np.flatnonzero(state.clock % variant.team_period == 0))
        truncated = state.clock == HORIZON
        if len(ended):
            state.put(ended, kept)
            reward[ended] = 0.0
        return Step(
            view=view(state),
            reward=reward,
            terminated=np.zeros(self.games, np.bool_),
            truncated=truncated,
            info=dict(zip(EVENTS, state.happened.copy(), strict=True)),
        )

    def greedy(self) -> Ints:
        """Move every body as the published expert does; the step that follows takes action 0."""
        move_greedily(self.state, self.state.clock < HORIZON)
        return np.zeros((self.games, AGENTS), np.int64)

    def snapshot(self) -> Snapshot:
        """A copy of the whole state."""
        return self.state.snapshot()

    def restore(self, state: Snapshot) -> View:
        """Return to `state`; returns the view it had. Raises DataError where it is not a state of such a task."""
        self.state = self.state.restored(state)
        return view(self.state)

    def drawing(self, row: int) -> Drawing:
        """What game `row` looks like now."""
        return draw(self.state, row)

    def _opening(self, rows: Ints, episode_numbers: Ints) -> State:
        """The first state of the episodes that follow those in `rows`."""
        state = State.ended(len(rows), self.state.dtype.type)
        state.clock[:] = 0
        state.episode[:] = episode_numbers
        state.there[RESOURCES] = False
        state.there[INVADER] = False
        assemble(state, self.team, self.draws, self.options.variant.speed)
        open_world(state, self.draws, self.options.variant)
        if self.options.carried_invader:
            state.there[INVADER] &= self.state.there[INVADER, rows]
            state.delay[:] = self.state.delay[rows]
        observe(state)
        return state

    def _change_teams(self, games: Ints) -> None:
        slots, joined = change_teams(self.state, self.team, self.draws, self.options.variant.speed, games)
        if self.team.change == "varying":
            observe_joiners(self.state, slots, joined)


def play(state: State, actions: Ints, chance: Chance, variant: Variant) -> Reals:
    """One step of the rules, without changes of the team; returns the rewards of every agent [A, B]."""
    state.clock += 1
    advance(state, actions)
    observe(state)
    reward, lost = collect(state, distances_to_landmarks(state))
    renew(state, chance, lost, variant)
    return reward
