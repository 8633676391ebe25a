"""Battle steps per second of the engine `micro` on one core."""

import time

import numpy as np

from bench.report import Row, main
from copa.tasks.base import Ints
from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.unit_types import MEDIVAC, UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, ATTACK, HEAL, NONE, Orders, Units

ARMIES = {"4 Zealots, 4 Stalkers": (0, 0, 0, 4, 4), "3 Marines, 3 Marauders, 2 Medivacs": (3, 3, 2, 0, 0)}
"""8 against 8, units of each of `UNIT_TYPES` per side."""
SMACLITE = {"4 Zealots, 4 Stalkers": 117.0, "3 Marines, 3 Marauders, 2 Medivacs": 70.0}
"""Steps/s of SMAClite, compiled collision avoidance, random play on 3s5z (8 against 8) and on MMM (10 against 10)."""
SMAX = 15_200.0
"""Steps/s of SMAX on 3s5z, 64 battles in one compiled call; without shields, armour, Medivacs and healing."""
BATCHES = (32, 256, 1024)
STEPS = 200
LONGEST = 150
MEDIVAC_KIND = UNIT_TYPES.index(MEDIVAC)


class Commander:
    """Tells each ally in one step of four to attack a random enemy, or to heal a random ally: all of them fight."""

    def __init__(self, battles: int) -> None:
        self.rng = np.random.default_rng(0)
        self.shape = (battles, ALLIES)
        self.points = np.zeros((*self.shape, 2), np.float32)

    def orders(self, units: Units) -> Orders:
        """For the next step."""
        heals = units.kind[:, :ALLIES] == MEDIVAC_KIND
        told = self.rng.random(self.shape) < 0.25
        kind = np.where(told, np.where(heals, HEAL, ATTACK), NONE).astype(np.int8)
        target = self.rng.integers(0, ALLIES, self.shape) + np.where(heals, 0, ALLIES)
        return Orders(kind, self.points, target.astype(np.int8))


def steps_per_second(army: tuple[int, ...], battles: int, seconds: float) -> float:
    """Battle steps per second of processor time, new battles and `units` included; the best of equal runs."""
    best, start = 0.0, time.perf_counter()
    while best == 0.0 or time.perf_counter() - start < seconds:
        best = max(best, battles * STEPS / time_of(army, battles))
    return best


def time_of(army: tuple[int, ...], battles: int) -> float:
    """Seconds of the engine's `STEPS` steps; a battle that is decided or lasts too long is followed by another."""
    engine, commander, spent = MicroEngine(battles, seed=0), Commander(battles), 0.0
    started, over = 0, np.arange(battles)
    age = np.zeros(battles, np.int64)
    for _ in range(STEPS):
        began = time.process_time()
        if len(over):
            engine.start(over, started + np.arange(len(over)), np.tile(army, (len(over), 1)))
        units = engine.units
        spent += time.process_time() - began
        started, age[over] = started + len(over), 0
        orders = commander.orders(units)
        began = time.process_time()
        engine.step(orders)
        spent += time.process_time() - began
        age += 1
        over = decided(engine.units, age)
    return spent


def decided(units: Units, age: Ints) -> Ints:
    """The battles in which one side has no fighter left, or that are too old."""
    fighters = units.alive & (units.kind != MEDIVAC_KIND)
    return np.flatnonzero(~fighters[:, :ALLIES].any(axis=1) | ~fighters[:, ALLIES:].any(axis=1) | (age >= LONGEST))


def run(quick: bool = False) -> list[Row]:
    """Battle steps per second of the engine `micro`, one core, beside other simulators' recorded figures."""
    seconds = 1.0 if quick else 10.0
    rows = []
    for name, army in ARMIES.items():
        for battles in BATCHES:
            ours = steps_per_second(army, battles, seconds)
            case = f"micro engine, {name}, {battles} battles"
            rows.append(Row(case, ours, SMACLITE[name], "battle steps/s per core", "SMAClite (recorded)"))
            if battles == 256:
                rows.append(Row(case, ours, SMAX, "battle steps/s per core", "SMAX on 3s5z (recorded)"))
    return rows


if __name__ == "__main__":
    main(run)
