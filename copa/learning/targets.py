"""Temporal-difference targets inside a segment."""

import torch
from torch import Tensor


def real_steps(lengths: Tensor, T: int) -> Tensor:
    """[T, N] bool, the steps that are not padding."""
    return torch.arange(T, device=lengths.device).unsqueeze(1) < lengths


def td_targets(
    rewards: Tensor, next_values: Tensor, lengths: Tensor, terminated: Tensor, *, gamma: float, td_lambda: float
) -> Tensor:
    """Lambda-returns that never look beyond the segment.

    The last real step bootstraps from the view after it, unless it was a true end: then its target is the reward.

    Args:
        rewards: [T, N], scaled.
        next_values: [T, N], value of the view after each step.
        lengths: [N], real steps.
        terminated: [N] bool.
        td_lambda: 0 for one-step targets.

    Returns:
        [T, N]; padded steps hold values without meaning.
    """
    T = rewards.shape[0]
    last = torch.arange(T, device=rewards.device).unsqueeze(1) == lengths - 1
    next_values = next_values.masked_fill(last & terminated, 0.0)
    if td_lambda == 0.0:
        return rewards + gamma * next_values
    targets = torch.empty_like(rewards)
    following = next_values[-1]
    for step in reversed(range(T)):
        value = next_values[step]
        carried = torch.where(last[step], value, torch.lerp(value, following, td_lambda))
        following = rewards[step] + gamma * carried
        targets[step] = following
    return targets
