"""What a group plays in one segment's steps."""

from dataclasses import dataclass, fields

import numpy as np

from copa.segments import Segments
from copa.tasks.base import Bools, Floats, Ints, Step, View


@dataclass(frozen=True, slots=True)
class Start:
    """How things stand in B games at a segment's first view."""

    previous: Ints
    """[B, A], each player's last action, `NO_ACTION` for none."""
    memory: Floats
    """[B, A, M], the players' memory; M = 0 where it is not stored."""
    episodes: Ints
    """[B], global episode numbers."""
    steps: Ints
    """[B], steps of the episode played so far."""


class Recording:
    """The steps of B games since their segment began.

    Attributes:
        views: the first view and that after each step.
        lost: [B], games that broke off.
        returns: returns of the episodes that ended.
        played: environment steps, over all games.
        player_version, coach_version: weights behind the first steps, 0 before them.
    """

    def __init__(self, view: View, start: Start) -> None:
        self.views = [view]
        self.lost = np.zeros(len(start.steps), dtype=bool)
        self.returns: list[float] = []
        self.played = 0
        self.player_version = self.coach_version = 0
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

    @property
    def steps(self) -> int:
        """Steps that the group has made."""
        return len(self._actions)

    def segments(self, steps: int, episode_end: Bools) -> Segments:
        """A segment of `steps` steps for each game that has one in it and was not lost; the rest is padding."""
        idle = steps - self.steps
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
            player_versions=np.full(len(episode_end), self.player_version, dtype=np.int64),
            coach_versions=np.full(len(episode_end), self.coach_version, dtype=np.int64),
        )
        rows = np.flatnonzero(~self.lost & (self._lengths > 0))
        return segments if len(rows) == len(self.lost) else segments.take(rows)
