"""What a team learns from: how far its choices are from those of its teachers."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from copa.config.change import with_setting
from copa.config.schema import Config
from copa.distilling.practice import Lessons
from copa.learning.batch import Part, to_device
from copa.learning.parameters import Trained
from copa.learning.scene import build_scene
from copa.learning.targets import real_steps
from copa.learning.variational import strategy_steps
from copa.methods import method_named
from copa.nets import Coach, build_coach, build_player, load_weights
from copa.tasks.base import TaskSpec

AVERAGING = 0.005
"""How far the averages of the weights move towards the learned ones in an update."""

WARM_UP = 100
"""Updates in which the learning rate rises: the optimiser knows no gradients yet, and the team is a good one."""

OPTIMISER = {"learning.optimizer": "adam", "learning.optimizer_eps": 1e-5, "learning.clip": 1.0}
"""Whatever the team learned with before."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a team is from its teachers, over agents that have a choice."""

    divergence: float
    """Mean Kullback-Leibler divergence of its choices from theirs, in nats."""
    agreement: float
    """Share of the agents whose best action is the teachers'."""


class Student:
    """Player and coach of a team that learns from lessons; their averages are what it plays with.

    What it learns is to choose like its teachers: Q of both become probabilities, by a softmax at `temperature`, and
    the divergence of its own from theirs is what falls (policy distillation). Its coach speaks the mean strategy.
    """

    def __init__(
        self, spec: TaskSpec, config: Config, weights: Mapping[str, Tensor], *, temperature: float, seed: int
    ) -> None:
        """It begins with `weights`. Lessons begin with what its players remembered, whatever `config` says."""
        self._spec, self._temperature = spec, temperature
        self._config = with_setting(config, "learning.segment_start", "stored")
        self._method = method_named(config.method.name)
        self._player = build_player(spec, config)
        load_weights(self._player, weights, "player.")
        modules: dict[str, nn.Module] = {"player": self._player}
        self._coach: Coach | None = None
        if self._method.coach:
            self._coach = build_coach(spec, config)
            load_weights(self._coach, weights, "coach.")
            modules["coach"] = self._coach
        learning = config
        for name, value in OPTIMISER.items():
            learning = with_setting(learning, name, value)
        self._trained = Trained(modules, learning.learning)
        self._averages = self._trained.vector.clone()
        self._generator = torch.Generator().manual_seed(seed)
        self.updates = 0

    @property
    def weights(self) -> dict[str, Tensor]:
        """What it plays with: `player.…` and `coach.…`."""
        return {name: tensor.clone() for name, tensor in self._trained.views(self._averages).items()}

    def learn(self, lessons: Lessons, *, rate: float, hold: float) -> Distance:
        """One update from `lessons`.

        In each its coach is silent, at the coach steps inside the segment, with a probability drawn from 0 to `hold`.
        """
        parts = to_device(lessons.segments, torch.device("cpu")).parts
        advice = torch.from_numpy(lessons.advice)
        terms = [self._terms(part, _advice_of(part, advice), hold) for part in parts]
        count = max(sum(each[2] for each in terms), 1)
        loss = torch.stack([each[0] for each in terms]).sum() / count
        loss.backward()  # type: ignore[no-untyped-call]
        self.updates += 1
        self._trained.step(rate * min(self.updates / WARM_UP, 1.0))
        self._averages.lerp_(self._trained.vector, max(AVERAGING, 1 / (self.updates + 1)))
        return Distance(float(loss.detach()), sum(each[1] for each in terms) / count)

    def _terms(self, part: Part, advice: Tensor, hold: float) -> tuple[Tensor, int, int]:
        """The divergence summed over agents that have a choice, how many of them agree, and how many there are."""
        T = len(part.actions)
        scene = build_scene(self._spec, self._config, self._method, part, self._spec.slots)
        rows, members = scene.rows.steps(0, T), scene.members[:T]
        remembered = self._player.remember(
            self._player.encode(rows, scene.sight[:T]), scene.memory, members if part.changing else None
        )
        strategies = None
        if self._coach is not None:
            means = self._coach.plan(self._coach.encode(rows, scene.present[:T])).mean
            drawn = strategy_steps(members, self._spoken(members, hold))
            strategies = means.gather(0, drawn.unsqueeze(-1).expand_as(means))
        values = self._player.action_values(remembered, strategies)
        allowed = part.available[:T]
        choosing = members & real_steps(part.lengths, T).unsqueeze(-1) & (allowed.sum(-1) > 1)
        allowed, own, wanted = allowed[choosing], values[choosing], advice[choosing]
        own = (own / self._temperature).masked_fill(~allowed, -torch.inf).log_softmax(-1)
        theirs = (wanted / self._temperature).log_softmax(-1)
        apart = theirs.exp() * (theirs - own).masked_fill(~allowed, 0.0)
        agreeing = own.argmax(-1) == theirs.argmax(-1)
        return apart.sum(), int(agreeing.sum()), len(own)

    def _spoken(self, members: Tensor, hold: float) -> Tensor | None:
        """[P - 1, N, A] bool, to whom the coach speaks at the coach steps inside a segment."""
        inside = self._config.learning.periods - 1
        if inside == 0:
            return None
        _, count, agents = members.shape
        chance = hold * torch.rand(1, count, 1, generator=self._generator)
        return torch.rand(inside, count, agents, generator=self._generator) >= chance


def _advice_of(part: Part, advice: Tensor) -> Tensor:
    """[T, N, A, U], of `advice` [segments, T, slots, U] in the order of `part`."""
    chosen = advice if part.segments is None else advice[part.segments]
    chosen = chosen.transpose(0, 1)
    if part.order is not None:
        places = part.order[None, :, :, None].expand(len(chosen), -1, -1, chosen.shape[-1])
        chosen = chosen.gather(2, places)
    return chosen[:, :, : part.actions.shape[2]]
