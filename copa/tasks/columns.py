"""The state of B games as arrays whose last axis is the games, so that a rule is one operation on long rows."""

from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np

from copa.errors import DataError
from copa.tasks.base import Ints, Snapshot


@dataclass(slots=True)
class Columns:
    """What a task derives its state from: a dataclass of arrays, each with the games as its last axis."""

    games_first: ClassVar[frozenset[str]] = frozenset()
    """Fields that have the games as their first axis instead."""

    def take(self, games: Ints) -> Self:
        """A copy of some games."""
        return type(self)(**{f.name: np.take(getattr(self, f.name), games, self._axis(f.name)) for f in fields(self)})

    def put(self, games: Ints, other: Self) -> None:
        """Overwrite `games` by the games of `other`, in order."""
        for f in fields(self):
            axis = self._axis(f.name)
            np.moveaxis(getattr(self, f.name), axis, 0)[games] = np.moveaxis(getattr(other, f.name), axis, 0)

    def snapshot(self) -> Snapshot:
        """A copy of every array by name."""
        return {f.name: getattr(self, f.name).copy() for f in fields(self)}

    def restored(self, snapshot: Snapshot) -> Self:
        """The state in `snapshot`; raises DataError where a field is not one of this state."""
        for f in fields(self):
            mine = getattr(self, f.name)
            given = snapshot.get(f.name)
            if given is None or given.shape != mine.shape or given.dtype != mine.dtype:
                found = "nothing" if given is None else f"{given.dtype}{list(given.shape)}"
                raise DataError(
                    f"snapshot field {f.name!r} is {found}; this task needs {mine.dtype}{list(mine.shape)}. "
                    "Restore a snapshot only into a task with as many games and the same dtype."
                )
        return type(self)(**{f.name: snapshot[f.name].copy() for f in fields(self)})

    def _axis(self, name: str) -> int:
        return 0 if name in self.games_first else -1
