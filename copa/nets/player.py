"""The player: one network for all agents, from what an agent sees and its strategy to the value of each action."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.config.schema import NetSettings
from copa.nets.attention import EntityAttention
from copa.nets.layers import TwoLayers, gru
from copa.nets.rows import Rows, build_rows
from copa.tasks.base import TaskSpec


class Player(nn.Module):
    """Attention, MLP, GRU and a head for Q, which a strategy enters where there is a coach.

    `memory: published` carries the MLP's output to the next step, so nothing is recurrent; `gru` the GRU's output.
    """

    def __init__(self, spec: TaskSpec, settings: NetSettings, *, coach: bool) -> None:
        super().__init__()
        width, actions = settings.width, len(spec.actions)
        self.spec, self.width = spec, width
        self.recurrent = settings.memory == "gru"
        self.represents_cut = settings.attention == "published"
        self.attention = EntityAttention(spec, settings, "previous")
        self.mlp = TwoLayers(width)
        self.memory = nn.GRUCell(width, width)
        self.hidden = nn.Linear(width, width)
        hyper = coach and settings.strategy_input == "hyper"
        self.strategy = nn.Linear(width, width, bias=False) if coach and not hyper else None
        self.generator = nn.Linear(width, (width + 1) * actions) if hyper else None
        self.out = None if hyper else nn.Linear(width, actions)

    def first_memory(self, games: int) -> Tensor:
        """[B, A, W] zeros, the memory at an episode's start."""
        return torch.zeros(games, self.spec.slots, self.width, device=self.hidden.weight.device)

    def encode(self, rows: Rows, *looks: Tensor) -> Tensor:
        """The MLP's output, [..., A, W] under one mask, [M, ..., A, W] under M (see `EntityAttention`)."""
        encoded: Tensor = self.mlp(self.attention(rows, *looks))
        return encoded

    def remember(self, encoded: Tensor, start: Tensor | None, members: Tensor | None) -> Tensor:
        """The GRU's output at every step.

        Args:
            encoded: [T, N, A, W], the MLP's output.
            start: [N, A, W], memory before the first step; zeros when None.
            members: [T, N, A] where agents come and go (a recurrent memory then starts anew with each), else None.
        """
        if start is None:
            start = torch.zeros_like(encoded[0])
        if not self.recurrent:
            return self._cell(encoded, torch.cat([start.unsqueeze(0), encoded[:-1]]))
        outputs, memory = [], start
        for step, now in enumerate(encoded):
            memory = self._cell(now, memory)
            outputs.append(memory)
            if members is not None:
                memory = memory * members[step].unsqueeze(-1)
        return torch.stack(outputs)

    def _cell(self, encoded: Tensor, memory: Tensor) -> Tensor:
        cell = self.memory
        flat = gru(
            encoded.reshape(-1, self.width),
            memory.reshape(-1, self.width),
            cell.weight_ih,
            cell.weight_hh,
            cell.bias_ih,
            cell.bias_hh,
        )
        return flat.view(encoded.shape)

    def action_values(self, remembered: Tensor, strategies: Tensor | None) -> Tensor:
        """Q of every action.

        Args:
            remembered: [T, N, A, W], from `remember`.
            strategies: [S, N, A, W] with S = 1 (the same at all steps) or T; None without a coach.

        Returns:
            [T, N, A, U]
        """
        hidden = self.hidden(remembered)
        if strategies is not None and self.strategy is not None:
            hidden += self.strategy(strategies)
        hidden = functional.relu_(hidden)
        if self.out is not None:
            values: Tensor = self.out(hidden)
            return values
        assert self.generator is not None
        assert strategies is not None
        flat: Tensor = self.generator(strategies) / math.sqrt(self.width)
        generated = flat.view(*strategies.shape[:-1], self.width + 1, -1)
        return (hidden.unsqueeze(-2) @ generated[..., :-1, :]).squeeze(-2) + generated[..., -1, :]

    def step(
        self,
        agents: Tensor,
        traits: Tensor,
        entities: Tensor,
        visible: Tensor,
        members: Tensor,
        previous: Tensor,
        memory: Tensor,
        strategies: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """One step of B games, for acting.

        Args:
            agents, traits, entities: as a `View` holds them (raw).
            visible: [B, A, A+E] bool, what players may see (`copa.methods.sight`).
            members: [B, A] bool, which slots hold an agent.
            previous: [B, A] actions taken before, negative for none.
            memory: [B, A, W], from the step before.
            strategies: [B, A, W], None without a coach.

        Returns:
            Q [B, A, U] (0 for slots that hold no agent) and the memory [B, A, W].
        """
        slots = occupied(members)
        cut = members.shape[1] - slots
        kept = members[:, :slots]
        rows = build_rows(
            self.spec,
            agents[:, :slots],
            traits[:, :slots],
            entities,
            kept,
            previous=previous[:, :slots],
            cut=cut if self.represents_cut else 0,
        )
        encoded = self.encode(rows, rows.look(without_slots(visible, slots), self.attention.heads))
        remembered = self._cell(encoded, memory[:, :slots])
        values = self.action_values(remembered, None if strategies is None else strategies[:, :slots])
        values = values * kept.unsqueeze(-1)
        carried = remembered * kept.unsqueeze(-1) if self.recurrent else encoded
        if cut:
            values = functional.pad(values, (0, 0, 0, cut))
            carried = torch.cat([carried, self._absent(carried, cut)], 1)
        return values, carried

    def _absent(self, carried: Tensor, cut: int) -> Tensor:
        """What `step` would carry for absent slots: attention gives them 0."""
        if self.recurrent:
            return carried.new_zeros(carried.shape[0], cut, self.width)
        constant: Tensor = self.mlp(carried.new_zeros(self.width))
        return constant.expand(carried.shape[0], cut, self.width)


def occupied(members: Tensor) -> int:
    """The number of leading slots that hold all agents of `members` [..., A]; at least 1."""
    used = members.flatten(0, -2).any(0).nonzero()
    return int(used[-1]) + 1 if len(used) else 1


def without_slots(mask: Tensor, slots: int) -> Tensor:
    """`mask` [..., A, A+E] with agent slots from `slots` on cut away, [..., slots, slots+E]."""
    count = mask.shape[-2]
    if slots == count:
        return mask
    return torch.cat([mask[..., :slots, :slots], mask[..., :slots, count:]], -1)
