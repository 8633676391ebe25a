"""How wrong an update found a segment to be: what replay by priority goes by."""

import torch
from torch import Tensor

LARGEST = 0.9
"""Share of the largest error in that of a segment, the rest being the mean's (R2D2: Kapturowski et al. 2019)."""


def segment_errors(q_tot: Tensor, targets: Tensor, steps: Tensor) -> Tensor:
    """The error [N] of each segment: 0.9 times the largest of its real steps' plus 0.1 times their mean.

    Args:
        q_tot: [T, N]
        targets: [T, N]
        steps: [T, N] bool, real steps.
    """
    apart = (q_tot - targets).abs().masked_fill(~steps, 0.0)
    return torch.lerp(apart.sum(0) / steps.sum(0).clamp(min=1), apart.amax(0), LARGEST)
