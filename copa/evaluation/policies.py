"""What can be evaluated: a trained team, the task's expert, uniform random actions."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from copa.acting import Players, random_actions
from copa.communication import Beta, Communication, Measure
from copa.config.schema import Config
from copa.methods import method_named
from copa.nets import build_coach, load_weights, measure_of, need_among
from copa.tasks.base import Bools, Floats, Ints, Task, TaskSpec, View


class Policy(Protocol):
    """Chooses actions for all games of a task in lockstep."""

    eligible: int
    sent: int
    strategy_bytes: int

    @property
    def spoken(self) -> Bools | None:
        """[B, A], agents that were told a strategy at the last `act`; None without a coach."""

    @property
    def held(self) -> Floats | None:
        """[B, A, d_z], strategies that the players hold; None without a coach."""

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """Actions [B, A] at `step` of the episodes; `fresh` [B, A] began or joined since the last step.

        `running` [B] are the games whose episode goes on; what others would be told is not counted.
        """


class RandomPolicy:
    """Uniform over available actions."""

    eligible = sent = strategy_bytes = 0
    spoken = held = None

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        return random_actions(view.available, self._rng)


class GreedyPolicy:
    """The task's hand-written expert."""

    eligible = sent = strategy_bytes = 0
    spoken = held = None

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        return task.greedy()


class TeamPolicy:
    """A trained team without exploration; its coach speaks the mean strategy, in this process.

    A strategy travels at a coach step when it moved by more than beta (Eq. 3), or is needed by more. An agent that
    joins between coach steps is told at once and, as by the coach service, at the next coach step whatever its strategy
    is then.
    """

    def __init__(self, spec: TaskSpec, config: Config, weights: Mapping[str, Tensor], games: int, beta: Beta) -> None:
        self._T = config.method.T
        self._segment_steps = config.segment_steps
        self.beta = beta
        """What a strategy must exceed to travel (`copa.communication`); may be changed between steps."""
        self._players = Players(spec, config, games)
        self._players.load(weights)
        self._coach = None
        self._communication = None
        if method_named(config.method.name).coach:
            self._coach = build_coach(spec, config)
            load_weights(self._coach, weights, "coach.")
            self._need = need_among(weights, config.nets.width)
            self._coach.eval()
            self._communication = Communication(games, spec.slots, config.nets.width)
        self._newcomers: Bools = np.zeros((games, spec.slots), np.bool_)
        """[B, A], agents that began or joined since the last coach step."""
        self._bytes = 4 * config.nets.width
        self._spoken: Bools = np.zeros((games, spec.slots), np.bool_)
        self.eligible = self.sent = self.strategy_bytes = 0

    def act(self, task: Task, view: View, step: int, fresh: Bools, running: Bools) -> Ints:
        """See `Policy`."""
        return self._choose(view, step % self._T, self._told(view, step, fresh, running))

    def values(self, view: View, step: int, fresh: Bools, running: Bools) -> Floats:
        """Q [B, A, U] of every action, -inf where not available, by which `act` would choose; `remember` must follow
        when somebody else has chosen."""
        return self._players.values(view, step % self._T, self._told(view, step, fresh, running))

    def remember(self, actions: Ints, view: View) -> None:
        """The actions [B, A] were taken after `view`."""
        self._players.remember(actions, view.members())

    @property
    def spoken(self) -> Bools | None:
        """See `Policy`."""
        return None if self._communication is None else self._spoken

    @property
    def held(self) -> Floats | None:
        """See `Policy`."""
        return None if self._communication is None else self._communication.held

    def _choose(self, view: View, phase: int, strategies: Floats | None) -> Ints:
        """The best actions [B, A] with `strategies` [B, A, d_z] at the step `phase` since the last coach step."""
        actions: Ints = self._players.values(view, phase, strategies).argmax(axis=2)
        self.remember(actions, view)
        return actions

    def _told(self, view: View, step: int, fresh: Bools, running: Bools) -> Floats | None:
        """[B, A, d_z], what the players hold at `step`, after the coach has spoken; None without a coach."""
        if step % self._segment_steps == 0:
            self._players.begin_segment()
        if step == 0:
            self._players.begin_agents(fresh)
        return None if self._coach is None else self._advise(view, step % self._T, fresh, running)

    def _advise(self, view: View, phase: int, fresh: Bools, running: Bools) -> Floats:
        assert self._communication is not None
        talk = self._communication
        asked = view.members() & running[:, None]
        self._newcomers |= fresh
        if phase == 0:
            fresh, self._newcomers = self._newcomers, np.zeros_like(fresh)
        else:
            asked &= fresh
        self._spoken = np.zeros_like(asked)
        if asked.any():
            encoding, strategies = self._plan(view)
            self._spoken = talk.update(strategies, asked, fresh, self.beta, version=1, measure=self._measure(encoding))
            sent = int(self._spoken.sum())
            self.eligible += int(asked.sum())
            self.sent += sent
            self.strategy_bytes += sent * self._bytes
        return talk.held

    def _measure(self, encoding: Floats) -> Measure:
        """What strategies for the scenes encoded as `encoding` [B, A, W] must exceed beta by."""
        return measure_of(self._need, encoding)

    def _plan(self, view: View) -> tuple[Floats, Floats]:
        """The coach's encoding, and the strategies' means, both [B, A, W]."""
        assert self._coach is not None
        with torch.inference_mode():
            encoding = self._coach.see(
                torch.from_numpy(view.agents),
                torch.from_numpy(view.traits),
                torch.from_numpy(view.entities),
                torch.from_numpy(view.present),
            )
            means: Floats = self._coach.mean(encoding).numpy()
        return encoding.numpy(), means
