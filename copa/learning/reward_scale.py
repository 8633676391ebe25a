"""What rewards are multiplied by before they enter the loss."""

from collections.abc import Mapping

import torch
from torch import Tensor

from copa.config.schema import LearningSettings
from copa.errors import MismatchError
from copa.learning.batch import TorchBatch
from copa.learning.peers import Peers
from copa.learning.targets import real_steps

RATE = 1e-3
"""Share by which what is known of rewards follows those of a batch."""

REWARDS_SEEN = "rewards_seen"
"""Name of what is known of rewards among an update rule's tensors."""


class RewardScale:
    """`learning.reward_scale`; where that is `none`, 1 over the root mean square of the rewards that are not zero.

    So a reward is worth about 1 where there is one, in whatever units and however seldom a task gives them. The mean
    is over the batches seen, those of about the last 1,000 updates counting most.
    """

    def __init__(self, settings: LearningSettings, device: torch.device) -> None:
        self._given = settings.reward_scale
        self.seen = torch.zeros(2, dtype=torch.float64, device=device) if self._given is None else None
        """[2], of real steps: sum of squared rewards, and number of rewards that are not zero; means over batches.
        None where the scale is given."""

    def of(self, batch: TorchBatch, peers: Peers) -> Tensor | float:
        """The scale for an update with `batch`, which is taken into account; the same for all peers.

        A batch with a reward that is not finite changes nothing: its update is skipped, too.
        """
        if self._given is not None:
            return self._given
        assert self.seen is not None
        found = torch.zeros_like(self.seen)
        for part in batch.parts:
            rewards = part.rewards.double().masked_fill(~real_steps(part.lengths, len(part.rewards)), 0.0)
            found += torch.stack([rewards.square().sum(), rewards.count_nonzero().double()])
        found = peers.add(found)
        self.seen.lerp_(torch.where(found.isfinite().all(), found, self.seen), RATE)
        return _scale(self.seen)


def reward_scale(settings: LearningSettings, tensors: Mapping[str, Tensor]) -> float:
    """The scale that a checkpoint with `tensors` was learned with last.

    Raises:
        MismatchError: `learning.reward_scale` is `none`, and the checkpoint does not say what was seen.
    """
    if settings.reward_scale is not None:
        return settings.reward_scale
    if REWARDS_SEEN not in tensors:
        raise MismatchError(
            "learning.reward_scale is none, and the checkpoint does not say which rewards were seen, from which it"
            " would follow: it was made with another setting, or to play alone; give one of the run that learned"
        )
    return float(_scale(tensors[REWARDS_SEEN]))


def _scale(seen: Tensor) -> Tensor:
    """[], 1 as long as there was no reward."""
    squares, count = seen.unbind()
    return torch.where(squares > 0, (count / squares).sqrt(), torch.ones_like(squares))
