"""The player and the coach as straight lines of arithmetic, which exporters can follow: the same functions as
`copa.nets`, for any number of games, slots and entities, without gradients, blocks or cut slots."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.nets.attend import NOTHING_SEEN
from copa.nets.attention import EntityAttention
from copa.nets.coach import Coach
from copa.nets.player import Player
from copa.tasks.base import TaskSpec

_HIDDEN = 1e30
_LOWEST_LOGIT = -60.0


class _Attention(nn.Module):
    """`EntityAttention` of raw features; what a weight is multiplied by first is multiplied out."""

    def __init__(self, source: EntityAttention, spec: TaskSpec) -> None:
        super().__init__()
        self.source, self.spec = source, spec
        with torch.no_grad():
            heads = source.folded().heads
        for name, tensor in heads._asdict().items():
            self.register_buffer(name, None if tensor is None else tensor.detach().clone())
        self.register_buffer("centre", torch.tensor(spec.trait_centre))

    queries: Tensor
    values: Tensor
    query_bias: Tensor | None
    value_bias: Tensor | None
    skip: Tensor | None
    skip_bias: Tensor | None
    centre: Tensor

    def forward(
        self, agents: Tensor, traits: Tensor, entities: Tensor, members: Tensor, mask: Tensor, previous: Tensor | None
    ) -> Tensor:
        """[B, A, W]; `previous` [B, A, U] is one-hot. `mask` [B, A, A+E] and `members` [B, A] are bool."""
        present = members.unsqueeze(-1).to(agents.dtype)
        parts = [agents * present, (traits - self.centre) * present]
        if previous is not None:
            parts.append(previous)
        rows = torch.cat([self.source.agents(torch.cat(parts, -1)), self.source.entities(entities)], 1)
        rows = functional.leaky_relu(rows)
        if self.source.row_norm is not None:
            rows = self.source.row_norm(self.source.encode(rows))
        own = rows[:, : agents.shape[1]]
        asked = own @ self.queries
        if self.query_bias is not None:
            asked = asked + self.query_bias
        asked = asked.reshape(*own.shape[:2], self.source.heads, self.source.width)
        logits = asked @ rows.transpose(1, 2).unsqueeze(1)
        shares = self._shares(logits, mask.unsqueeze(2).to(logits.dtype))
        output = (shares @ rows.unsqueeze(1)).flatten(-2) @ self.values
        if self.value_bias is not None:
            output = output + shares.sum(-1) @ self.value_bias
        if self.skip is not None:
            output = output + own @ self.skip
        if self.skip_bias is not None:
            output = output + self.skip_bias
        if self.source.output_norm is not None:
            output = self.source.output_norm(output)
        return output * present

    def _shares(self, logits: Tensor, seen: Tensor) -> Tensor:
        if self.source.masked:
            powers = _powers(logits + (seen - 1) * _HIDDEN) * seen
            return powers / powers.sum(-1, keepdim=True).clamp(min=NOTHING_SEEN)
        powers = _powers(logits)
        visible = powers * seen
        return visible / (visible.sum(-1, keepdim=True) + NOTHING_SEEN * powers.sum(-1, keepdim=True))


def _powers(logits: Tensor) -> Tensor:
    return (logits - logits.amax(-1, keepdim=True)).clamp(min=_LOWEST_LOGIT).exp()


class PlainPlayer(nn.Module):
    """`Player.step` of a trained player."""

    def __init__(self, player: Player) -> None:
        super().__init__()
        self.player = player
        self.attention = _Attention(player.attention, player.spec)

    def forward(
        self,
        agents: Tensor,
        traits: Tensor,
        entities: Tensor,
        visible: Tensor,
        members: Tensor,
        previous: Tensor,
        memory: Tensor,
        strategies: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """See `Player.step`; [B, A, U] and [B, A, W]."""
        player = self.player
        actions = torch.arange(len(player.spec.actions))
        before = previous.masked_fill(~members, -1)
        if player.spec.first_action == "action 0":
            before = before.clamp(min=0)
        one_hot = (before.unsqueeze(-1) == actions).to(agents.dtype)
        seen = self.attention(agents, traits, entities, members, visible, one_hot)
        encoded = player.mlp.second(functional.relu(player.mlp.first(seen)))
        remembered = self._remember(encoded, memory)
        present = members.unsqueeze(-1).to(encoded.dtype)
        values = self._values(remembered, strategies) * present
        return values, remembered * present if player.recurrent else encoded

    def _remember(self, encoded: Tensor, memory: Tensor) -> Tensor:
        cell = self.player.memory
        reset, update, new = functional.linear(encoded, cell.weight_ih, cell.bias_ih).chunk(3, -1)
        old_reset, old_update, old_new = functional.linear(memory, cell.weight_hh, cell.bias_hh).chunk(3, -1)
        kept = torch.sigmoid(update + old_update)
        proposed = torch.tanh(new + torch.sigmoid(reset + old_reset) * old_new)
        return proposed + kept * (memory - proposed)

    def _values(self, remembered: Tensor, strategies: Tensor | None) -> Tensor:
        player = self.player
        hidden = player.hidden(remembered)
        if strategies is not None and player.strategy is not None:
            hidden = hidden + player.strategy(strategies)
        hidden = functional.relu(hidden)
        if player.out is not None:
            values: Tensor = player.out(hidden)
            return values
        assert player.generator is not None
        assert strategies is not None
        generated = player.generator(strategies) / math.sqrt(player.width)
        generated = generated.reshape(*strategies.shape[:2], player.width + 1, len(player.spec.actions))
        weighted: Tensor = (hidden.unsqueeze(-2) @ generated[..., :-1, :]).squeeze(-2)
        added: Tensor = weighted + generated[..., -1, :]
        return added


class PlainCoach(nn.Module):
    """The mean strategies of a trained coach."""

    def __init__(self, coach: Coach) -> None:
        super().__init__()
        self.coach = coach
        self.attention = _Attention(coach.attention, coach.spec)

    def forward(self, agents: Tensor, traits: Tensor, entities: Tensor, present: Tensor) -> Tensor:
        """Mean strategies [B, A, W]; see `Coach.forward`."""
        mean: Tensor = self.coach.mean(self.attention(agents, traits, entities, present.any(-1), present, None))
        return mean
