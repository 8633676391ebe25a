"""`python -m copa.tasks.checking.elsewhere FILE`: plays episodes in a process of its own, for the check that compares.

What to play comes on the standard input as JSON; what was seen is written to FILE (`.npz`).
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from copa.tasks import make_task, task_spec
from copa.tasks.base import Option
from copa.tasks.checking.playing import Frames, recorded
from copa.tasks.checking.subject import SEED

HASH_SEED = "20210701"
"""Of the other process, so that an order that comes from hashes differs from this one's."""


def environment() -> dict[str, str]:
    """For the other process: it imports what this one can, and hashes strings otherwise."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": HASH_SEED}


def instructions(name: str, options: Mapping[str, Option]) -> str:
    """What the other process is told."""
    return json.dumps({"name": name, "options": dict(options)})


def read(file: Path) -> dict[str, dict[int, Frames]]:
    """What the other process saw: by team and episode, as `recorded` gives it."""
    seen: dict[str, dict[int, Frames]] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for key, array in arrays.items():
            name, episode, team = key.split(" ", 2)
            seen.setdefault(team, {}).setdefault(int(episode), {})[name] = array
    return seen


def main(file: Path) -> None:
    """Play episodes 0 to 3 of every team and write what was seen to `file`."""
    wanted = json.load(sys.stdin)
    name, options = wanted["name"], wanted["options"]
    seen: Frames = {}
    for team in task_spec(name, options).teams:
        task = make_task(name, games=4, seed=SEED, team=team, options=options)
        for episode, frames in recorded(task, np.arange(4)).items():
            seen |= {f"{part} {episode} {team}": array for part, array in frames.items()}
    np.savez(file, allow_pickle=False, **seen)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
