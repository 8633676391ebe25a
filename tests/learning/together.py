"""What some updates make of a rule; `torchrun ... -m tests.learning.together FOLDER` shares their batches out."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from copa.learning import ALONE, Noise, Peers, UpdateRule, meet, place, to_device
from copa.segments import Segments
from tests.learning.rules import CPU, config_of, noise_for
from tests.learning.segments import SPEC, changing, padded, steady

METHODS = ("copa", "aqmix", "refil")
COUNT = 6
UPDATES = 3


def joint(number: int) -> Segments:
    """Segments whose halves have unlike numbers of real steps and of present slots."""
    if number == 1:
        return padded(steady(COUNT, seed=number), [4, 1, 2], terminated=True)
    return changing(COUNT, seed=number) if number else steady(COUNT)


def rows_of(segments: Segments, rows: slice) -> Segments:
    return Segments(**{field.name: getattr(segments, field.name)[rows] for field in dataclasses.fields(segments)})


def learn(method: str, peers: Peers = ALONE) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Scalars of the last update and the state after it."""
    scale = None if method == "aqmix" else 1.0
    rule = UpdateRule(SPEC, config_of(method, average="present", reward_scale=scale), CPU, peers)
    size = COUNT // peers.count
    rows = slice(peers.rank * size, (peers.rank + 1) * size)
    whole = noise_for(COUNT)
    noise = Noise(*(None if values is None else values[rows] for values in dataclasses.astuple(whole)))
    for number in range(UPDATES):
        batch = to_device(rows_of(joint(number), rows), CPU)
        outcome = rule.update(batch, progress=0.1 * number, noise=noise)
    return outcome.scalars(), rule.state()


def main(folder: Path) -> None:
    """Write what this process has after its updates, and what the first one's state looks like once it is shared."""
    peers = meet(place(), CPU)
    for method in METHODS:
        scalars, state = learn(method, peers)
        save_file(state, folder / f"{method}-{peers.rank}.safetensors", metadata={"scalars": json.dumps(scalars)})
    stray = UpdateRule(SPEC, config_of("copa").model_copy(), CPU, peers)
    with torch.no_grad():
        next(stray.player.parameters()).add_(peers.rank)
    try:
        stray.check_agreement()
        said = "agreed"
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    stray.agree()
    stray.check_agreement()
    (folder / f"stray-{peers.rank}.txt").write_text(said, encoding="utf-8")
    peers.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # as roles end: PyTorch's threads and the interpreter's own clean-up can run into each other
