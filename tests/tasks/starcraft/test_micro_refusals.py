"""What the engine does not accept, and that it accepts all up to that."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from copa.errors import ConfigError, DataError
from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.units import ATTACK, Orders
from tests.tasks.starcraft.micro import orders

TRIO = [3, 0, 0, 0, 0]


def start(rows: object, episodes: object, armies: object) -> MicroEngine:
    """An engine of two battles that has been told to begin some."""
    engine = MicroEngine(battles=2, seed=0)
    engine.start(np.array(rows, np.int64), np.array(episodes, np.int64), np.array(armies, np.int64))
    return engine


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: MicroEngine(0, 0), ConfigError, "battles is 0"),
        (lambda: MicroEngine(1, -1), ConfigError, "seed is -1"),
        (lambda: MicroEngine(1, 2**32), ConfigError, "seed is 4294967296"),
        (lambda: start([0], [0], [TRIO, TRIO]), DataError, r"\[1\] rows, \[1\] episodes and \[2, 5\] armies"),
        (lambda: start([0], [0], [TRIO[1:]]), DataError, r"\[1, 4\] armies; needed are \[N\], \[N\] and \[N, 5\]"),
        (lambda: start([0], [0, 1], [TRIO]), DataError, r"\[1\] rows, \[2\] episodes"),
        (lambda: start([[0]], [[0]], [TRIO]), DataError, r"\[1, 1\] rows, \[1, 1\] episodes"),
        (lambda: start([2], [0], [TRIO]), DataError, "rows from 0 to 1"),
        (lambda: start([-1], [0], [TRIO]), DataError, "rows from 0 to 1"),
        (lambda: start([0], [-1], [TRIO]), DataError, "episode numbers from 0"),
        (lambda: start([0, 1], [0, 1], [TRIO, [0, 9, 0, 0, 0]]), DataError, "3 to 9 units, .* allowed are 1 to 8"),
        (lambda: start([0, 1], [0, 1], [[0] * 5, TRIO]), DataError, "0 to 3 units"),
        (lambda: start([0], [0], [[5, -1, 0, 0, 0]]), DataError, "4 to 4 units, of single types -1 and more"),
    ],
)
def test_what_cannot_begin_is_refused(act: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        act()


@pytest.mark.parametrize(
    ("kinds", "targets", "points"),
    [
        ((3, 8), (2, 8), (2, 8, 2)),
        ((2, 8), (3, 8), (2, 8, 2)),
        ((2, 8), (2, 8), (3, 8, 2)),
        ((2, 8), (2, 8), (2, 8, 3)),
        ((3, 8), (3, 8), (3, 8, 2)),
        ((2, 16), (2, 16), (2, 16, 2)),
    ],
)
def test_orders_for_other_units_are_refused(
    kinds: tuple[int, ...], targets: tuple[int, ...], points: tuple[int, ...]
) -> None:
    told = Orders(np.zeros(kinds, np.int8), np.zeros(points, np.float32), np.zeros(targets, np.int8))
    message = f"of shapes {(kinds, targets, points)}; needed are {((2, 8), (2, 8), (2, 8, 2))}"
    with pytest.raises(DataError, match=re.escape(message)):
        MicroEngine(battles=2, seed=0).step(told)


@pytest.mark.parametrize(("target", "message"), [(16, "from 0 to 16"), (-1, "from -1 to 0")])
def test_a_target_that_is_no_slot_is_refused(target: int, message: str) -> None:
    with pytest.raises(DataError, match=f"targets run {message}; allowed are 0 to 15"):
        MicroEngine(battles=1, seed=0).step(orders({0: (ATTACK, target, (0, 0))}))


def test_all_up_to_what_is_refused_is_accepted() -> None:
    MicroEngine(battles=1, seed=2**32 - 1)
    engine = start([0, 1], [0, 2**62], [[1, 0, 0, 0, 0], [0, 0, 0, 0, 8]])
    assert engine.units.alive.sum(axis=1).tolist() == [2, 16]
    engine.step(orders({0: (ATTACK, 15, (0, 0)), 7: (ATTACK, 0, (0, 0))}, battles=2))
    assert not start([], [], np.zeros((0, 5))).units.present.any()


@pytest.mark.parametrize("name", ["kind", "health", "clock"])
def test_a_snapshot_of_something_else_is_refused(name: str) -> None:
    engine = MicroEngine(battles=2, seed=0)
    kept = engine.snapshot()
    for other, found in (
        ({key: value for key, value in kept.items() if key != name}, "nothing"),
        (kept | {name: kept[name].astype(np.complex64)}, "complex64"),
        (kept | {name: kept[name][..., :1]}, r".*1\]"),
    ):
        with pytest.raises(DataError, match=f"snapshot field '{name}' is {found}"):
            engine.restore(other)
