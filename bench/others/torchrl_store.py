"""TorchRL's `StoreStorage` under rounds of insert and sample.

    python -m bench.others.torchrl_store SOCKET ITEMS.npz CAPACITY CHUNK BATCH

The buffer is composed as in TorchRL's own benchmark of this storage: random sampler, round-robin writer, no prefetch.
An insert extends it with all items, CHUNK at a time; a sample draws BATCH items as a tensordict. Redis is reached by
the unix socket.
"""

import argparse
from pathlib import Path

import torch
from tensordict import TensorDict
from torchrl.data import ReplayBuffer
from torchrl.data.replay_buffers import StoreStorage
from torchrl.data.replay_buffers.samplers import RandomSampler
from torchrl.data.replay_buffers.writers import RoundRobinWriter

from bench.others.rounds import load, serve


def main() -> None:
    """Serve rounds on the items that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("items", type=Path)
    parser.add_argument("capacity", type=int)
    parser.add_argument("chunk", type=int)
    parser.add_argument("batch", type=int)
    arguments = parser.parse_args()
    arrays = load(arguments.items)
    (count,) = {len(values) for values in arrays.values()}
    items = TensorDict({name: torch.from_numpy(values) for name, values in arrays.items()}, batch_size=[count])
    chunks = items.split(arguments.chunk)
    buffer = ReplayBuffer(
        storage=StoreStorage(arguments.capacity, unix_socket_path=arguments.socket),
        sampler=RandomSampler(),
        writer=RoundRobinWriter(),
        batch_size=arguments.batch,
    )

    def insert() -> None:
        for chunk in chunks:
            buffer.extend(chunk)

    def sample() -> None:
        buffer.sample()

    serve({"insert": insert, "sample": sample})


if __name__ == "__main__":
    main()
