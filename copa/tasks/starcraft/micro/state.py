"""The whole state of B battles. The battles are the last axis, so that a rule is one operation on long rows."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.errors import DataError
from copa.tasks.base import Bools, Floats, Ints, Snapshot
from copa.tasks.starcraft.units import UNITS

Kinds = NDArray[np.int8]


@dataclass(slots=True)
class State:
    """Everything that a battle's future depends on; [16, B] where nothing else is said.

    Only active units are engaged, holding, mending or going.
    """

    kind: Kinds
    """Index into `UNIT_TYPES`, -1 where the slot is not used."""
    alive: Bools
    active: Bools
    """Alive, in a battle that goes on."""
    x: Floats
    y: Floats
    health: Floats
    shield: Floats
    energy: Floats
    cooldown: Floats
    """Loops until the weapon is ready."""
    calm: NDArray[np.int32]
    """Loops since the unit was last hit."""
    target: NDArray[np.int8]
    """Slot of the unit to attack or heal; means something where `engaged`."""
    engaged: Bools
    """Has a target that is alive."""
    holding: Bools
    """Stands, because the target is in reach; as of the last loop."""
    mending: Bools
    """Gave health in the last loop."""
    going: Bools
    """Is on its way to a point when it has no target."""
    point_x: Floats
    point_y: Floats
    automatic: Bools
    """Chooses targets for itself."""
    clock: Ints
    """[B], loops fought in this episode."""
    episode: Ints
    """[B], global episode number."""

    @staticmethod
    def empty(battles: int) -> "State":
        """`battles` battles that were not started: nobody is there."""

        def zeros(dtype: type[np.generic]) -> NDArray[Any]:
            return np.zeros((UNITS, battles), dtype)

        return State(
            kind=np.full((UNITS, battles), -1, np.int8),
            alive=zeros(np.bool_),
            active=zeros(np.bool_),
            x=zeros(np.float32),
            y=zeros(np.float32),
            health=zeros(np.float32),
            shield=zeros(np.float32),
            energy=zeros(np.float32),
            cooldown=zeros(np.float32),
            calm=zeros(np.int32),
            target=zeros(np.int8),
            engaged=zeros(np.bool_),
            holding=zeros(np.bool_),
            mending=zeros(np.bool_),
            going=zeros(np.bool_),
            point_x=zeros(np.float32),
            point_y=zeros(np.float32),
            automatic=zeros(np.bool_),
            clock=np.zeros(battles, np.int64),
            episode=np.zeros(battles, np.int64),
        )

    @property
    def battles(self) -> int:
        """B."""
        return len(self.clock)

    def put(self, rows: Ints, other: "State") -> None:
        """Overwrite the battles `rows` by those of `other`, in order."""
        for f in fields(self):
            getattr(self, f.name)[..., rows] = getattr(other, f.name)

    def halt(self, rows: Ints) -> None:
        """Nobody does anything any more in the battles `rows`."""
        for mark in (self.active, self.engaged, self.holding, self.mending, self.going):
            mark[:, rows] = False

    def aims(self) -> Ints:
        """[16, B], places of the targets in arrays laid out flat."""
        return np.multiply(self.target, self.battles, dtype=np.int64) + np.arange(self.battles)

    def snapshot(self) -> Snapshot:
        """A copy of every array by name."""
        return {f.name: getattr(self, f.name).copy() for f in fields(self)}

    def restored(self, snapshot: Snapshot) -> "State":
        """The state in `snapshot`; raises DataError where a field is not one of this state."""
        for f in fields(self):
            mine = getattr(self, f.name)
            given = snapshot.get(f.name)
            if given is None or given.shape != mine.shape or given.dtype != mine.dtype:
                found = "nothing" if given is None else f"{given.dtype}{list(given.shape)}"
                raise DataError(
                    f"snapshot field {f.name!r} is {found}; this engine needs {mine.dtype}{list(mine.shape)}. "
                    "Restore a snapshot only into an engine with as many battles."
                )
        return State(**{f.name: snapshot[f.name].copy() for f in fields(self)})
