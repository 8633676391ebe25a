"""A Reverb table under rounds of insert and sample.

    python -m bench.others.reverb_table ITEMS.npz CAPACITY BATCH

Server and client are a process each and talk over localhost; Reverb's server listens on all interfaces, unprotected.
The table draws uniformly, removes the oldest, and its limiter only waits for a first batch. An insert appends every
item as one step of its own, with the fields as columns, and returns when the server has confirmed all; a sample draws
BATCH items and stacks them field by field.
"""

import argparse
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import reverb

from bench.others.rounds import load, serve

TABLE = "segments"
IN_FLIGHT = 48
"""Items that may wait for the server's word; Reverb complains from 50 on."""


def keep_table(capacity: int, batch: int, parent: Connection) -> None:
    """A server with one table, on a port that `parent` is told, until `parent` closes."""
    table = reverb.Table(
        name=TABLE,
        sampler=reverb.selectors.Uniform(),
        remover=reverb.selectors.Fifo(),
        max_size=capacity,
        rate_limiter=reverb.rate_limiters.MinSize(batch),
    )
    server = reverb.Server([table])
    parent.send(server.port)
    parent.poll(None)
    server.stop()


def main() -> None:
    """Serve rounds on the items that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("items", type=Path)
    parser.add_argument("capacity", type=int)
    parser.add_argument("batch", type=int)
    arguments = parser.parse_args()
    arrays = load(arguments.items)
    (count,) = {len(values) for values in arrays.values()}
    items = [{name: values[row] for name, values in arrays.items()} for row in range(count)]

    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    server = spawning.Process(target=keep_table, args=(arguments.capacity, arguments.batch, there), daemon=True)
    server.start()
    there.close()
    client = reverb.Client(f"localhost:{here.recv()}")
    with client.trajectory_writer(num_keep_alive_refs=1) as writer:

        def insert() -> None:
            for item in items:
                writer.append(item)
                writer.create_item(TABLE, 1.0, {name: column[-1:] for name, column in writer.history.items()})
                writer.flush(IN_FLIGHT)
            writer.flush()

        def sample() -> None:
            drawn = [item.data for item in client.sample(TABLE, arguments.batch, emit_timesteps=False)]
            for column in zip(*drawn, strict=True):
                np.concatenate(column)

        serve({"insert": insert, "sample": sample})
    here.close()
    server.join()


if __name__ == "__main__":
    main()
