"""A team that plays while others look on, and notes what they would have done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from torch import Tensor

from copa.acting.exploration import Exploration
from copa.communication import Measure, by_chance
from copa.config.schema import Config
from copa.distilling.teachers import Teachers
from copa.evaluation.playing import play
from copa.evaluation.policies import TeamPolicy
from copa.segments import Segments
from copa.tasks.base import Bools, Floats, Ints, Task, TaskSpec, View

GUIDED = 0.2
"""Share of the games in which the teachers act."""

WANDERING = 0.03
"""Share of the time that agents act at random, in the form that they explored in."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """N segments of play, and what the teachers hold of every action in them."""

    segments: Segments
    advice: Floats
    """[N, T, A, U], the teachers' Q; -inf where not available."""

    def __len__(self) -> int:
        return len(self.segments)

    def take(self, rows: Ints) -> "Lessons":
        """Those at `rows`."""
        return Lessons(self.segments.take(rows), self.advice[rows])

    @staticmethod
    def joined(parts: Sequence["Lessons"]) -> "Lessons":
        """All lessons of `parts`, in order."""
        segments = Segments.concatenate([part.segments for part in parts])
        return Lessons(segments, np.concatenate([part.advice for part in parts]))


class Practice(TeamPolicy):
    """A team that learns: it plays, in some games by its teachers' word, and now and then at random.

    Its coach is silent to a player, at any coach step, with a probability of each game's own, drawn from 0 to `hold`.
    """

    def __init__(
        self,
        spec: TaskSpec,
        config: Config,
        weights: Mapping[str, Tensor],
        teachers: Teachers,
        episodes: Ints,
        hold: float,
        rng: np.random.Generator,
    ) -> None:
        """The games [B] are the `episodes`."""
        games = len(episodes)
        super().__init__(spec, config, weights, games, rng.uniform(0.0, hold, games).astype(np.float32))
        self._teachers, self._episodes, self._rng = teachers, episodes, rng
        self._guided = rng.random(games) < GUIDED
        self._exploration = Exploration(config.exploration, games, spec.slots, rng)
        self._exploration.start(np.arange(games), WANDERING)
        self._advice: Floats = np.zeros(0, np.float32)
        self._running: Bools = np.ones(games, np.bool_)
        self._page: _Page | None = None
        self._lessons: list[Lessons] = []

    def lessons(self) -> Lessons:
        """What was noted, after the games have ended."""
        self._turn_page()
        return Lessons.joined(self._lessons)

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        self._advice = self._teachers.values(view, step, fresh, running)
        self._running = running
        if step % self._segment_steps == 0:
            self._turn_page()
        return super().act(task, view, step, fresh, running)

    def _measure(self, encoding: Floats) -> Measure:
        return by_chance(self._rng)

    def _choose(self, view: View, phase: int, strategies: Floats | None) -> Ints:
        if self._page is None:
            players = self._players
            self._page = _Page(
                self._segment_steps, players.previous.copy(), players.memory.numpy().copy(), self._episodes
            )
        own = self._players.values(view, phase, strategies).argmax(axis=2)
        wanted = np.where(self._guided[:, None], self._advice.argmax(axis=2), own)
        actions = self._exploration.mix(wanted, view.available, WANDERING)
        self._page.add(view, actions, self._advice, self._running)
        self.remember(actions, view)
        self._teachers.remember(actions, view)
        return actions

    def _turn_page(self) -> None:
        if self._page is not None:
            self._lessons.append(self._page.lessons())
            self._page = None


class _Page:
    """B games from the start of a segment on."""

    def __init__(self, steps: int, previous: Ints, memory: Floats, episodes: Ints) -> None:
        self._steps, self._previous, self._memory, self._episodes = steps, previous, memory, episodes
        self._views: list[View] = []
        self._actions: list[Ints] = []
        self._advice: list[Floats] = []
        self._lengths: Ints = np.zeros(len(episodes), np.int64)

    def add(self, view: View, actions: Ints, advice: Floats, running: Bools) -> None:
        self._views.append(view)
        self._actions.append(actions)
        self._advice.append(advice)
        self._lengths += running

    def lessons(self) -> Lessons:
        """Of the games that ran when it began; steps that nobody took are padding."""
        idle = self._steps - len(self._actions)
        views = self._views + self._views[-1:] * (idle + 1)
        zeros, nothing = np.zeros_like(self._lengths), np.zeros(self._lengths.shape, np.bool_)
        segments = Segments(
            **{f.name: np.stack([getattr(view, f.name) for view in views], axis=1) for f in fields(View)},
            actions=np.stack(self._actions + self._actions[-1:] * idle, axis=1),
            rewards=np.zeros((len(zeros), self._steps), np.float32),
            lengths=self._lengths,
            terminated=nothing,
            episode_end=nothing,
            previous=self._previous,
            memory=self._memory,
            episodes=self._episodes,
            first_steps=zeros,
            player_versions=zeros,
            coach_versions=zeros,
        )
        advice = np.stack(self._advice + self._advice[-1:] * idle, axis=1)
        return Lessons(segments, advice).take(np.flatnonzero(self._lengths > 0))


def practise(
    spec: TaskSpec,
    config: Config,
    weights: Mapping[str, Tensor],
    teachers: Teachers,
    task: Task,
    *,
    first: int,
    hold: float,
    rng: np.random.Generator,
) -> Lessons:
    """What the episodes from number `first` on show, one in each game of `task`."""
    numbers = first + np.arange(task.games)
    policy = Practice(spec, config, weights, teachers, numbers, hold, rng)
    for _ in play(task, policy, numbers, np.ones(task.games, np.bool_)):
        pass
    return policy.lessons()
