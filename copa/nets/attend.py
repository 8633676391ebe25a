"""Attention with its gradient written out: fewer passes over wide arrays than autograd takes, in blocks of views."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

NOTHING_SEEN = 1e-12
_HIDDEN = 1e30
_LOWEST_LOGIT = -60.0
BLOCK_NUMBERS = 1 << 19
"""Numbers in the widest array of a block of views; what a block computes then stays in a processor's cache."""


class Heads(NamedTuple):
    """The weights of an attention with averaged heads, multiplied out. W = width, H = heads."""

    queries: Tensor
    """[W, H W], from an agent's row to one query per head, already scaled."""
    values: Tensor
    """[H W, W], from the heads' mixtures of rows to the output; holds the average over heads."""
    query_bias: Tensor | None = None
    """[H W]"""
    value_bias: Tensor | None = None
    """[H, W], per unit of a head's total share (which need not be one)."""
    skip: Tensor | None = None
    """[W, W], from an agent's row to the output."""
    skip_bias: Tensor | None = None
    """[W]"""


def attend(
    rows: Tensor, slots: int, heads: Heads, looks: Sequence[Tensor], *, masked: bool, offset: Tensor | None = None
) -> list[Tensor]:
    """Attention of the first `slots` rows of each view to all its rows; V views.

    With logits `l = (rows_a queries + query_bias) . rows_j + offset_j` and a mask m, row j's share is
    `m exp(l) / (sum m exp(l) + 1e-12 sum exp(l))`: a softmax over all rows, masked, divided by its visible sum +
    1e-12. When `masked`, rows with m = 0 do not count at all, and all shares are 0 where everything is hidden.

    Args:
        rows: [V, R, W].
        looks: masks as numbers 0 and 1, each [V, R, slots H], heads innermost.
        offset: [R], added to the logits.

    Returns:
        For each mask [V slots, W].
    """
    if torch.is_grad_enabled():
        return list(_Attend.apply(rows, slots, masked, offset, len(looks), *looks, *heads))  # type: ignore[no-untyped-call]
    outputs = [rows.new_empty(len(rows) * slots, rows.shape[2]) for _ in looks]
    for block in _blocks(rows, slots, heads):
        own, _, weights = _weigh(rows[block], slots, heads, [look[block] for look in looks], masked, offset)
        for output, (shares, _) in zip(outputs, weights, strict=True):
            _mix(rows[block], own, shares, heads, output.view(-1, slots, rows.shape[2])[block].flatten(0, 1))
    return outputs


