"""The contract between a task and everything else.

A task is B independent games stepped at once in NumPy. Shapes use the letters of the method:
B games, A agent slots, E other entities, U actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from copa.tasks.drawing import Drawing

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Option = str | int | float | bool
"""Value of a task's option."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """Sizes and conventions of a task; everything a network or a record layout is derived from."""

    name: str
    slots: int
    """A: most agents the task holds; unused slots are masked."""
    entity_rows: int
    """E: rows for entities that are not agents."""
    agent_features: int
    trait_features: int
    entity_features: int
    actions: tuple[str, ...]
    horizon: int
    """Steps of an episode that is not ended early."""
    recorded_steps: int
    """Steps of an episode that enter the replay; later ones are played and counted, not stored."""
    trait_centre: tuple[float, ...]
    """Subtracted from the traits before they enter a network, one value per trait feature."""
    first_action: Literal["action 0", "zeros"]
    """How the previous action "none" is one-hot encoded: as action 0, or as all zeros."""
    teams: tuple[str, ...]
    """Names of the team distributions that can be played; the first is the training distribution."""
    held_out: tuple[str, ...]
    """The teams that a final table shows beside the training distribution."""

    @property
    def rows(self) -> int:
        """A + E: rows that attention runs over."""
        return self.slots + self.entity_rows


@dataclass(frozen=True, slots=True)
class View:
    """What is known of B games at one moment. Arrays belong to the receiver: no task writes to them later."""

    agents: Floats
    """[B, A, agent_features], what each agent knows about itself."""
    traits: Floats
    """[B, A, trait_features], raw characteristics (not centred), constant while an agent stays."""
    entities: Floats
    """[B, E, entity_features]."""
    visible: Bools
    """[B, A, A+E], which rows each agent sees; all false for an absent agent."""
    present: Bools
    """[B, A, A+E], which rows are there at all; an agent is present where its row is not all false. Within an
    episode, a slot that an agent left is empty for at least one view before another agent takes it."""
    available: Bools
    """[B, A, U], actions allowed; never an all-false row."""

    def members(self) -> Bools:
        """[B, A], which slots hold an agent."""
        return cast(Bools, self.present.any(axis=2))


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one step of B games."""

    view: View
    reward: Floats
    """[B], of the whole team."""
    terminated: Bools
    """[B], a true end: nothing follows."""
    truncated: Bools
    """[B], the time limit cut the episode."""
    info: dict[str, NDArray[Any]]
    """[B] arrays of what the task says of the episode so far; empty where it says nothing. Evaluation takes them where
    an episode ends: of truth values (`battle_won`) it tells the share, of numbers (`caught`) the mean, under the name
    with `_per_episode` behind it."""
    lost: Bools | None = None
    """[B], games that broke off in this step for a reason outside the game, for instance an engine that crashed. The
    step did not take place (reward 0, not terminated, not truncated); the game waits to be reset. None where a task
    cannot lose games."""


Snapshot = dict[str, NDArray[Any]]


class Task(Protocol):
    """B games of one task.

    The same `(seed, episode number)` gives the same game whatever B, the process or the order.
    A game that has ended, or broken off, stays as it is (reward 0, not terminated, not truncated) until it is reset;
    one that was never started has no agents, and stays so likewise. `copa.tasks.checking` checks all of this on any
    task.
    """

    spec: TaskSpec
    games: int
    arrivals: int
    """Most agents that one episode can see, where an agent that takes a slot left by another is a new one (see
    `View.present`: the slot is empty in between, which is how an arrival is told)."""

    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        """Start `episode_numbers[i]` in game `rows[i]`; returns the view of all B games."""

    def step(self, actions: Ints) -> Step:
        """Advance every running game by one step with `actions` [B, A]."""

    def greedy(self) -> Ints:
        """Actions [B, A] of the hand-written expert; it may move bodies itself."""

    def snapshot(self) -> Snapshot:
        """A copy of the whole state."""

    def restore(self, state: Snapshot) -> View:
        """Return to a state that `snapshot` gave; returns the view it had."""

    def drawing(self, row: int) -> Drawing:
        """What game `row` looks like now; the game is not changed."""


class TaskType(Protocol):
    """What an entry point of the group `copa.tasks` names: a class of tasks."""

    def __call__(self, *, games: int, seed: int, team: str, options: Mapping[str, Option]) -> Task:
        """`games` games of `team`, none of them started; raises ConfigError for an unknown team or option."""

    def describe(self, options: Mapping[str, Option]) -> TaskSpec:
        """The spec under `options`, a class method; raises ConfigError for an unknown option."""
