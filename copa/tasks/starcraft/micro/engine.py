"""B battles, stepped at once."""

import numpy as np

from copa.errors import ConfigError, DataError
from copa.tasks.base import Bools, Floats, Ints, Snapshot
from copa.tasks.starcraft.micro.chance import weapon_jitter
from copa.tasks.starcraft.micro.commands import obey
from copa.tasks.starcraft.micro.fighting import fight
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.movement import move
from copa.tasks.starcraft.micro.recovery import gain_energy, mend, recover
from copa.tasks.starcraft.micro.rules import LOOPS_BEFORE_ORDERS, LOOPS_PER_STEP
from copa.tasks.starcraft.micro.spawning import opening
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.micro.targeting import choose_patients, choose_targets
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, UNITS, Orders, Units


class MicroEngine:
    """The engine `micro` (docs/tasks/starcraft-engine.md); battles do not depend on each other or on their number.

    Raises ConfigError for a number of battles or a seed that is not allowed.
    """

    def __init__(self, battles: int, seed: int) -> None:
        if battles < 1:
            raise ConfigError(f"battles is {battles}; an engine needs at least 1.")
        if not 0 <= seed < 2**32:
            raise ConfigError(f"seed is {seed}; allowed are 0 to 2**32 - 1.")
        self.battles = battles
        self.seed = seed
        self.state = State.empty(battles)
        self.figures = Figures.of(self.state)

    def start(self, rows: Ints, episodes: Ints, armies: Ints) -> None:
        """Begin battles in `rows` [N] with `armies` [N, 5], as `Engine` says; raises DataError for what is neither."""
        self._check_armies(rows, episodes, armies)
        begun = opening(self.seed, episodes, armies)
        self.state.put(rows, begun)
        self.figures.put(rows, Figures.of(begun))

    def step(self, orders: Orders) -> Bools:
        """Fight on by one step; no battle is ever lost to a crash. Raises DataError for what are not orders."""
        self._check_orders(orders)
        self._await_orders()
        obey(self.state, self.figures, orders)
        jitter = weapon_jitter(self.seed, self.state)
        for _ in range(LOOPS_PER_STEP):
            fight_on(self.state, self.figures, jitter)
        self.state.clock += LOOPS_PER_STEP
        return np.zeros(self.battles, np.bool_)

    def end(self, rows: Ints) -> None:
        """The battles in `rows` [N] stay as they are until they are started anew."""
        self.state.halt(rows)
        self.figures.clear(rows)

    @property
    def units(self) -> Units:
        """The units as they are now, in arrays of the receiver's own."""
        state, figures = self.state, self.figures
        arrays = {name: getattr(state, name) for name in ("kind", "alive", "x", "y", "health", "shield", "energy")}
        arrays |= {name: getattr(figures, name) for name in ("health_max", "shield_max", "energy_max")}
        arrays |= {"present": state.kind >= 0, "cooldown": state.cooldown}
        return Units(**{name: array.T.copy() for name, array in arrays.items()})

    def snapshot(self) -> Snapshot:
        """A copy of the whole state."""
        return self.state.snapshot()

    def restore(self, state: Snapshot) -> None:
        """Return to `state`; raises DataError where it is not a state of as many battles."""
        self.state = self.state.restored(state)
        self.figures = Figures.of(self.state)

    def close(self) -> None:
        """Nothing is held open."""

    def _await_orders(self) -> None:
        """The loops before an episode's first orders: the armies are out of each other's sight, only energy changes."""
        loops = np.where(self.state.clock == 0, LOOPS_BEFORE_ORDERS, 0)
        gain_energy(self.state, self.figures, loops.astype(np.float32))
        self.state.clock += loops

    def _check_armies(self, rows: Ints, episodes: Ints, armies: Ints) -> None:
        if rows.ndim != 1 or episodes.shape != rows.shape or armies.shape != (len(rows), len(UNIT_TYPES)):
            raise DataError(
                f"start of {list(rows.shape)} rows, {list(episodes.shape)} episodes and {list(armies.shape)} armies; "
                f"needed are [N], [N] and [N, {len(UNIT_TYPES)}]."
            )
        if not len(rows):
            return
        if rows.min() < 0 or rows.max() >= self.battles or episodes.min() < 0:
            raise DataError(f"start needs rows from 0 to {self.battles - 1} and episode numbers from 0.")
        sizes = armies.sum(axis=1)
        if armies.min() < 0 or sizes.min() < 1 or sizes.max() > ALLIES:
            raise DataError(
                f"armies have {sizes.min()} to {sizes.max()} units, of single types {armies.min()} and more; "
                f"allowed are 1 to {ALLIES}, of single types 0 and more."
            )

    def _check_orders(self, orders: Orders) -> None:
        units = (self.battles, ALLIES)
        shapes, needed = (orders.kind.shape, orders.target.shape, orders.point.shape), (units, units, (*units, 2))
        if shapes != needed:
            raise DataError(f"orders have kinds, targets and points of shapes {shapes}; needed are {needed}.")
        if orders.target.min() < 0 or orders.target.max() >= UNITS:
            raise DataError(
                f"targets run from {orders.target.min()} to {orders.target.max()}; allowed are 0 to {UNITS - 1}."
            )


def fight_on(state: State, figures: Figures, jitter: Floats) -> None:
    """One game loop. Everybody decides by what the last loop left, then all act at once."""
    recover(state, figures)
    choose_targets(state, figures)
    choose_patients(state, figures)
    move(state, figures)
    fight(state, figures, jitter)
    mend(state, figures)
