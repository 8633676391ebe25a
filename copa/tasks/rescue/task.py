"""B games of the Rescue Game, stepped at once."""

from collections.abc import Mapping

import numpy as np

from copa.tasks.base import Ints, Option, Snapshot, Step, TaskSpec, View
from copa.tasks.checks import check_actions, check_reset, check_start
from copa.tasks.drawing import Drawing
from copa.tasks.rescue.chance import Draws
from copa.tasks.rescue.expert import greedy_actions
from copa.tasks.rescue.fires import break_out, emergency, kindle, outbreak_table
from copa.tasks.rescue.options import read_options
from copa.tasks.rescue.picture import draw
from copa.tasks.rescue.robots import move, put_out
from copa.tasks.rescue.rules import ACTIONS, FIRES, ROBOTS
from copa.tasks.rescue.state import State
from copa.tasks.rescue.teams import TEAMS, assemble, change_teams, team_named
from copa.tasks.rescue.view import AGENT_FEATURES, ENTITY_FEATURES, view


class Rescue:
    """Robots put out fires (docs/tasks/rescue.md).

    Raises ConfigError for a team or an option that does not exist.
    """

    def __init__(
        self, *, games: int, seed: int, team: str = "train", options: Mapping[str, Option] | None = None
    ) -> None:
        self.spec = self.describe(options or {})
        check_start(self.spec, games=games, seed=seed, team=team)
        self.games = games
        self.options = read_options(options or {})
        self.team = team_named(team, self.options)
        self.arrivals = self.team.arrivals(self.options)
        self.draws = Draws(seed)
        self.outbreaks = outbreak_table(self.options.fire_probability)
        self.state = State.empty(games, clock=self.options.horizon)

    @classmethod
    def describe(cls, options: Mapping[str, Option]) -> TaskSpec:
        """The spec under `options`, of which `horizon` alone shows in it."""
        horizon = read_options(options).horizon
        return TaskSpec(
            name="rescue",
            slots=ROBOTS,
            entity_rows=FIRES,
            agent_features=AGENT_FEATURES,
            trait_features=1,
            entity_features=ENTITY_FEATURES,
            actions=ACTIONS,
            horizon=horizon,
            recorded_steps=horizon,
            trait_centre=(0.6,),
            first_action="zeros",
            teams=TEAMS,
            held_out=TEAMS[1:],
        )

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """Start `episode_numbers[i]` in game `rows[i]`; returns the view of all games.

        Raises DataError where rows or numbers are not what they should be.
        """
        check_reset(self.games, rows, episode_numbers)
        self.state.put(rows, self._opening(episode_numbers))
        return view(self.state, self.options)

    def step(self, actions: Ints) -> Step:
        """Advance every running game by one step of `actions` [B, A]; raises DataError for what is not an action.

        The reward is what the emergency lost in the step; a fire that broke out in it counts against the team.
        """
        check_actions(self.spec, self.games, actions)
        state, horizon = self.state, self.options.horizon
        ended = np.flatnonzero(state.clock >= horizon)
        kept = state.take(ended) if len(ended) else state
        before = emergency(state)
        self._play(actions)
        reward = (before - emergency(state)).astype(np.float32)
        truncated = state.clock == horizon
        if len(ended):
            state.put(ended, kept)
            reward[ended] = 0.0
        return Step(
            view=view(state, self.options),
            reward=reward,
            terminated=np.zeros(self.games, np.bool_),
            truncated=truncated,
            info={},
        )

    def greedy(self) -> Ints:
        """Actions [B, A] of the expert."""
        return greedy_actions(self.state, wrap=self.options.edges == "wrap")

    def drawing(self, row: int) -> Drawing:
        """What game `row` looks like."""
        return draw(self.state, row, self.options)

    def snapshot(self) -> Snapshot:
        """A copy of the whole state."""
        return self.state.snapshot()

    def restore(self, state: Snapshot) -> View:
        """Return to `state`; returns the view it had. Raises DataError where it is not a state of such a task."""
        self.state = self.state.restored(state)
        return view(self.state, self.options)

    def _opening(self, episode_numbers: Ints) -> State:
        """The first state of `episode_numbers` [N]."""
        state = State.empty(len(episode_numbers), clock=0)
        state.episode[:] = episode_numbers
        sizes, fires = self.draws.opening(state, self.team.robots, self.team.fires)
        assemble(state, self.draws, self.team, sizes, shared_cells=self.options.shared_cells)
        kindle(state, self.draws, fires)
        return state

    def _play(self, actions: Ints) -> None:
        """One step of the rules in all games: robots move, then put out, then fires break out, then teams change.

        A team does not change in the last step: who joined then would never act.
        """
        state, options = self.state, self.options
        state.clock += 1
        chosen = actions.T.astype(np.int8)
        move(state, chosen, options)
        put_out(state, chosen, add_up=options.add_up)
        np.copyto(state.last, chosen, where=state.present)
        break_out(state, self.draws, self.outbreaks)
        if self.team.largest is not None:
            games = np.flatnonzero((state.clock % options.team_period == 0) & (state.clock < options.horizon))
            change_teams(state, self.draws, self.team, games, shared_cells=options.shared_cells)
