"""Piano movers: a crew carries pianos out of a hall of 6 x 6 places, most of them too heavy for one.

A piano goes, for a reward of its weight, as soon as the movers at its place are strong enough together; another one
then stands elsewhere. Movers differ in strength and see one place far, so only who sees the whole hall, a coach, can
tell them where to meet. In the team `shifts` a mover comes or goes home after every 12 steps.
"""

from collections.abc import Mapping

import numpy as np

from copa.errors import ConfigError
from copa.tasks import random
from copa.tasks.base import Ints, Option, Snapshot, Step, TaskSpec, View
from copa.tasks.drawing import Drawing
from piano_movers.picture import picture
from piano_movers.rules import CREWS, HEAVIEST, HORIZON, LIGHTEST, MOVERS, MOVES, PIANOS, SHIFT, SIDE, STRONGEST

THINGS = MOVERS + PIANOS
"""Rows of `place` and `size`: movers first, whose size is their strength, then pianos, whose size is their weight."""


class PianoMovers:
    """B halls, stepped at once."""

    spec = TaskSpec(
        name="piano_movers",
        slots=MOVERS,
        entity_rows=PIANOS,
        agent_features=2,
        trait_features=1,
        entity_features=3,
        actions=tuple(MOVES),
        horizon=HORIZON,
        recorded_steps=HORIZON,
        trait_centre=(0.5,),
        first_action="zeros",
        teams=tuple(CREWS),
        held_out=("5", "shifts"),
    )

    def __init__(self, *, games: int, seed: int, team: str, options: Mapping[str, Option]) -> None:
        self.describe(options)
        if team not in CREWS:
            raise ConfigError(f"piano_movers has no team {team!r}; there are {', '.join(CREWS)}")
        self.games, self.seed, self.team = games, seed, team
        self.arrivals = MOVERS + HORIZON // SHIFT
        self.state: Snapshot = {
            "clock": np.full(games, HORIZON),
            "episode": np.zeros(games, np.int64),
            "here": np.zeros((games, MOVERS), np.bool_),
            "place": np.zeros((games, THINGS, 2), np.int64),
            "size": np.ones((games, THINGS), np.int64),
        }

    @classmethod
    def describe(cls, options: Mapping[str, Option]) -> TaskSpec:
        """There are no options."""
        if options:
            raise ConfigError(f"piano_movers has no option {next(iter(options))!r}; it has none at all")
        return cls.spec

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """A new crew, and new pianos."""
        self.state["clock"][rows], self.state["episode"][rows] = 0, episode_numbers
        crews = np.array(CREWS[self.team])
        self.state["here"][rows] = np.arange(MOVERS) < crews[episode_numbers % len(crews), None]
        self._appear(np.repeat(rows, THINGS), np.tile(np.arange(THINGS), len(rows)))
        return self._view()

    def step(self, actions: Ints) -> Step:
        """Movers walk, pianos go, and at the end of a shift a mover comes or goes."""
        state, running = self.state, self.state["clock"] < HORIZON
        working = state["here"] & running[:, None]
        movers, pianos = np.split(state["place"], [MOVERS], axis=1)
        movers += np.array(list(MOVES.values()))[actions] * working[..., None]
        np.clip(movers, 0, SIDE - 1, out=movers)
        at = (movers[:, :, None] == pianos[:, None]).all(-1) & working[..., None]
        strength, weight = np.split(state["size"], [MOVERS], axis=1)
        gone = (at * strength[..., None]).sum(axis=1) >= weight
        reward = (gone * weight).sum(axis=1).astype(np.float32)
        state["clock"] += running
        games, which = np.nonzero(gone)
        self._appear(games, MOVERS + which)
        if self.team == "shifts":
            games = np.flatnonzero(running & (state["clock"] % SHIFT == 0))
            slots = (state["clock"][games] // SHIFT + 2) % MOVERS
            state["here"][games, slots] ^= True
            self._appear(games, slots)
        truncated = running & (state["clock"] == HORIZON)
        return Step(self._view(), reward, np.zeros_like(truncated), truncated, info={})

    def greedy(self) -> Ints:
        """All go to the piano that the last of them reaches first, among those they can carry together."""
        here, place, size = self.state["here"], self.state["place"], self.state["size"]
        far = np.abs(place[:, :MOVERS, None] - place[:, None, MOVERS:]).sum(-1) * here[..., None]
        strong = (size[:, :MOVERS] * here).sum(axis=1)[:, None] >= size[:, MOVERS:]
        goal = MOVERS + np.where(strong, far.max(axis=1), np.inf).argmin(axis=1)
        x, y = np.moveaxis(place[np.arange(self.games), goal][:, None] - place[:, :MOVERS], -1, 0)
        return np.select([x < 0, x > 0, y < 0, y > 0], [1, 2, 3, 4], 0)

    def snapshot(self) -> Snapshot:
        """All there is."""
        return {name: array.copy() for name, array in self.state.items()}

    def restore(self, state: Snapshot) -> View:
        """As it was."""
        self.state = {name: array.copy() for name, array in state.items()}
        return self._view()

    def drawing(self, row: int) -> Drawing:
        """One hall."""
        return picture({name: array[row] for name, array in self.state.items()})

    def _appear(self, games: Ints, rows: Ints) -> None:
        """New movers or pianos in `rows` [N] of `games` [N], by draws that the seed, episode and step determine."""
        draws = random.words(self.seed, self.state["episode"][games], self.state["clock"][games], 0, rows)
        self.state["place"][games, rows] = random.integers(draws[:2], 0, SIDE - 1).T
        strength, weight = random.integers(draws[2], 1, STRONGEST), random.integers(draws[2], LIGHTEST, HEAVIEST)
        self.state["size"][games, rows] = np.where(rows < MOVERS, strength, weight)

    def _view(self) -> View:
        here, place, size = self.state["here"], self.state["place"], self.state["size"]
        there = np.concatenate((here, np.ones((self.games, PIANOS), np.bool_)), axis=1)
        present = here[..., None] & there[:, None]
        near = np.abs(place[:, :MOVERS, None] - place[:, None]).max(axis=-1) <= 1
        scaled = size / ([STRONGEST] * MOVERS + [HEAVIEST] * PIANOS)
        features = np.concatenate((place / (SIDE - 1), scaled[..., None]), axis=2).astype(np.float32)
        return View(
            agents=features[:, :MOVERS, :2],
            traits=features[:, :MOVERS, 2:],
            entities=features[:, MOVERS:],
            visible=present & near,
            present=present,
            available=np.ones((self.games, MOVERS, len(MOVES)), np.bool_),
        )
