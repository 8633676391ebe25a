"""What follows from who is there: figures of every unit and of every pair, kept so that no loop looks them up again."""

from dataclasses import dataclass, fields

import numpy as np

from copa.tasks.base import Bools, Floats, Ints
from copa.tasks.starcraft.micro.rules import (
    ARMED,
    ARRIVAL,
    ENERGY_MAX,
    FLYING,
    HEALS,
    HEALTH,
    HITS_AIR,
    RADIUS,
    RANGE,
    SCAN_RANGE,
    SEPARATION,
    SHIELD,
    SPEEDS,
)
from copa.tasks.starcraft.micro.state import Kinds, State
from copa.tasks.starcraft.spawn import MAP_SIZE
from copa.tasks.starcraft.units import ALLIES, UNITS

FIRST, SECOND = np.triu_indices(UNITS, k=1)
"""The pairs of units, in order."""
PAIRS_OF = np.array([np.flatnonzero((slot == FIRST) | (slot == SECOND)) for slot in range(UNITS)])
"""[16, 15], the pairs that each slot is in."""
SIDES = (slice(0, ALLIES), slice(ALLIES, UNITS))
NEVER = -1.0
"""In place of a squared distance: no distance is small enough."""


@dataclass(slots=True)
class Figures:
    """Of each unit [16, B] where nothing else is said; 0 or false where nobody is."""

    health_max: Floats
    shield_max: Floats
    energy_max: Floats
    speed: Floats
    radius: Floats
    reach: Floats
    """From the unit's centre to the edge of what it can hit or heal."""
    arrival: Floats
    """How near its point it has arrived."""
    lowest: Floats
    """Smallest x and y of its centre on the map."""
    highest: Floats
    """Largest x and y, the map's where nobody is."""
    armed: Bools
    heals: Bools
    contact: Floats
    """[120, B], squared distance at which a pair of `FIRST` and `SECOND` touches; `NEVER` where it cannot."""
    scan: Floats
    """[2, 8, 8, B], for each side, squared distance at which [target of the other side, unit of the side] the unit sees
    a target; `NEVER` where its weapon cannot hit that, or the target is not there."""

    @staticmethod
    def of(state: State) -> "Figures":
        """Worked out from types, sides, and who is active."""
        kind, active = state.kind, state.active
        speed = np.concatenate([SPEEDS[side][kind[slots]] for side, slots in enumerate(SIDES)])
        separation, radius = SEPARATION[kind], RADIUS[kind]
        scan = np.stack([_scan(kind, active, SIDES[side], SIDES[1 - side]) for side in range(2)])
        return Figures(
            health_max=HEALTH[kind],
            shield_max=SHIELD[kind],
            energy_max=ENERGY_MAX[kind],
            speed=speed,
            radius=radius,
            reach=RANGE[kind] + radius,
            arrival=np.where(state.automatic, np.float32(ARRIVAL), speed),
            lowest=separation,
            highest=MAP_SIZE - separation,
            armed=ARMED[kind],
            heals=HEALS[kind],
            contact=_contact(kind, active),
            scan=scan,
        )

    def put(self, rows: Ints, other: "Figures") -> None:
        """Overwrite the battles `rows` by those of `other`, in order."""
        for f in fields(self):
            getattr(self, f.name)[..., rows] = getattr(other, f.name)

    def bury(self, slots: Ints, rows: Ints) -> None:
        """The units in `slots` [N] of the battles `rows` [N] died: nobody touches or sees them any more."""
        self.contact[PAIRS_OF[slots], rows[:, None]] = NEVER
        self.scan[1 - slots // ALLIES, slots % ALLIES, :, rows] = NEVER

    def clear(self, rows: Ints) -> None:
        """Nobody touches or sees anybody any more in the battles `rows`."""
        self.contact[:, rows] = NEVER
        self.scan[..., rows] = NEVER


def _contact(kind: Kinds, active: Bools) -> Floats:
    separation, flying = SEPARATION[kind], FLYING[kind]
    touch = (separation[FIRST] + separation[SECOND]) ** 2
    meet = (flying[FIRST] == flying[SECOND]) & active[FIRST] & active[SECOND]
    return np.where(meet, touch, np.float32(NEVER))


def _scan(kind: Kinds, active: Bools, own: slice, other: slice) -> Floats:
    reach = np.maximum(RANGE[kind[own]], np.float32(SCAN_RANGE)) + RADIUS[kind[own]]
    sight = (reach + RADIUS[kind[other]][:, None]) ** 2
    able = active[other][:, None] & (HITS_AIR[kind[own]] | ~FLYING[kind[other]][:, None])
    return np.where(able, sight, np.float32(NEVER))
