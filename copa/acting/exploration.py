"""Epsilon and random actions."""

import numpy as np

from copa.config.schema import ExplorationSettings
from copa.tasks.base import Bools, Ints


def epsilon_at(settings: ExplorationSettings, progress: float) -> float:
    """Share of random actions at `progress` (0..1) of the run: exponential, from `start` to `end`."""
    done = min(progress / settings.fraction, 1.0)
    if settings.start <= 0.0:
        return 0.0
    ratio = max(settings.end, 1e-9) / settings.start
    return float(max(settings.start * ratio**done, settings.end))


def random_actions(available: Bools, rng: np.random.Generator) -> Ints:
    """One of the `available` [B, A, U] actions for every agent [B, A], each as likely."""
    drawn: Ints = np.where(available, rng.random(available.shape, dtype=np.float32), -1.0).argmax(axis=2)
    return drawn


class Exploration:
    """Chooses which agents act at random, and how, for one group of games.

    In the form `steps` every agent draws anew at every step. In the form `stretches` an agent is at
    random for whole stretches, which fill the share epsilon of its time, and repeats its random action
    within them with probability `repeat`.
    """

    def __init__(self, settings: ExplorationSettings, games: int, slots: int, rng: np.random.Generator) -> None:
        self._settings = settings
        self._rng = rng
        self._wandering = np.zeros((games, slots), dtype=bool)
        self._last = np.zeros((games, slots), dtype=np.int64)

    def start(self, rows: Ints, epsilon: float) -> None:
        """Draw afresh who wanders in games that begin at `rows`."""
        self._wandering[rows] = self._rng.random((len(rows), self._wandering.shape[1])) < epsilon

    def mix(self, greedy: Ints, available: Bools, epsilon: float) -> Ints:
        """Replace greedy actions [B, A] by random available ones ([B, A, U]) for a share `epsilon` of the agents."""
        drawn = random_actions(available, self._rng)
        if self._settings.form == "steps":
            return np.where(self._rng.random(greedy.shape) < epsilon, drawn, greedy)
        wandered = self._wandering
        self._wander(epsilon)
        repeatable = np.take_along_axis(available, self._last[..., None], axis=2)[..., 0]
        again = wandered & repeatable & (self._rng.random(greedy.shape) < self._settings.repeat)
        chosen = np.where(self._wandering, np.where(again, self._last, drawn), greedy)
        self._last = chosen
        return chosen

    def _wander(self, epsilon: float) -> None:
        """One step of a two-state chain whose stationary share of wandering is epsilon."""
        if epsilon >= 1.0:
            self._wandering = np.ones_like(self._wandering)
            return
        leave = min(1.0 / self._settings.stretch, (1.0 - epsilon) / max(epsilon, 1e-9))
        enter = leave * epsilon / (1.0 - epsilon)
        draw = self._rng.random(self._wandering.shape)
        self._wandering = np.where(self._wandering, draw >= leave, draw < enter)
