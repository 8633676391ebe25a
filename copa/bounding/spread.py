"""How a sampled quantity is distributed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread:
    """The percentiles of a sample."""

    count: int
    percentiles: tuple[float, ...]
    """101 of them, from the smallest value to the largest."""

    @staticmethod
    def of(values: NDArray[np.floating[Any]]) -> "Spread":
        """The spread of `values` [n]; zeros where there are none."""
        known = values if len(values) else np.zeros(1)
        return Spread(len(values), tuple(np.percentile(known, np.arange(101)).tolist()))

    @property
    def largest(self) -> float:
        """The largest value found."""
        return self.percentiles[100]

    def json(self) -> dict[str, Any]:
        """As plain numbers by name."""
        named = {"median": 50, "q90": 90, "q99": 99, "largest": 100}
        return {
            "count": self.count,
            **{name: self.percentiles[place] for name, place in named.items()},
            "percentiles": list(self.percentiles),
        }
