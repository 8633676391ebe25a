"""Attention of agents over entities, the first layer of all four networks.

Heads have the full width and are averaged, so a head's matrices can be multiplied out beforehand: with encoded rows
h, `Q K^T = h_a (W_Q W_K^T) h^T` and `sum_j p_j (h_j W_V) = (sum_j p_j h_j) W_V`. There are few queries and many rows,
so this order is much cheaper; without LayerNorm the encoding Linear is linear too and folds into the same matrices.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.config.schema import NetSettings
from copa.nets.attend import Heads, attend
from copa.nets.rows import Extra, Rows
from copa.tasks.base import TaskSpec


@dataclass(frozen=True, slots=True)
class Folded:
    """The weights of an attention, multiplied out."""

    embed: Tensor
    """[W, K], both embeddings with their biases, for rows of K columns."""
    heads: Heads


class EntityAttention(nn.Module):
    """Embeds agents and entities and lets each agent attend to the rows its mask shows.

    `attention: published` takes the softmax over *all* rows, then masks and divides by (visible sum + 1e-12);
    `masked` is a masked softmax, 0 for an agent that sees nothing. The output of an absent agent is 0 in every form.
    """

    def __init__(self, spec: TaskSpec, settings: NetSettings, extra: Extra) -> None:
        """Args:
        extra: whether agents' rows hold an action too, and which.
        """
        super().__init__()
        width, heads = settings.width, settings.heads
        own = spec.agent_features + spec.trait_features
        self.extra, self.own, self.width, self.heads = extra, own, width, heads
        self.masked = settings.attention == "masked"
        self.agents = nn.Linear(own + (0 if extra == "none" else len(spec.actions)), width)
        self.entities = nn.Linear(spec.entity_features, width)
        self.encode = nn.Linear(width, width)
        deviation = 1 / math.sqrt(width) if self.masked else 1.0
        self.queries = nn.Parameter(torch.randn(heads, width, width) * deviation)
        self.keys = nn.Parameter(torch.randn(heads, width, width) * deviation)
        self.values = nn.Parameter(torch.randn(heads, width, width) * deviation)
        self.skip = nn.Linear(width, width) if settings.attention_skip else None
        self.row_norm = nn.LayerNorm(width) if settings.attention_norm else None
        self.output_norm = nn.LayerNorm(width) if settings.attention_norm else None
        self._kept: Folded | None = None

    def forget(self) -> None:
        """Drop the folded weights kept for inference; to be called when weights have changed."""
        self._kept = None

    def forward(self, rows: Rows, *looks: Tensor) -> Tensor:
        """Attend under each of `looks`.

        Args:
            rows: of views with leading dimensions `...`.
            looks: masks from `Rows.look`; they share everything up to the softmax.

        Returns:
            [..., A, W] for one mask, [M, ..., A, W] for M.
        """
        folded = self.folded()
        leading, slots = rows.features.shape[:-2], rows.slots
        block = rows.block(self.extra)
        height = block.shape[-2]
        encoded = functional.leaky_relu_(block.reshape(-1, block.shape[-1]) @ folded.embed.T)
        if self.row_norm is not None:
            encoded = self.row_norm(self.encode(encoded))
        outputs = attend(
            encoded.view(-1, height, self.width),
            slots,
            folded.heads,
            [look.reshape(-1, height, slots * self.heads) for look in looks],
            masked=self.masked,
            offset=self._offset(rows),
        )
        output = outputs[0] if len(outputs) == 1 else torch.stack(outputs)
        if self.output_norm is not None:
            output = self.output_norm(output)
        if self.skip is not None or self.output_norm is not None:
            output = output * rows.members.reshape(-1, 1)
        several = (len(looks),) if len(looks) > 1 else ()
        return output.view(*several, *leading, slots, self.width)

    def _offset(self, rows: Rows) -> Tensor | None:
        """[R], added to the logits so that one row counts as the several it stands for."""
        if self.masked or rows.cut < 2:
            return None
        offset = rows.features.new_zeros(rows.features.shape[-2])
        offset[rows.slots] = math.log(rows.cut)
        return offset

    def folded(self) -> Folded:
        """The weights multiplied out; kept between calls in inference mode, until `forget`."""
        if not torch.is_inference_mode_enabled():
            return self._fold()
        if self._kept is None:
            self._kept = self._fold()
        return self._kept

    def _fold(self) -> Folded:
        width, heads = self.width, self.heads
        agents = self.agents.weight
        parts = [
            agents[:, : self.own],
            self.agents.bias.unsqueeze(1),
            self.entities.weight,
            self.entities.bias.unsqueeze(1),
        ]
        if self.extra == "previous":
            parts.insert(0, agents[:, self.own :])
        elif self.extra == "action":
            parts.append(agents[:, self.own :])
        embed = torch.cat(parts, 1)
        scores = torch.bmm(self.queries, self.keys.transpose(1, 2)) / math.sqrt(width)
        values = self.values / heads
        skip: Tensor | None = None if self.skip is None else self.skip.weight.T
        skip_bias: Tensor | None = None if self.skip is None else self.skip.bias
        query_bias = value_bias = None
        if self.row_norm is None:
            encode, bias = self.encode.weight, self.encode.bias
            scores = scores @ encode
            query_bias = (bias @ scores).view(-1)
            scores = encode.T @ scores
            value_bias = bias @ values
            values = encode.T @ values
            if skip is not None and skip_bias is not None:
                skip_bias = skip_bias + bias @ skip
                skip = encode.T @ skip
        queries = scores.transpose(0, 1).reshape(width, heads * width)
        values = values.reshape(heads * width, width)
        return Folded(embed, Heads(queries, values, query_bias, value_bias, skip, skip_bias))
