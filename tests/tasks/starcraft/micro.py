"""Battles of the engine `micro` put into a chosen situation, fought loop by loop."""

from collections.abc import Sequence

import numpy as np

from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.micro.commands import obey
from copa.tasks.starcraft.micro.engine import fight_on
from copa.tasks.starcraft.micro.fighting import bury
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.rules import ENERGY, HEALTH, LOOPS_BEFORE_ORDERS, SHIELD
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.unit_types import UNIT_TYPES, UnitType
from copa.tasks.starcraft.units import NONE, UNITS, Orders

Placed = tuple[UnitType, float, float]
"""A unit of a type at x, y."""
ENEMY = 8
"""Slot of the first enemy."""


class Battle:
    """One battle between units at the given places, after its opening loops.

    Enemies stay idle unless `attack` names the point of their attack-move; so do allies with `allies_attack`.
    """

    def __init__(
        self,
        allies: Sequence[Placed],
        enemies: Sequence[Placed] = (),
        *,
        attack: tuple[float, float] | None = None,
        allies_attack: tuple[float, float] | None = None,
    ) -> None:
        self.engine = MicroEngine(battles=1, seed=0)
        state = State.empty(1)
        state.clock[:] = LOOPS_BEFORE_ORDERS
        for first, army, point in ((0, allies, allies_attack), (ENEMY, enemies, attack)):
            for slot, (unit_type, x, y) in enumerate(army, first):
                state.kind[slot], state.x[slot], state.y[slot] = UNIT_TYPES.index(unit_type), x, y
                if point is not None:
                    state.automatic[slot] = state.going[slot] = True
                    state.point_x[slot], state.point_y[slot] = point
        state.alive[:] = state.active[:] = state.kind >= 0
        state.health[:], state.shield[:], state.energy[:] = HEALTH[state.kind], SHIELD[state.kind], ENERGY[state.kind]
        self.engine.state = state
        self.engine.figures = Figures.of(state)

    @property
    def state(self) -> State:
        """As it is now; arrays [16, 1]."""
        return self.engine.state

    def order(self, slot: int, kind: int, target: int = 0, point: tuple[float, float] = (0.0, 0.0)) -> None:
        """Tell one ally what to do, without fighting on."""
        obey(self.state, self.engine.figures, orders({slot: (kind, target, point)}))

    def loops(self, number: int, jitter: float = 0.0) -> None:
        """Fight on; weapons take `jitter` loops longer than their period."""
        for _ in range(number):
            fight_on(self.state, self.engine.figures, np.full((UNITS, 1), jitter, np.float32))

    def kill(self, *slots: int) -> None:
        """The units in `slots` are dead before the next loop."""
        self.state.health[list(slots)] = 0
        bury(self.state, self.engine.figures)

    def place(self, slot: int) -> tuple[float, float]:
        """x, y of a unit."""
        return float(self.state.x[slot, 0]), float(self.state.y[slot, 0])


def target_of(battle: Battle, slot: int = ENEMY) -> int | None:
    """Whom a unit has for a target after one more loop."""
    battle.loops(1)
    return int(battle.state.target[slot, 0]) if battle.state.engaged[slot, 0] else None


def orders(told: dict[int, tuple[int, int, tuple[float, float]]], battles: int = 1) -> Orders:
    """The same orders (kind, target, point) by slot in every battle; `NONE` for other slots."""
    result = Orders(
        kind=np.full((battles, 8), NONE, np.int8),
        point=np.zeros((battles, 8, 2), np.float32),
        target=np.zeros((battles, 8), np.int8),
    )
    for slot, (kind, target, point) in told.items():
        result.kind[:, slot], result.target[:, slot], result.point[:, slot] = kind, target, point
    return result