def _blocks(rows: Tensor, slots: int, heads: Heads) -> Iterator[slice]:
    """Views in blocks that fit a cache; all at once on a GPU."""
    views = len(rows)
    size = views if rows.is_cuda else max(BLOCK_NUMBERS // (slots * len(heads.values)), 1)
    for start in range(0, views, max(size, 1)):
        yield slice(start, start + size)


def _weigh(
    rows: Tensor,
    slots: int,
    heads: Heads,
    looks: Sequence[Tensor],
    masked: bool,
    offset: Tensor | None,
    asked: Tensor | None = None,
) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
    """Agents' own rows [V slots, W], queries [V, slots H, W] (into `asked`, where given), and for each mask the
    shares and `exp(l) / divisor`, both [V, R, slots H]."""
    views, _, width = rows.shape
    own = rows[:, :slots].reshape(-1, width)
    target = None if asked is None else asked.view(views * slots, -1)
    if heads.query_bias is None:
        flat = torch.mm(own, heads.queries, out=target)
    else:
        flat = torch.addmm(heads.query_bias, own, heads.queries, out=target)
    queries = flat.view(views, -1, width)
    logits = torch.bmm(rows, queries.transpose(1, 2))
    if offset is not None:
        logits += offset.unsqueeze(-1)
    weights: list[tuple[Tensor, Tensor]] = []
    if masked:
        for look in looks:
            visible = torch.add(logits, look - 1, alpha=_HIDDEN)
            seen = _powers(visible).mul_(look)
            shares = seen.div_(seen.sum(1, keepdim=True).clamp_(min=NOTHING_SEEN))
            weights.append((shares, shares))
        return own, queries, weights
    powers = _powers(logits)
    rest = powers.sum(1, keepdim=True).mul_(NOTHING_SEEN)
    for look in looks:
        seen = powers * look
        divisor = seen.sum(1, keepdim=True).add_(rest)
        weights.append((seen.div_(divisor), powers / divisor))
    return own, queries, weights


def _powers(logits: Tensor) -> Tensor:
    """In place: exp(logits - their largest over rows), but never so small that arithmetic becomes slow."""
    return logits.sub_(logits.amax(1, keepdim=True)).clamp_(min=_LOWEST_LOGIT).exp_()


def _mix(rows: Tensor, own: Tensor, shares: Tensor, heads: Heads, output: Tensor) -> None:
    """Write the output [V slots, W] that `shares` give."""
    mixed = torch.bmm(shares.transpose(1, 2), rows).view(len(output), -1)
    torch.mm(mixed, heads.values, out=output)
    if heads.value_bias is not None:
        output.addmm_(shares.sum(1).view(len(output), -1), heads.value_bias)
    if heads.skip is not None:
        output.addmm_(own, heads.skip)
    if heads.skip_bias is not None:
        output += heads.skip_bias


class _Attend(Function):
    """`attend` with its gradient. Queries and shares are kept; the heads' mixtures are made again."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, slots: int, masked: bool, offset: Tensor | None, masks: int, *tensors: Any
    ) -> tuple[Tensor, ...]:
        looks, heads = tensors[:masks], Heads(*tensors[masks:])
        views, _, width = rows.shape
        outputs = tuple(rows.new_empty(views * slots, width) for _ in range(masks))
        asked = rows.new_empty(views, slots * len(heads.values) // width, width)
        shares = [torch.empty_like(looks[0]) for _ in range(masks)]
        relatives = [] if masked else [torch.empty_like(looks[0]) for _ in range(masks)]
        for block in _blocks(rows, slots, heads):
            here = slice(block.start * slots, block.stop * slots)
            own, _, weights = _weigh(
                rows[block], slots, heads, [look[block] for look in looks], masked, offset, asked[block]
            )
            for index, (share, relative) in enumerate(weights):
                _mix(rows[block], own, share, heads, outputs[index][here])
                shares[index][block] = share
                if not masked:
                    relatives[index][block] = relative
        ctx.save_for_backward(rows, asked, *shares, *relatives, *heads)
        ctx.slots, ctx.masks, ctx.masked = slots, masks, masked
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        slots, masks = ctx.slots, ctx.masks
        rows, asked, *kept = ctx.saved_tensors
        heads = Heads(*kept[-len(Heads._fields) :])
        width = rows.shape[2]
        to_rows = torch.empty_like(rows)
        to_heads = Heads(*(None if tensor is None else torch.zeros_like(tensor) for tensor in heads))  # type: ignore[arg-type]
        for block in _blocks(rows, slots, heads):
            here = slice(block.start * slots, block.stop * slots)
            view, queries, to_view = rows[block], asked[block], to_rows[block]
            own = view[:, :slots].reshape(-1, width)
            to_own = torch.zeros_like(own)
            to_logits: Tensor | None = None
            for index in range(masks):
                gradient, shares = gradients[index][here], kept[index][block]
                mixed = torch.bmm(shares.transpose(1, 2), view).view(len(own), -1)
                to_heads.values.addmm_(mixed.T, gradient)
                to_mixed = torch.mm(gradient, heads.values.T, out=mixed).view(queries.shape)
                to_shares = torch.bmm(view, to_mixed.transpose(1, 2))
                if heads.value_bias is not None and to_heads.value_bias is not None:
                    to_shares += (gradient @ heads.value_bias.T).view(len(view), 1, -1)
                    to_heads.value_bias.addmm_(shares.sum(1).view(len(own), -1).T, gradient)
                if heads.skip is not None and to_heads.skip is not None:
                    to_own.addmm_(gradient, heads.skip.T)
                    to_heads.skip.addmm_(own.T, gradient)
                if to_heads.skip_bias is not None:
                    to_heads.skip_bias.add_(gradient.sum(0))
                to_shares *= shares
                common = to_shares.sum(1, keepdim=True)
                to_shares.addcmul_(shares, common, value=-1)
                if not ctx.masked:
                    to_shares.addcmul_(kept[masks + index][block], common, value=-NOTHING_SEEN)
                to_logits = to_shares if to_logits is None else to_logits.add_(to_shares)
                if index == 0:
                    torch.bmm(shares, to_mixed, out=to_view)
                else:
                    to_view.baddbmm_(shares, to_mixed)
            assert to_logits is not None
            to_view.baddbmm_(to_logits, queries)
            to_asked = torch.bmm(to_logits.transpose(1, 2), view).view(len(own), -1)
            to_heads.queries.addmm_(own.T, to_asked)
            if to_heads.query_bias is not None:
                to_heads.query_bias.add_(to_asked.sum(0))
            to_own.addmm_(to_asked, heads.queries.T)
            to_view[:, :slots] += to_own.view(-1, slots, width)
        return to_rows, None, None, None, None, *(None,) * masks, *to_heads
