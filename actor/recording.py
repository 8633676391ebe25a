"""What a group plays between two coach steps, on its way to segments."""

from dataclasses import dataclass, fields

import numpy as np

from copa.segments import Segments
from copa.tasks.base import Bools, Floats, Ints, Step, View


@dataclass(frozen=True, slots=True)
class Start:
    """How things stand in B games at the first view of a stretch."""

    previous: Ints
    """[B, A], each player's last action, `NO_ACTION` for none."""
    memory: Floats
    """[B, A, M], the players' memory; M = 0 where it is not stored."""
    episodes: Ints
    """[B], global episode numbers."""
    steps: Ints
    """[B], steps of the episode played so far."""


class Recording:
    """The steps of B games since the last coach step."""

    def __init__(self, view: View, start: Start) -> None:
        self.views = [view]
        self._start = start
        self._actions: list[Ints] = []
        self._rewards: list[Floats] = []
        self._lengths = np.zeros(len(start.steps), dtype=np.int64)
        self._terminated = np.zeros(len(start.steps), dtype=bool)

    def add(self, actions: Ints, step: Step, recorded: Bools) -> None:
        """A step in which the games `recorded` [B], each of which has had no step left out, enter their segments."""
        self._actions.append(actions)
        self._rewards.append(np.where(recorded, step.reward, 0.0).astype(np.float32))
        self._lengths += recorded
        self._terminated |= recorded & step.terminated
        self.views.append(step.view)

    def segments(self, T: int, kept: Bools, episode_end: Bools, player_version: int, coach_version: int) -> Segments:
        """A segment of `T` steps for each of the games `kept` [B] that has a step in it; the rest is padding."""
        idle = T - len(self._actions)
        views = self.views + self.views[-1:] * idle
        actions = self._actions + [np.zeros_like(self._actions[-1])] * idle
        rewards = self._rewards + [np.zeros_like(self._rewards[-1])] * idle
        segments = Segments(
            **{f.name: np.stack([getattr(view, f.name) for view in views], axis=1) for f in fields(View)},
            actions=np.stack(actions, axis=1),
            rewards=np.stack(rewards, axis=1),
            lengths=self._lengths,
            terminated=self._terminated,
            episode_end=episode_end,
            previous=self._start.previous,
            memory=self._start.memory,
            episodes=self._start.episodes,
            first_steps=self._start.steps,
            player_versions=np.full(len(episode_end), player_version, dtype=np.int64),
            coach_versions=np.full(len(episode_end), coach_version, dtype=np.int64),
        )
        rows = np.flatnonzero(kept & (self._lengths > 0))
        return segments if len(rows) == len(kept) else segments.take(rows)
