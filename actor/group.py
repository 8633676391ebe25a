"""One group of games in lockstep: played from coach step to coach step, recorded as segments."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from actor.episodes import EpisodeNumbers
from actor.recording import Recording, Start
from copa.acting import Exploration, Players, joined
from copa.config.schema import Config
from copa.segments import Segments
from copa.tasks.base import Bools, Floats, Task, View

Advise = Callable[[View, Bools], Floats]
"""Asks for the strategies [B, A, W] of agents that joined ([B, A]) between coach steps."""


@dataclass(frozen=True, slots=True)
class Played:
    """What one stretch of T steps gave."""

    segments: Segments
    steps: int
    """Environment steps, over all games of the group."""
    returns: Floats
    """[episodes that ended], team reward of each."""
    lost: int
    """Games that broke off; what they had played of this stretch is not in `segments`."""


class Group:
    """B games that ask the coach together."""

    def __init__(
        self,
        index: int,
        config: Config,
        task: Task,
        players: Players,
        exploration: Exploration,
        numbers: EpisodeNumbers,
    ) -> None:
        self.index = index
        self._T = config.method.T
        self._stores_memory = config.learning.segment_start == "stored"
        self._task = task
        self.players = players
        self._exploration = exploration
        self._numbers = numbers
        games = task.games
        self._running = np.zeros(games, dtype=bool)
        self._episodes = np.zeros(games, dtype=np.int64)
        self._steps = np.zeros(games, dtype=np.int64)
        self._returns = np.zeros(games, dtype=np.float32)
        self.view: View
        """The view at the group's next coach step."""
        self.arrived: Bools = np.zeros((games, task.spec.slots), dtype=bool)
        """[B, A], agents that begin or join at that coach step; who joined before it was advised then."""
        self.coach_steps = 0

    def begin(self, epsilon: float) -> None:
        """Come to a coach step: games that ended start anew."""
        ended = np.flatnonzero(~self._running)
        if len(ended):
            numbers = self._numbers.take(len(ended))
            self.view = self._task.reset(ended, numbers)
            self._episodes[ended] = numbers
            self._steps[ended] = 0
            self._returns[ended] = 0.0
            self._running[ended] = True
            self._exploration.start(ended, epsilon)
            self.arrived[ended] = self.view.members()[ended]
        self.players.begin_segment()
        self.players.begin_agents(self.arrived & (self._steps == 0)[:, None])
        self.coach_steps += 1

    def play(
        self, strategies: Floats | None, advise: Advise, epsilon: float, player_version: int, coach_version: int
    ) -> Played:
        """Play the T steps up to the next coach step with `strategies` [B, A, W] (None without a coach).

        Play stops early when no game goes on. A game that broke off (`Step.lost`) leaves no segment and no return.
        """
        recording = Recording(
            self.view,
            Start(
                previous=self.players.previous.copy(),
                memory=self.players.memory.numpy().copy() if self._stores_memory else self._no_memory(),
                episodes=self._episodes.copy(),
                steps=self._steps.copy(),
            ),
        )
        lost = np.zeros(self._task.games, dtype=bool)
        returns: list[Floats] = []
        steps = 0
        for phase in range(self._T):
            view = recording.views[-1]
            if phase > 0:
                newcomers = joined(recording.views[-2], view) & self._running[:, None]
                if strategies is not None and newcomers.any():
                    strategies = advise(view, newcomers)
            values = self.players.values(view, phase, strategies)
            chosen = self._exploration.mix(values.argmax(axis=2), view.available, epsilon)
            self.players.remember(chosen, view.members())
            result = self._task.step(chosen)
            if result.lost is not None:
                lost |= self._running & result.lost
                self._running &= ~lost
            recording.add(chosen, result, self._running & (self._steps < self._task.spec.recorded_steps))
            self._returns += np.where(self._running, result.reward, 0.0)
            self._steps += self._running
            steps += int(self._running.sum())
            over = self._running & (result.terminated | result.truncated)
            returns.append(self._returns[over])
            self._running &= ~over
            if not self._running.any():
                break
        before, self.view = recording.views[-2:]
        self.arrived = joined(before, self.view) & self._running[:, None]
        episode_end = ~self._running | (self._steps >= self._task.spec.recorded_steps)
        return Played(
            segments=recording.segments(self._T, ~lost, episode_end, player_version, coach_version),
            steps=steps,
            returns=np.concatenate(returns),
            lost=int(lost.sum()),
        )

    def _no_memory(self) -> Floats:
        return np.zeros((self._task.games, self._task.spec.slots, 0), dtype=np.float32)
