"""What the networks look at: one matrix of rows, agents first, then the other entities.

Two linear layers embed agents and entities. Written as one layer over rows that hold either kind's features, beside
a one for its bias, the two need no concatenation of wide arrays:

    [ one-hot previous action | agent features, centred traits, 1 |            0            | one-hot action ]  agents
    [            0            |                 0                  |  entity features, 1     |       0        ]  others

The coach looks at the two middle blocks, the player at all but the last, the posterior at all but the first; each
is a view of the same memory.
"""

import functools
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from copa.tasks.base import TaskSpec

Extra = Literal["none", "previous", "action"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The matrix of rows of some views; leading dimensions are arbitrary."""

    features: Tensor
    """[..., R, U + (agent + trait features + 1) + (entity features + 1) + U]; R = slots (+ 1 row that stands for
    the slots cut away) + E."""
    members: Tensor
    """[..., A] bool, which slots hold an agent; agents' rows come first."""
    actions: int
    """U, the width of the first and the last block."""
    cut: int = 0
    """Slots that were cut away and are represented by one row at index `slots`; 0 where there is no such row."""

    @property
    def slots(self) -> int:
        """A, agent slots among the rows."""
        return self.members.shape[-1]

    def block(self, extra: Extra) -> Tensor:
        """[..., R, K], the columns a network with this `extra` block looks at."""
        first = 0 if extra == "previous" else self.actions
        last = self.features.shape[-1] - (0 if extra == "action" else self.actions)
        return self.features[..., first:last]

    def steps(self, first: int, last: int) -> "Rows":
        """The views `first` to `last` (excluded) along the leading dimension."""
        return Rows(self.features[first:last], self.members[first:last], self.actions, self.cut)

    def look(self, mask: Tensor, heads: int) -> Tensor:
        """`mask` [..., A, A+E] as attention takes it: numbers 0 and 1, [..., R, A heads], heads innermost.

        The row that stands for slots cut away is never seen.
        """
        numbers = mask.new_zeros((*mask.shape[:-2], self.features.shape[-2], self.slots, heads), dtype=torch.float32)
        by_row = mask.transpose(-1, -2).unsqueeze(-1)
        first_entity = self.slots + (1 if self.cut else 0)
        numbers[..., : self.slots, :, :] = by_row[..., : self.slots, :, :]
        numbers[..., first_entity:, :, :] = by_row[..., self.slots :, :, :]
        return numbers.flatten(-2)


def one_hot(actions: Tensor, spec: TaskSpec) -> Tensor:
    """`actions` [...] as [..., U]; a negative one ("none") is action 0 or all zeros, as the task says."""
    if spec.first_action == "action 0":
        return functional.one_hot(actions.clamp(min=0), len(spec.actions)).float()
    return functional.one_hot(actions + 1, len(spec.actions) + 1)[..., 1:].float()


@functools.cache
def _centre(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Made once: a copy to a GPU would wait for it."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device)


def build_rows(
    spec: TaskSpec,
    agents: Tensor,
    traits: Tensor,
    entities: Tensor,
    members: Tensor,
    *,
    previous: Tensor | None = None,
    actions: Tensor | None = None,
    cut: int = 0,
) -> Rows:
    """Lay out what is known as rows.

    Args:
        agents: [..., A, agent features]; absent slots are zeroed here.
        traits: [..., A, trait features], raw; centred, then zeroed for absent slots.
        entities: [..., E, entity features].
        members: [..., A] bool, which slots hold an agent.
        previous: [..., A] actions taken before, negative for none; absent slots count as none.
        actions: [..., A] actions taken; absent slots count as action 0.
        cut: slots of the task left out of the arrays, to be represented by one row.
    """
    slots, count = agents.shape[-2], len(spec.actions)
    own = spec.agent_features + spec.trait_features
    middle = count + own + 1
    width = middle + spec.entity_features + 1 + count
    first_entity = slots + (1 if cut else 0)
    height = first_entity + entities.shape[-2]
    features = agents.new_zeros((*agents.shape[:-2], height, width))
    centre = _centre(spec.trait_centre, traits.device)
    present = members.unsqueeze(-1)
    features[..., :slots, count : count + spec.agent_features] = agents * present
    features[..., :slots, count + spec.agent_features : count + own] = (traits - centre) * present
    features[..., :first_entity, count + own] = 1.0
    features[..., first_entity:, middle : -1 - count] = entities
    features[..., first_entity:, -1 - count] = 1.0
    if previous is not None:
        features[..., :slots, :count] = one_hot(previous.masked_fill(~members, -1), spec)
    if actions is not None:
        features[..., :slots, -count:] = functional.one_hot(actions * members, count)
    if cut and spec.first_action == "action 0" and previous is not None:
        features[..., slots, 0] = 1.0
    if cut and actions is not None:
        features[..., slots, -count] = 1.0
    return Rows(features, members, count, cut)
