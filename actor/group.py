"""One group of games in lockstep: played from coach step to coach step, recorded in segments."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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
    """What the steps of one segment gave."""

    segments: Segments
    steps: int
    """Environment steps, over all games of the group."""
    returns: Floats
    """[episodes that ended], team reward of each."""
    lost: int
    """Games that broke off; what they had played of this segment is not in `segments`."""


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
        self._segment_steps = config.segment_steps
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
        self._recording: Recording | None = None

    def begin(self, epsilon: float) -> None:
        """Come to a coach step; where a segment begins, games that ended start anew."""
        if self._recording is None:
            self._recording = self._begin_segment(epsilon)
        self.coach_steps += 1

    def _begin_segment(self, epsilon: float) -> Recording:
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
        return Recording(
            self.view,
            Start(
                previous=self.players.previous.copy(),
                memory=self.players.memory.numpy().copy() if self._stores_memory else self._no_memory(),
                episodes=self._episodes.copy(),
                steps=self._steps.copy(),
            ),
        )

    def play(
        self, strategies: Floats | None, advise: Advise, epsilon: float, player_version: int, coach_version: int
    ) -> Played | None:
        """Play the T steps up to the next coach step with `strategies` [B, A, W] (None without a coach).

        Play stops early when no game goes on. A game that broke off (`Step.lost`) leaves no segment and no return.

        Returns:
            What the segment gave, where it ends here (after `learning.periods` coach steps, or with the last game).
        """
        recording = self._recording
        assert recording is not None
        if recording.steps == 0:
            recording.player_version, recording.coach_version = player_version, coach_version
        for phase in range(self._T):
            view = recording.views[-1]
            if phase > 0:
                newcomers = joined(recording.views[-2], view) & self._running[:, None]
                if strategies is not None and newcomers.any():
                    strategies = advise(view, newcomers)
            self._step(recording, view, phase, strategies, epsilon)
            if not self._running.any():
                break
        before, self.view = recording.views[-2:]
        self.arrived = joined(before, self.view) & self._running[:, None]
        if recording.steps < self._segment_steps and self._running.any():
            return None
        return self.close()

    def close(self) -> Played | None:
        """End the segment where it is, and return what it gave; None where it has no step."""
        recording, self._recording = self._recording, None
        if recording is None or recording.steps == 0:
            return None
        return Played(
            segments=recording.segments(self._segment_steps, self._episode_end()),
            steps=recording.played,
            returns=np.asarray(recording.returns, dtype=np.float32),
            lost=int(recording.lost.sum()),
        )

    def _step(self, recording: Recording, view: View, phase: int, strategies: Floats | None, epsilon: float) -> None:
        """One step of all games that go on, `phase` steps after the coach step."""
        values = self.players.values(view, phase, strategies)
        chosen = self._exploration.mix(values.argmax(axis=2), view.available, epsilon)
        self.players.remember(chosen, view.members())
        result = self._task.step(chosen)
        if result.lost is not None:
            recording.lost |= self._running & result.lost
            self._running &= ~result.lost
        recording.add(chosen, result, self._running & (self._steps < self._task.spec.recorded_steps))
        self._returns += np.where(self._running, result.reward, 0.0)
        self._steps += self._running
        recording.played += int(self._running.sum())
        over = self._running & (result.terminated | result.truncated)
        recording.returns.extend(self._returns[over].tolist())
        self._running &= ~over

    def _episode_end(self) -> Bools:
        return ~self._running | (self._steps >= self._task.spec.recorded_steps)

    def asked(self) -> View:
        """The view to ask the coach about: nobody is there in games that have ended."""
        if self._running.all():
            return self.view
        return replace(self.view, present=self.view.present & self._running[:, None, None])

    def _no_memory(self) -> Floats:
        return np.zeros((self._task.games, self._task.spec.slots, 0), dtype=np.float32)
