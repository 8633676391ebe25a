"""A batch as tensors: time first, cut to the slots that are occupied."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from copa.segments import Segments

PART_SEGMENTS = 96
"""Fewest segments worth computing apart from those with larger teams."""


@dataclass(frozen=True, slots=True)
class Part:
    """N segments of a batch whose teams fit A slots; time comes first, so that steps are contiguous."""

    agents: Tensor
    """[T+1, N, A, agent features]"""
    traits: Tensor
    """[T+1, N, A, trait features], raw."""
    entities: Tensor
    """[T+1, N, E, entity features]"""
    visible: Tensor
    """[T+1, N, A, A+E] bool"""
    present: Tensor
    """[T+1, N, A, A+E] bool"""
    available: Tensor
    """[T+1, N, A, U] bool"""
    actions: Tensor
    """[T, N, A] int64"""
    rewards: Tensor
    """[T, N], unscaled."""
    lengths: Tensor
    """[N] int64, real steps."""
    terminated: Tensor
    """[N] bool, the last real step was a true end."""
    previous: Tensor
    """[N, A] int64, negative for none."""
    memory: Tensor
    """[N, A, M]; M = 0 where it is not stored."""
    weights: Tensor | None
    """[N], what the squared errors of each segment are multiplied by; None where all count alike."""
    segments: Tensor | None
    """[N] int64, places of these segments in the batch; None for all of them in order."""
    order: Tensor | None
    """[N, slots] int64, the task's slot at each place; None where slots keep their places."""
    changing: bool
    """Somewhere in this part an agent comes or goes inside a segment."""


@dataclass(frozen=True, slots=True)
class TorchBatch:
    """A batch on a device."""

    parts: tuple[Part, ...]
    segments: int
    """Segments of all parts."""
    T: int
    slots: int
    """Agent slots of the task, those cut away included."""


def to_device(
    segments: Segments,
    device: torch.device,
    *,
    weights: NDArray[np.float32] | None = None,
    pinned: bool = False,
    cut: bool = True,
    part_segments: int | None = None,
) -> TorchBatch:
    """Bring segments to `device`, without waiting for the copy when `pinned`.

    Agents move to the first slots of their segment, and slots that no segment occupies are cut away. Segments with
    smaller teams form parts of their own where a part has at least `part_segments`.

    Args:
        weights: [N], what the squared errors of each segment are multiplied by; all alike when not given.
        part_segments: `PART_SEGMENTS` when not given; a GPU then gets one part, which it computes in the time of one.
        pinned: copy through page-locked memory (CUDA).
        cut: False keeps all slots, in one part.
    """
    members: NDArray[np.bool_] = np.any(segments.present, -1)
    count, slots, T = len(segments), members.shape[2], segments.actions.shape[1]
    if part_segments is None:
        part_segments = PART_SEGMENTS if device.type == "cpu" else count
    groups = _groups(np.any(members, 1).sum(1), slots, part_segments) if cut else [(None, slots)]
    parts = tuple(_part(segments, members, weights, chosen, wide, device, pinned) for chosen, wide in groups)
    return TorchBatch(parts, count, T, slots)


def _groups(sizes: NDArray[Any], slots: int, smallest: int) -> list[tuple[NDArray[np.int64] | None, int]]:
    """Segments by the slots they occupy: (places in the batch or None for all, slots).

    Parts are whole quarters of the batch, the rest going with the next larger teams: shapes that repeat from batch to
    batch find their kernels made (`copa.arithmetic`).
    """
    groups: list[tuple[NDArray[np.int64] | None, int]] = []
    order = np.argsort(sizes, kind="stable")
    quarter = max(len(sizes) // 4, 1)
    start = 0
    for size in np.unique(sizes)[:-1]:
        whole = (int(np.searchsorted(sizes[order], size, side="right")) - start) // quarter * quarter
        if whole >= smallest and len(order) - start - whole >= smallest:
            groups.append((order[start : start + whole], max(int(size), 1)))
            start += whole
    if start < len(order):
        groups.append((order[start:], max(int(sizes[order[-1]]), 1)))
    if len(groups) == 1:
        return [(None, min(groups[0][1], slots))]
    return groups


def _part(
    segments: Segments,
    members: NDArray[np.bool_],
    weights: NDArray[np.float32] | None,
    chosen: NDArray[np.int64] | None,
    slots: int,
    device: torch.device,
    pinned: bool,
) -> Part:
    if chosen is not None:
        segments, members = segments.take(chosen), members[chosen]
        weights = None if weights is None else weights[chosen]
    occupied: NDArray[np.bool_] = np.any(members, 1)
    leading = not bool((occupied[:, slots:]).any())
    order = None if leading else np.argsort(~occupied, axis=1, kind="stable")
    kept = None if order is None else order[:, :slots]

    def slot(values: NDArray[Any], axis: int) -> NDArray[Any]:
        """`values` with the kept agent slots along `axis`, which holds slots only."""
        if kept is None:
            return values[(slice(None),) * axis + (slice(slots),)]
        shape = [1] * values.ndim
        shape[0], shape[axis] = kept.shape
        return np.take_along_axis(values, kept.reshape(shape), axis)

    def mask(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The same for a mask [N, T+1, A, A+E], along both axes."""
        total = values.shape[2]
        if slots == total and kept is None:
            return values
        agents = slot(values, 2)
        return np.concatenate([slot(agents[..., :total], 3), agents[..., total:]], -1)

    def send(values: NDArray[Any], *, time: bool = True) -> Tensor:
        tensor = torch.from_numpy(np.array(values.swapaxes(0, 1) if time else values, order="C"))
        if pinned:
            tensor = tensor.pin_memory()
        return tensor.to(device, non_blocking=pinned)

    return Part(
        agents=send(slot(segments.agents, 2)),
        traits=send(slot(segments.traits, 2)),
        entities=send(segments.entities),
        visible=send(mask(segments.visible)),
        present=send(mask(segments.present)),
        available=send(slot(segments.available, 2)),
        actions=send(slot(segments.actions, 2)),
        rewards=send(segments.rewards),
        lengths=send(segments.lengths, time=False),
        terminated=send(segments.terminated, time=False),
        previous=send(slot(segments.previous, 1), time=False),
        memory=send(slot(segments.memory, 1), time=False),
        weights=None if weights is None else send(weights, time=False),
        segments=None if chosen is None else send(chosen, time=False),
        order=None if order is None else send(order, time=False),
        changing=bool((members != members[:, :1]).any()),
    )
