"""Updates from draws: segments to the device, and the errors found in them back to the sampler."""

from collections import deque

import torch
from torch import Tensor

from copa.learning import Outcome, TorchBatch, UpdateRule, to_device
from copa.replay import Draw, Origin, Sampler


def on_device(draw: Draw, device: torch.device) -> TorchBatch:
    """The batch of `draw`."""
    return to_device(draw.segments, device, weights=draw.weights, pinned=device.type == "cuda")


class Feedback:
    """Makes updates, and tells a sampler which errors they found, those of a GPU once they have arrived."""

    def __init__(self, rule: UpdateRule, sampler: Sampler) -> None:
        self._rule, self._sampler = rule, sampler
        self._coming: deque[tuple[Origin, Tensor, torch.cuda.Event | None]] = deque()

    def update(self, batch: TorchBatch, origin: Origin | None, *, progress: float) -> Outcome:
        """As `UpdateRule.update`, from which also what it raises; `origin` is that of the draw of `batch`."""
        outcome = self._rule.update(batch, progress=progress)
        if origin is not None and outcome.errors is not None:
            self._coming.append((origin, *_on_the_way(outcome.errors)))
        while self._coming and _there(self._coming[0][2]):
            first, errors, _ = self._coming.popleft()
            self._sampler.learned(first, errors.numpy())
        return outcome


def _on_the_way(errors: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
    if errors.device.type != "cuda":
        return errors, None
    copied = torch.empty(errors.shape, dtype=errors.dtype, pin_memory=True)
    copied.copy_(errors, non_blocking=True)
    arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrival.record(torch.cuda.current_stream(errors.device))
    return copied, arrival


def _there(arrival: torch.cuda.Event | None) -> bool:
    return arrival is None or bool(arrival.query())  # type: ignore[no-untyped-call]
