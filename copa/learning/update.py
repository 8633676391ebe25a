"""One update of a method: loss, gradients, optimiser step, target copies."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from copa.checkpoint import ACTING, AVERAGED
from copa.config.schema import Config
from copa.errors import MismatchError
from copa.learning.batch import TorchBatch
from copa.learning.errors import segment_errors
from copa.learning.noise import Noise, draw, select
from copa.learning.objective import Nets, Objective
from copa.learning.parameters import Parameters, Trained
from copa.learning.peers import ALONE, Peers
from copa.learning.reward_scale import REWARDS_SEEN, RewardScale
from copa.methods import method_named
from copa.nets import (
    Coach,
    Posterior,
    build_coach,
    build_mixer,
    build_player,
    build_posterior,
    forget_folded,
)
from copa.tasks.base import TaskSpec

log = logging.getLogger(__name__)

AGREEMENT_EVERY = 500
"""Updates after which peers compare their parameters."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an update did, still on its device."""

    td_loss: Tensor
    """Mean squared temporal-difference error over real steps, weighted where segments have weights."""
    q_mean: Tensor
    """Mean Q_tot over real steps."""
    target_mean: Tensor
    """Mean target over real steps."""
    player_grad_norm: Tensor
    """Of player and mixer, before clipping; where it is not finite, their parameters stayed as they were."""
    coach_grad_norm: Tensor | None
    """Of coach and posterior, likewise."""
    reward_scale: Tensor | None
    """What rewards were multiplied by; None where `learning.reward_scale` says it."""
    imagined_td_loss: Tensor | None
    nll: Tensor | None
    """Before `lambda1`: negative log-likelihood summed over steps and dimensions, mean over slots."""
    entropy: Tensor | None
    """Before `lambda2`: mean over slots and dimensions."""
    q_tot: Tensor
    """[N, T]"""
    td_target: Tensor
    """[N, T]"""
    imagined_q_tot: Tensor | None
    """[N, T]"""
    errors: Tensor | None
    """[N], of each segment (`segment_errors`); None where segments have no weights."""

    def scalars(self) -> dict[str, float]:
        """The scalars that this method has, by name; waits for the device."""
        names = (
            "td_loss",
            "imagined_td_loss",
            "nll",
            "entropy",
            "q_mean",
            "target_mean",
            "player_grad_norm",
            "coach_grad_norm",
            "reward_scale",
        )
        present = {name: value for name in names if (value := getattr(self, name)) is not None}
        return dict(zip(present, torch.stack([value.float() for value in present.values()]).tolist(), strict=True))


