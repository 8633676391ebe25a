"""Two arrays, views or episodes that must be the same to the last bit; what differs is said in words."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Ints, View
from copa.tasks.checking.report import ContractError

VIEW_FIELDS = tuple(field.name for field in fields(View))


def require_same_episodes(
    first: Mapping[int, Mapping[str, NDArray[Any]]], second: Mapping[int, Mapping[str, NDArray[Any]]], when: str
) -> None:
    """Episodes that both hold, as `recorded` gives them, are the same; `when` says when they differ."""
    for episode in sorted(set(first) & set(second)):
        for name, array in first[episode].items():
            other = second[episode][name]
            steps = min(len(array), len(other))
            where = difference(array[:steps], other[:steps])
            if where is not None:
                step, *index = where
                raise ContractError(
                    f"{name}{index or ''} of episode {episode} at step {step} is {array[where]},"
                    f" and {other[where]} {when}"
                )
            if len(array) != len(other):
                raise ContractError(f"{name} of episode {episode} has {len(array)} steps, and {len(other)} {when}")


def require_same_view(first: View, second: View, games: Ints, where: str) -> None:
    """`games` [N] look the same in both views; `where` says what happened in between."""
    for name in VIEW_FIELDS:
        before, after = getattr(first, name)[games], getattr(second, name)[games]
        found = difference(before, after)
        if found is not None:
            index = [int(games[found[0]]), *found[1:]]
            raise ContractError(f"{name}{index} was {before[found]} and is {after[found]} {where}")


def difference(first: NDArray[Any], second: NDArray[Any]) -> tuple[int, ...] | None:
    """Index of the first element whose bits differ in two arrays of one shape and dtype; None where none does."""
    if first.tobytes() == second.tobytes():
        return None
    bits = np.dtype(f"u{first.dtype.itemsize}")
    unequal = np.ascontiguousarray(first).view(bits) != np.ascontiguousarray(second).view(bits)
    return tuple(int(i) for i in np.argwhere(unequal)[0])
