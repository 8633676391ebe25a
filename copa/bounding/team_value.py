"""Q_tot at given states, as a function of strategies and actions."""

from collections.abc import Mapping

import torch
from torch import Tensor

from copa.bounding.visits import States
from copa.config.schema import Config
from copa.learning.objective import Nets
from copa.nets import Situation, build_coach, build_mixer, build_player, build_rows, load_weights, mix
from copa.tasks.base import TaskSpec


def networks(spec: TaskSpec, config: Config, tensors: Mapping[str, Tensor], prefix: str = "") -> Nets:
    """Player, mixer and coach of a checkpoint; with the prefix `target_` their target copies.

    Raises:
        MismatchError: the checkpoint was made with other settings.
    """
    nets = Nets(build_player(spec, config), build_mixer(spec, config), build_coach(spec, config))
    for name, net in (("player", nets.player), ("mixer", nets.mixer), ("coach", nets.coach)):
        assert net is not None
        net.eval().requires_grad_(False)
        load_weights(net, tensors, f"{prefix}{name}.")
    return nets


class TeamValue:
    """The value that the networks give to N states, whatever players hold there and do there.

    A player's part depends on its own strategy alone, and the mixer looks at the scene, not at strategies: that is
    why the Lipschitz constant splits into the mixer's and the player's.
    """

    def __init__(self, spec: TaskSpec, nets: Nets, states: States) -> None:
        assert nets.coach is not None
        self._nets = nets
        members = torch.from_numpy(states.members())
        rows = build_rows(
            spec,
            torch.from_numpy(states.agents),
            torch.from_numpy(states.traits),
            torch.from_numpy(states.entities),
            members,
            previous=torch.from_numpy(states.previous),
        )
        heads = nets.player.attention.heads
        with torch.no_grad():
            encoded = nets.player.encode(rows, rows.look(torch.from_numpy(states.visible), heads))
            self._remembered = nets.player.remember(encoded.unsqueeze(0), torch.from_numpy(states.memory), None)
            present = rows.look(torch.from_numpy(states.present), heads)
            self._situation = Situation(rows, present, nets.coach.encode(rows, present))
        self.available = torch.from_numpy(states.available)
        """[N, A, U]"""
        self.members = members
        """[N, A]"""

    def utilities(self, strategies: Tensor) -> Tensor:
        """Each player's value of each action, [K, N, A, U], under `strategies` [K, N, A, W]; differentiable."""
        remembered = self._remembered.expand(len(strategies), -1, -1, -1)
        return self._nets.player.action_values(remembered, strategies)

    def total(self, utilities: Tensor) -> Tensor:
        """Q_tot [..., N] of one utility per agent, [..., N, A]; differentiable."""
        return mix(self._nets.mixer, [utilities], self._situation)[0]

    def best(self, utilities: Tensor) -> Tensor:
        """The utilities [..., N, A] of the best available actions, for `utilities` [..., N, A, U]."""
        return utilities.masked_fill(~self.available, -torch.inf).amax(-1)
