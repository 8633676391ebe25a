"""Between the sampler and the update: segments to the device, their errors back, without waiting for it."""

from collections import deque

import torch
from torch import Tensor

from copa.learning import Outcome, TorchBatch, to_device
from copa.replay import Draw, Origin, Sampler


def on_device(draw: Draw, device: torch.device) -> TorchBatch:
    """The batch of `draw`."""
    return to_device(draw.segments, device, weights=draw.weights, pinned=device.type == "cuda")


class Feedback:
    """Tells a sampler which errors updates found, those of a GPU once they have arrived."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._coming: deque[tuple[Origin, Tensor, torch.cuda.Event | None]] = deque()

    def add(self, draw: Draw, outcome: Outcome) -> None:
        """Take note of an update with `draw`; does nothing where nothing is drawn by priority."""
        if draw.origin is None or outcome.errors is None:
            return
        self._coming.append((draw.origin, *_on_the_way(outcome.errors)))
        while self._coming and _there(self._coming[0][2]):
            origin, errors, _ = self._coming.popleft()
            self._sampler.learned(origin, errors.numpy())


def _on_the_way(errors: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    if errors.device.type != "cuda":
        return errors, None
    copied = torch.empty(errors.shape, dtype=errors.dtype, pin_memory=True)
    copied.copy_(errors, non_blocking=True)
    arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrival.record()
    return copied, arrival


def _there(arrival: torch.cuda.Event | None) -> bool:
    return arrival is None or bool(arrival.query())  # type: ignore[no-untyped-call]
