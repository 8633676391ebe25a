"""Processes that make one update together, each with its share of the batch; `torchrun` starts them.

Sums over the whole batch, of gradients and of what losses are divided by, are sums over all peers. So an update of
several peers is that of one process on the batches of all, to the precision of adding.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from copa.errors import UnavailableError

PATIENCE = timedelta(seconds=300)
"""Longest wait for the other peers; the first tells the others every half second that it waits for data."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several processes this one is."""

    rank: int = 0
    """The first, 0, is the one that others see as the learner."""
    count: int = 1
    local_rank: int = 0
    """Number among the processes on this machine."""
    on_this_machine: int = 1


def place() -> Place:
    """What `torchrun` wrote into the environment; a process alone where it did not."""
    return Place(
        rank=int(os.environ.get("RANK", "0")),
        count=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        on_this_machine=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
    )


class Peers:
    """One process alone."""

    def __init__(self, place: Place) -> None:
        self.rank, self.count = place.rank, place.count

    def add(self, tensor: Tensor) -> Tensor:
        """`tensor` with the sum over all peers in it; the same to the bit on each."""
        return tensor

    def tell(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that the first peer gave, on every peer."""
        return list(numbers)

    def share(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors (on the CPU) that the first peer gave, on every peer."""
        return dict(tensors)

    def same(self, tensor: Tensor) -> bool:
        """Whether `tensor` is the same on all; every peer has the same answer."""
        return True

    def close(self) -> None:
        """Leave the others."""


ALONE = Peers(Place())


class TorchrunPeers(Peers):
    """The processes of one `torchrun`. Raises UnavailableError where another one has gone."""

    def __init__(self, place: Place, device: torch.device) -> None:
        """Meets the others at the address in the environment, over NCCL for tensors on a GPU and Gloo for all else."""
        import torch.distributed as distributed

        super().__init__(place)
        self._distributed = distributed
        if device.type == "cuda":
            torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        self._ask(self._meet, backend)

    def add(self, tensor: Tensor) -> Tensor:
        """See `Peers`."""
        self._ask(self._distributed.all_reduce, tensor)
        return tensor

    def tell(self, numbers: Sequence[float]) -> list[float]:
        """See `Peers`."""
        message = torch.tensor(numbers, dtype=torch.float64)
        self._ask(self._distributed.broadcast, message, src=0)
        told: list[float] = message.tolist()
        return told

    def share(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See `Peers`."""
        packed = safetensors.torch.save(dict(tensors)) if self.rank == 0 else b""
        size = int(self.tell([len(packed)])[0])
        message = torch.empty(size, dtype=torch.uint8)
        if self.rank == 0:
            message = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
        self._ask(self._distributed.broadcast, message, src=0)
        return safetensors.torch.load(message.numpy().tobytes())

    def same(self, tensor: Tensor) -> bool:
        """See `Peers`."""
        mean = tensor.double().mean()
        bounds = torch.stack([mean, -mean])
        self._ask(self._distributed.all_reduce, bounds, op=self._distributed.ReduceOp.MAX)
        return torch.equal(bounds[0], -bounds[1])

    def close(self) -> None:
        """See `Peers`."""
        self._distributed.destroy_process_group()

    def _meet(self, backend: str) -> None:
        """With names of its own for each start: of those that processes left which have ended, nothing may be found."""
        distributed = self._distributed
        store, _, _ = next(distributed.rendezvous("env://", timeout=PATIENCE))
        start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        distributed.init_process_group(
            backend,
            store=distributed.PrefixStore(f"copa/{start}", store),
            rank=self.rank,
            world_size=self.count,
            timeout=PATIENCE,
        )

    def _ask(self, operation: Any, *arguments: Any, **options: Any) -> None:
        try:
            operation(*arguments, **options)
        except (RuntimeError, ValueError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UnavailableError(
                f"process {self.rank} of the learner's {self.count} has lost the others ({first}): torchrun starts all "
                "again with --max-restarts, and they go on from the last checkpoint."
            ) from None


def meet(place: Place, device: torch.device) -> Peers:
    """The processes that this one learns with, on `device`; itself alone where there are no others."""
    return TorchrunPeers(place, device) if place.count > 1 else ALONE
