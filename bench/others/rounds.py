"""The child's half of a comparison: does one piece of work per line that it is sent, and says how long it took.

Standard library and NumPy only: it runs in the other library's environment, where this project is not installed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def serve(works: Mapping[str, Callable[[], None]]) -> None:
    """Answer each name of a work read from standard input by the seconds it took, as JSON.

    Returns when standard input ends. Whatever else is printed goes to standard error. Raises KeyError for another name.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            work = works[line.strip()]
            start = time.perf_counter()
            work()
            print(json.dumps({"seconds": time.perf_counter() - start}), file=answers, flush=True)


def load(path: Path) -> dict[str, NDArray[np.generic]]:
    """Arrays by name from a file of `numpy.savez`; a sequence of items is their first axis."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