class UpdateRule:
    """Networks, target copies, averages, optimisers and random draws of a method.

    Attributes:
        updates: updates made so far.
    """

    def __init__(self, spec: TaskSpec, config: Config, device: torch.device, peers: Peers = ALONE) -> None:
        self.spec, self.config, self.device, self.peers = spec, config, device, peers
        self.method = method_named(config.method.name)
        self.updates = 0
        self.player = build_player(spec, config).to(device)
        self.mixer = build_mixer(spec, config).to(device)
        self.coach: Coach | None = build_coach(spec, config).to(device) if self.method.coach else None
        self.posterior: Posterior | None = build_posterior(spec, config).to(device) if self.method.variational else None
        players: dict[str, nn.Module] = {"player": self.player, "mixer": self.mixer}
        coaches: dict[str, nn.Module] = {} if self.coach is None else {"coach": self.coach}
        target_players, target_coaches = copy.deepcopy(players), copy.deepcopy(coaches)
        if self.posterior is not None:
            coaches["posterior"] = self.posterior
        self._trained = {"player": Trained(players, config.learning)}
        self._targets = {"player": Parameters(target_players)}
        if coaches:
            self._trained["coach"] = Trained(coaches, config.learning)
            self._targets["coach"] = Parameters(target_coaches)
        self._averaged: dict[str, Parameters] = {}
        if config.learning.averaging_rate < 1.0:
            self._averaged["player"] = Parameters(copy.deepcopy(target_players))
            if target_coaches:
                self._averaged["coach"] = Parameters(copy.deepcopy(target_coaches))
        for parameter in (_named(self._targets) | _named(self._averaged)).values():
            parameter.requires_grad_(False)
        self._reward_scale = RewardScale(config.learning, device)
        online = Nets(self.player, self.mixer, self.coach, self.posterior)
        target = Nets(target_players["player"], target_players["mixer"], target_coaches.get("coach"))  # type: ignore[arg-type]
        self._objective = Objective(spec, config, self.method, online, target)
        self._generator = torch.Generator(device)
        self._begin_draws()

    def update(self, batch: TorchBatch, *, progress: float, noise: Noise | None = None) -> Outcome:
        """Make one update; a process alone never waits for the device.

        Args:
            batch: from `to_device`; with peers this one's share, and the outcome's scalars are those of all shares.
            progress: share of the run's steps that are done, 0..1; learning rate and `hold_from` go by it.
            noise: draws to use instead of fresh ones.

        Raises:
            UnavailableError: another peer has gone; parameters are those before this update.
            MismatchError: peers have come to differ, or the batch's segments have another length than the settings say.
        """
        if self.config.segment_steps != batch.T:
            raise MismatchError(
                f"the batch has segments of {batch.T} steps; method.T = {self.config.method.T} and learning.periods ="
                f" {self.config.learning.periods} make {self.config.segment_steps}"
            )
        if self.updates % AGREEMENT_EVERY == 0:
            self.check_agreement()
        settings = self.config.learning
        if settings.flush_denormals:
            torch.set_flush_denormal(True)
        absent = self.method.variational and settings.average == "published"
        width = self.config.nets.width
        hold = settings.hold if progress >= settings.hold_from else 0.0
        reward_scale = self._reward_scale.of(batch, self.peers)
        terms = []
        for part in batch.parts:
            if noise is None:
                draws = draw(
                    part,
                    batch.slots,
                    width,
                    self._generator,
                    absent=absent,
                    split=self.config.method.refil_split,
                    periods=settings.periods,
                    hold=hold,
                )
            else:
                draws = select(noise, part, batch.slots, width, absent=absent)
            terms.append(self._objective(part, draws, batch.slots, reward_scale))
        steps = self.peers.add(sum_of([term.steps.sum() for term in terms]))
        td_loss = sum_of([term.td for term in terms]) / steps
        shares = {
            "td_loss": td_loss,
            "q_mean": sum_of([(term.q_tot * term.steps).sum() for term in terms]) / steps,
            "target_mean": sum_of([(term.targets * term.steps).sum() for term in terms]) / steps,
        }
        loss = td_loss
        if terms[0].imagined_td is not None:
            imagined = sum_of([term.imagined_td for term in terms if term.imagined_td is not None]) / steps
            weight = self.config.method.imagined_weight
            loss = (1 - weight) * td_loss + weight * imagined
            shares["imagined_td_loss"] = imagined
        parts = [term.variational for term in terms if term.variational is not None]
        if parts:
            slots = self.peers.add(sum_of([part.slots for part in parts]))
            nll = sum_of([part.nll for part in parts]) / slots
            entropy = sum_of([part.entropy for part in parts]) / slots
            loss = loss + settings.lambda1 * nll - settings.lambda2 * entropy
            shares |= {"nll": nll, "entropy": entropy}
        loss.backward()  # type: ignore[no-untyped-call]
        rate = settings.lr * (1 - (1 - settings.lr_end) * progress)
        for group in self._trained.values():
            self.peers.add(group.gradient)
        whole = self.peers.add(torch.stack([share.detach() for share in shares.values()])).unbind()
        scalars = dict(zip(shares, whole, strict=True))
        norms = {name: group.step(rate) for name, group in self._trained.items()}
        self.updates += 1
        self._follow()
        return Outcome(
            td_loss=scalars["td_loss"],
            q_mean=scalars["q_mean"],
            target_mean=scalars["target_mean"],
            player_grad_norm=norms["player"],
            coach_grad_norm=norms.get("coach"),
            reward_scale=reward_scale if isinstance(reward_scale, Tensor) else None,
            imagined_td_loss=scalars.get("imagined_td_loss"),
            nll=scalars.get("nll"),
            entropy=scalars.get("entropy"),
            q_tot=_in_order(batch, [term.q_tot for term in terms]),
            td_target=_in_order(batch, [term.targets for term in terms]),
            imagined_q_tot=None
            if terms[0].imagined_q_tot is None
            else _in_order(batch, [term.imagined_q_tot for term in terms if term.imagined_q_tot is not None]),
            errors=None
            if batch.parts[0].weights is None
            else _in_order(batch, [segment_errors(term.q_tot, term.targets, term.steps) for term in terms]),
        )

    def _follow(self) -> None:
        """Bring the target networks and the averages nearer to the online networks."""
        settings = self.config.learning
        with torch.no_grad():
            for name, target in self._targets.items():
                if settings.target_rate is not None:
                    target.vector.lerp_(self._online(name, target), settings.target_rate)
                elif self.updates % settings.target_every == 0:
                    target.vector.copy_(self._online(name, target))
            for name, average in self._averaged.items():
                average.vector.lerp_(self._online(name, average), max(settings.averaging_rate, 1 / self.updates))
        for module in (self.player, self.coach):
            if module is not None:
                forget_folded(module)

    def _online(self, name: str, follower: Parameters) -> Tensor:
        """What `follower` follows: the first parameters of the group called `name`."""
        return self._trained[name].vector[: follower.vector.numel()]

    def _parameters(self) -> dict[str, Tensor]:
        seen = self._reward_scale.seen
        return (
            _named(self._trained)
            | {f"target_{name}": tensor for name, tensor in _named(self._targets).items()}
            | {f"{AVERAGED}{name}": tensor for name, tensor in _named(self._averaged).items()}
            | ({} if seen is None else {REWARDS_SEEN: seen})
        )

    def weights(self) -> dict[str, Tensor]:
        """What acting needs, `player.…` and `coach.…`: contiguous float32 copies on the CPU."""
        return _for_acting(self._trained)

    def averages(self) -> dict[str, Tensor] | None:
        """The averages of `weights`; None where `learning.averaging_rate` is 1."""
        return _for_acting(self._averaged) if self._averaged else None

    def state(self) -> dict[str, Tensor]:
        """Everything that a bit-exact continuation needs, as contiguous copies on the CPU."""
        tensors = dict(self._parameters())
        for name, group in self._trained.items():
            tensors |= group.state(f"optimizer_{name}")
        tensors["generator"] = self._generator.get_state()
        tensors["updates"] = torch.tensor(self.updates)
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave, on whatever device.

        The random draws go on where they stopped only on a device of the same kind; elsewhere they begin anew from
        `run.seed` and the number of updates.

        Raises:
            MismatchError: it is of another configuration; nothing is changed then.
        """
        parameters = self._parameters()
        begun = {f"{AVERAGED}{name}": state[name] for name in _named(self._averaged) if name in state}
        state = {**begun, **state}
        for name, parameter in parameters.items():
            if name not in state or state[name].shape != parameter.shape:
                if name == REWARDS_SEEN:
                    raise MismatchError(
                        "state of learning: it was made with a number for learning.reward_scale, which is none here;"
                        " continue with the settings it was made with."
                    )
                found = tuple(state[name].shape) if name in state else "missing"
                raise MismatchError(
                    f"state of learning: {name} is {found}, this configuration has {tuple(parameter.shape)};"
                    " continue with the settings it was made with."
                )
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(state[name])
        for name, group in self._trained.items():
            group.load_state(state, f"optimizer_{name}")
        self.updates = int(state["updates"])
        self._resume_draws(state["generator"])
        for module in (self.player, self.coach):
            if module is not None:
                forget_folded(module)

    def agree(self) -> None:
        """Take the first peer's state on all of them; random draws differ."""
        if self.peers.count == 1:
            return
        state = self.peers.share(self.state())
        if self.peers.rank > 0:
            state["generator"] = state["generator"].new_empty(0)
            self.load(state)

    def check_agreement(self) -> None:
        """Raises MismatchError, on every peer, when their parameters have come to differ."""
        for group in self._trained.values():
            if not self.peers.same(group.vector):
                raise MismatchError(
                    f"the {self.peers.count} processes of the learner no longer have the same parameters: stop them "
                    "all, and start them again from the last checkpoint, with one version of torch and one kind of "
                    "device on all machines."
                )

    def _begin_draws(self) -> None:
        """Begin the random draws from `run.seed`, the number of updates and this peer's rank."""
        seed = self.config.run.seed
        if self.updates or self.peers.rank:
            seed = int(np.random.SeedSequence((seed, self.updates, self.peers.rank)).generate_state(1)[0])
        self._generator.manual_seed(seed)

    def _resume_draws(self, state: Tensor) -> None:
        if state.shape == self._generator.get_state().shape:
            self._generator.set_state(state)
            return
        self._begin_draws()
        if self.peers.rank == 0:
            log.warning(
                "the state of random draws is of another kind of device than %s: they begin anew from run.seed and"
                " update %d",
                self.device,
                self.updates,
            )


def sum_of(values: list[Tensor] | list[Tensor | float]) -> Tensor:
    """The sum of at least one value, as a tensor."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return torch.as_tensor(total)


def _for_acting(groups: Mapping[str, Parameters]) -> dict[str, Tensor]:
    return {
        name: tensor.detach().to("cpu", torch.float32, copy=True).contiguous()
        for name, tensor in _named(groups).items()
        if name.startswith(ACTING)
    }


def _named(groups: Mapping[str, Parameters]) -> dict[str, Tensor]:
    return {name: tensor for group in groups.values() for name, tensor in group.named.items()}


def _in_order(batch: TorchBatch, values: list[Tensor]) -> Tensor:
    """[N, ...] in the batch's order, from [..., N] of each part."""
    if batch.parts[0].segments is None:
        return values[0].movedim(-1, 0)
    places = torch.cat([part.segments for part in batch.parts if part.segments is not None])
    joined = torch.cat(values, -1).movedim(-1, 0)
    return torch.empty_like(joined).index_copy_(0, places, joined)
