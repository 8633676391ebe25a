"""The loss of a part of a batch, as sums with their counts, so that parts of different shapes add up."""

from dataclasses import dataclass

import torch
from torch import Tensor

from copa.config.schema import Config
from copa.learning.batch import Part
from copa.learning.noise import PartNoise
from copa.learning.scene import Scene, build_scene, imagined_split
from copa.learning.targets import real_steps, td_targets
from copa.learning.variational import Strategies, Variational, draw_strategies, strategy_steps, variational
from copa.methods import Method
from copa.nets import Coach, Mixer, Player, Posterior, Situation, mix
from copa.tasks.base import TaskSpec


@dataclass(frozen=True, slots=True)
class Nets:
    """Networks that are learned, or their target copies (which have no posterior)."""

    player: Player
    mixer: Mixer
    coach: Coach | None
    posterior: Posterior | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Sums over the segments of a part, and what to divide them by."""

    q_tot: Tensor
    """[T, N]"""
    targets: Tensor
    """[T, N]"""
    steps: Tensor
    """[T, N] bool, real steps."""
    td: Tensor
    """Sum of squared errors over real steps, times the weights of their segments where these have any."""
    imagined_q_tot: Tensor | None
    """[T, N]"""
    imagined_td: Tensor | None
    variational: Variational | None


class Objective:
    """COPA's loss and those of its family, for given networks."""

    def __init__(self, spec: TaskSpec, config: Config, method: Method, online: Nets, target: Nets) -> None:
        self.spec, self.config, self.method = spec, config, method
        self.online, self.target = online, target

    def __call__(self, part: Part, noise: PartNoise, slots: int, reward_scale: Tensor | float) -> Terms:
        """The terms of `part`, a part of a batch of a task with `slots` agent slots, with rewards times `reward_scale`
        ([])."""
        T = len(part.actions)
        settings = self.config.learning
        scene = build_scene(self.spec, self.config, self.method, part, slots)
        steps = real_steps(part.lengths, T)
        fresh = part.changing and settings.joiner == "fresh"
        drawn = None
        if self.online.coach is not None and (fresh or settings.periods > 1):
            drawn = strategy_steps(scene.members[:T], noise.spoken, joiners=fresh)
        encoding, strategies = None, None
        if self.online.coach is not None:
            encoding = self.online.coach.encode(scene.rows.steps(0, T), scene.present[:T])
            strategies = draw_strategies(self.online.coach, encoding, noise.strategy, drawn, settings.periods)
        halves: tuple[Tensor, ...] = ()
        if self.method.imagined:
            halves = imagined_split(scene, noise.groups, self.config.method.refil_split, self.config.nets.heads)
        values, choices = self._online_values(part, scene, halves, strategies, noise)
        actions = part.actions.unsqueeze(-1)
        totals = mix(
            self.online.mixer,
            [value.gather(-1, actions).squeeze(-1) for value in values],
            Situation(
                scene.rows.steps(0, T), scene.present[:T], encoding, tuple(scene.present[:T] * half for half in halves)
            ),
        )
        with torch.no_grad():
            following = self._following_values(part, scene, noise, drawn, choices)
            targets = td_targets(
                part.rewards * reward_scale,
                following,
                part.lengths,
                part.terminated,
                gamma=settings.gamma,
                td_lambda=settings.td_lambda,
            )
        extra = None
        if self.online.coach is not None and self.online.posterior is not None and strategies is not None:
            extra = variational(
                self.online.coach,
                self.online.posterior,
                scene,
                strategies,
                noise,
                steps,
                average=settings.average,
                periods=settings.periods,
            )
        counted = steps if part.weights is None else steps * part.weights
        errors = [((total - targets).square() * counted).sum() for total in totals]
        return Terms(
            q_tot=totals[0].detach(),
            targets=targets,
            steps=steps,
            td=errors[0],
            imagined_q_tot=totals[1].detach() if halves else None,
            imagined_td=errors[1] if halves else None,
            variational=extra,
        )

    def _online_values(
        self,
        part: Part,
        scene: Scene,
        halves: tuple[Tensor, ...],
        strategies: Strategies | None,
        noise: PartNoise,
    ) -> tuple[list[Tensor], Tensor | None]:
        """Q [T, N, A, U] under the players' sight and under each of `halves`; with `double_q`, the online values
        [T, N, A, U] of the views after each step too."""
        player, T = self.online.player, len(part.actions)
        last = T + 1 if self.config.learning.double_q else T
        sights = [scene.sight[:last], *(scene.sight[:last] * half for half in halves)]
        encoded = player.encode(scene.rows.steps(0, last), *sights)
        members = scene.members if part.changing else None
        held = None if strategies is None else strategies.values
        values, choices = [], None
        for index, each in enumerate(encoded if halves else [encoded]):
            remembered = player.remember(each, scene.memory, members)
            values.append(player.action_values(remembered[:T], held))
            if index == 0 and last > T:
                with torch.no_grad():
                    fresh = None
                    if self.online.coach is not None:
                        end = self.online.coach.encode(scene.rows.steps(T, T + 1), scene.present[T:])
                        fresh = self.online.coach.plan(end).sample(noise.target_next)
                    choices = torch.cat([values[0][1:], player.action_values(remembered[T:], fresh)])
        return values, choices

    def _following_values(
        self, part: Part, scene: Scene, noise: PartNoise, drawn: Tensor | None, choices: Tensor | None
    ) -> Tensor:
        """[T, N], the target networks' value of the view after each step."""
        nets, T = self.target, len(part.actions)
        encoding, held, fresh = None, None, None
        if nets.coach is not None:
            everywhere = nets.coach.encode(scene.rows, scene.present)
            held = draw_strategies(nets.coach, everywhere[:T], noise.target_strategy, drawn).values
            fresh = nets.coach.plan(everywhere[T:]).sample(noise.target_next)
            encoding = everywhere[1:]
        encoded = nets.player.encode(scene.rows, scene.sight)
        remembered = nets.player.remember(encoded, scene.memory, scene.members if part.changing else None)
        inside = nets.player.action_values(remembered[1:T], held if held is None or len(held) == 1 else held[1:])
        values = torch.cat([inside, nets.player.action_values(remembered[T:], fresh)])
        allowed = part.available[1:]
        if choices is None:
            best = values.masked_fill(~allowed, -torch.inf).amax(-1)
        else:
            chosen = choices.masked_fill(~allowed, -torch.inf).argmax(-1, keepdim=True)
            best = values.gather(-1, chosen).squeeze(-1)
        situation = Situation(scene.rows.steps(1, T + 1), scene.present[1:], encoding)
        return mix(nets.mixer, [best], situation)[0]
