"""How battles begin and end, and that they depend on nothing but the seed and the episode."""

from dataclasses import fields

import numpy as np
import pytest

from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.micro.figures import FIRST, SECOND, Figures
from copa.tasks.starcraft.micro.rules import FLYING, SEPARATION
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, NONE, STOP, Orders, Units
from tests.tasks.starcraft.micro import ENEMY, orders

ARMIES = np.array(
    [
        *((0, 0, 0, zealots, size - zealots) for size in range(3, 9) for zealots in range(size + 1)),
        *(
            (marines, size - marines, healers, 0, 0)
            for healers in range(3)
            for size in range(3, 7)
            for marines in range(size + 1)
        ),
    ]
)
"""All of both sets of scenarios."""


def started(battles: int = len(ARMIES), seed: int = 0, first: int = 0, engine_size: int | None = None) -> MicroEngine:
    """Battles of consecutive episodes; episode k is between the armies k (modulo their number)."""
    engine = MicroEngine(engine_size or battles, seed)
    episodes = np.arange(first, first + battles)
    engine.start(np.arange(battles), episodes, ARMIES[episodes % len(ARMIES)])
    return engine


def random_orders(seed: int, steps: int, battles: int) -> list[Orders]:
    """Anything that may be told, also what is refused."""
    rng = np.random.default_rng(seed)
    shape = (battles, 8)
    return [
        Orders(
            kind=rng.choice([NONE, STOP, MOVE, ATTACK, ATTACK, ATTACK, HEAL], shape).astype(np.int8),
            point=rng.uniform(-1, 33, (*shape, 2)).astype(np.float32),
            target=rng.integers(0, 16, shape).astype(np.int8),
        )
        for _ in range(steps)
    ]


def rows_of(given: Orders, rows: slice | np.ndarray) -> Orders:
    return Orders(given.kind[rows], given.point[rows], given.target[rows])


def assert_same(ours: Units, theirs: Units, note: str = "") -> None:
    for f in fields(ours):
        np.testing.assert_array_equal(getattr(ours, f.name), getattr(theirs, f.name), f"{f.name} {note}")


def test_both_sides_have_the_army_and_stand_in_their_first_slots_by_type_x_and_y() -> None:
    units = started().units
    ally_order = [UNIT_TYPES.index(kind) for kind in (MARAUDER, MARINE, MEDIVAC, STALKER, ZEALOT)]
    enemy_order = [UNIT_TYPES.index(kind) for kind in (MARINE, MARAUDER, MEDIVAC, ZEALOT, STALKER)]
    for battle, army in enumerate(ARMIES):
        for first, order in ((0, ally_order), (ENEMY, enemy_order)):
            expected = [kind for kind in order for _ in range(army[kind])]
            slots = slice(first, first + 8)
            assert units.kind[battle, slots].tolist() == expected + [-1] * (8 - len(expected))
            assert units.alive[battle, slots].sum() == units.present[battle, slots].sum() == army.sum()
            places = list(zip(units.kind[battle, slots], units.x[battle, slots], units.y[battle, slots], strict=True))
            for kind in set(expected):
                mine = [place for place in places if place[0] == kind]
                assert mine == sorted(mine)


def test_units_begin_whole_and_absent_slots_hold_nothing() -> None:
    units = started().units
    for kind, unit_type in enumerate(UNIT_TYPES):
        mine = units.kind == kind
        assert (units.health[mine] == unit_type.health).all()
        assert (units.shield[mine] == unit_type.shield).all()
        assert (units.energy[mine] == unit_type.energy_start).all()
        assert (units.energy_max[mine] == unit_type.energy_max).all()
    assert not units.cooldown.any()
    for f in fields(units):
        expected = -1 if f.name == "kind" else 0
        assert (getattr(units, f.name)[~units.present] == expected).all(), f.name


def test_armies_begin_fourteen_apart_at_any_angle_and_their_bodies_do_not_overlap() -> None:
    engine = started(battles=40 * len(ARMIES))
    units = engine.units
    side = np.repeat((0, 1), 8)
    centres = []
    for number in (0, 1):
        mine = units.present & (side == number)
        centres.append(np.stack([(place * mine).sum(axis=1) / mine.sum(axis=1) for place in (units.x, units.y)]))
    apart = centres[0] - centres[1]
    assert abs(np.hypot(*apart).mean() - 14) < 0.1
    assert np.abs(np.hypot(*apart) - 14).max() < 4
    np.testing.assert_allclose((centres[0] + centres[1]).mean(axis=1) / 2, 16, atol=0.1)
    share, _ = np.histogram(np.arctan2(apart[1], apart[0]), bins=8, range=(-np.pi, np.pi))
    assert np.abs(share - len(units.x) / 8).max() < 5 * np.sqrt(len(units.x) / 8 * 7 / 8)
    gap = np.hypot(units.x[:, FIRST] - units.x[:, SECOND], units.y[:, FIRST] - units.y[:, SECOND])
    touch = SEPARATION[units.kind[:, FIRST]] + SEPARATION[units.kind[:, SECOND]]
    same = units.present[:, FIRST] & units.present[:, SECOND]
    same &= FLYING[units.kind[:, FIRST]] == FLYING[units.kind[:, SECOND]]
    assert (gap - touch)[same].min() > 0


def test_units_of_a_type_stand_together() -> None:
    units = started(battles=5 * len(ARMIES)).units
    for kind in range(len(UNIT_TYPES)):
        mine = (units.kind == kind) & (np.arange(16) < 8)
        rows = mine.sum(axis=1) > 1
        for place in (units.x, units.y):
            spread = np.where(mine, place, -np.inf).max(axis=1) - np.where(mine, place, np.inf).min(axis=1)
            assert spread[rows].max() < 6


def test_nobody_sees_the_other_side_at_first() -> None:
    engine = started(battles=20 * len(ARMIES))
    engine.step(orders({}, engine.battles))
    assert not engine.state.engaged.any()


def test_the_enemy_attacks_the_middle_of_the_places_where_the_allies_began() -> None:
    engine = started()
    units = engine.units
    members = units.present[:, :8].sum(axis=1)
    np.testing.assert_allclose(engine.state.point_x[8], units.x[:, :8].sum(axis=1) / members, rtol=1e-6)
    np.testing.assert_allclose(engine.state.point_y[15], units.y[:, :8].sum(axis=1) / members, rtol=1e-6)
    gap = np.hypot(units.x - engine.state.point_x[8][:, None], units.y - engine.state.point_y[8][:, None])
    for _ in range(6):
        engine.step(orders({}, engine.battles))
    later = engine.units
    gone = gap - np.hypot(later.x - engine.state.point_x[8][:, None], later.y - engine.state.point_y[8][:, None])
    fighters = later.alive & (np.arange(16) >= 8) & (later.kind != UNIT_TYPES.index(MEDIVAC))
    assert np.median(gone[fighters]) > 6
    assert gone[fighters].min() > 2


def test_the_first_step_takes_twelve_loops_in_eight_of_which_orders_are_carried_out() -> None:
    engine = started(battles=len(ARMIES))
    before = engine.units
    moves = orders(dict.fromkeys(range(8), (MOVE, 0, (0.0, 0.0))), engine.battles)
    moves.point[:] = np.stack((before.x + np.where(before.x < 16, 9, -9), before.y), axis=2)[:, :8]
    for loops in (12, 8, 8):
        engine.step(moves)
        after = engine.units
        medivacs = after.kind == UNIT_TYPES.index(MEDIVAC)
        np.testing.assert_allclose((after.energy - before.energy)[medivacs], loops * 0.5625 / 16, atol=1e-4)
        for unit_type, slots in ((MARINE, slice(8, 16)), (MARAUDER, slice(0, 8)), (STALKER, slice(0, 8))):
            walked = np.hypot(after.x - before.x, after.y - before.y)[:, slots]
            mine = after.kind[:, slots] == UNIT_TYPES.index(unit_type)
            assert np.median(walked[mine]) == pytest.approx(8 * unit_type.speed, rel=0.01)
        before = after


def test_a_battle_goes_on_after_one_side_is_dead_without_a_fight() -> None:
    engine = started()
    engine.state.health[8:] = np.minimum(engine.state.health[8:], 0.5)
    engine.state.shield[8:] = 0
    rng = np.random.default_rng(0)
    for _ in range(60):
        targets = rng.integers(8, 16, (engine.battles, 8)).astype(np.int8)
        told = np.full((engine.battles, 8), ATTACK, np.int8)
        engine.step(Orders(told, np.zeros((engine.battles, 8, 2), np.float32), targets))
    over = ~engine.units.alive[:, 8:].any(axis=1)
    assert over.mean() > 0.3
    for _ in range(5):
        before = engine.units
        engine.step(orders({}, engine.battles))
        np.testing.assert_array_equal(engine.units.health[over], before.health[over])
    assert not engine.state.engaged[:, over].any()


def test_battles_that_were_not_started_stay_empty() -> None:
    engine = MicroEngine(battles=5, seed=0)
    empty = engine.units
    assert not empty.present.any()
    for given in random_orders(0, 3, 5):
        assert not engine.step(given).any()
    assert_same(engine.units, empty)
    engine.start(np.array([3]), np.array([7]), ARMIES[[60]])
    for given in random_orders(1, 12, 5):
        engine.step(given)
    others = np.array([0, 1, 2, 4])
    assert not engine.units.present[others].any()
    assert engine.units.present[3].any()


def test_ended_battles_stay_as_they_are_until_they_are_started_anew() -> None:
    given = random_orders(2, 60, len(ARMIES))
    engine, undisturbed = started(), started()
    ended = np.arange(0, engine.battles, 3)
    for told in given[:30]:
        engine.step(told)
        undisturbed.step(told)
    engine.end(ended)
    kept = engine.units
    for told in given[30:]:
        engine.step(told)
        undisturbed.step(told)
    for f in fields(kept):
        mine, theirs = getattr(engine.units, f.name), getattr(undisturbed.units, f.name)
        np.testing.assert_array_equal(mine[ended], getattr(kept, f.name)[ended], f.name)
        rest = np.delete(np.arange(engine.battles), ended)
        np.testing.assert_array_equal(mine[rest], theirs[rest], f.name)
    engine.start(ended, ended, ARMIES[ended])
    again = started()
    for told in given[:30]:
        engine.step(told)
        again.step(told)
    for f in fields(kept):
        np.testing.assert_array_equal(getattr(engine.units, f.name)[ended], getattr(again.units, f.name)[ended])


def test_nobody_in_an_ended_battle_is_about_to_do_anything() -> None:
    engine = started()
    for told in random_orders(9, 40, engine.battles):
        engine.step(told)
    marks = ("active", "engaged", "holding", "mending", "going")
    assert all(getattr(engine.state, name)[:, ::2].any() for name in marks)
    engine.end(np.arange(0, engine.battles, 2))
    for name in marks:
        assert not getattr(engine.state, name)[:, ::2].any(), name
        assert getattr(engine.state, name)[:, 1::2].any(), name


def test_battles_do_not_depend_on_the_others_or_on_their_number() -> None:
    """Bit for bit, whatever the batch and the row."""
    steps, battles = 45, len(ARMIES)
    given = random_orders(3, steps, battles)
    whole = started()
    seen = []
    for told in given:
        whole.step(told)
        seen.append(whole.units)
    assert (~seen[-1].alive & seen[-1].present).sum() > battles, "they did fight"
    for size, rows in ((1, [40]), (1, [90]), (2, [11, 38]), (7, [104, 3, 70, 66, 38, 90, 0]), (33, range(60, 93))):
        chosen = np.array(rows)
        engine = MicroEngine(size, seed=0)
        engine.start(np.arange(size), chosen, ARMIES[chosen])
        for step, told in enumerate(given):
            engine.step(rows_of(told, chosen))
            for f in fields(engine.units):
                expected = getattr(seen[step], f.name)[chosen]
                np.testing.assert_array_equal(getattr(engine.units, f.name), expected, f"{f.name} of {size} in {step}")


def test_the_seed_and_the_episode_decide_and_nothing_else() -> None:
    def fought(engine: MicroEngine) -> Units:
        for told in random_orders(4, 30, engine.battles):
            engine.step(told)
        return engine.units

    assert_same(fought(started()), fought(started()))
    assert (started(seed=1).units.x != started(seed=2).units.x).sum() > 100
    one, other = MicroEngine(2, 0), MicroEngine(2, 0)
    one.start(np.array([0, 1]), np.array([5, 6]), ARMIES[[20, 20]])
    other.start(np.array([1]), np.array([5]), ARMIES[[20]])
    np.testing.assert_array_equal(one.units.x[0], other.units.x[1])
    assert (one.units.x[0] != one.units.x[1]).any()


def test_a_snapshot_holds_everything() -> None:
    given = random_orders(5, 60, len(ARMIES))
    engine = started()
    for told in given[:25]:
        engine.step(told)
    engine.end(np.array([2, 60]))
    kept = engine.snapshot()
    at_snapshot = engine.units
    for told in given[25:]:
        engine.step(told)
    later = engine.units
    other = MicroEngine(len(ARMIES), seed=0)
    other.restore(kept)
    assert_same(other.units, at_snapshot)
    for told in given[25:]:
        other.step(told)
    assert_same(other.units, later)
    engine.restore(kept)
    assert_same(engine.units, at_snapshot, "a snapshot is a copy")


def test_what_is_kept_of_units_and_pairs_is_what_follows_from_the_state() -> None:
    engine = started()
    for number, told in enumerate(random_orders(6, 50, engine.battles)):
        engine.step(told)
        if number == 30:
            engine.end(np.arange(0, engine.battles, 4))
            engine.start(np.array([4, 8]), np.array([500, 501]), ARMIES[[0, 100]])
    fresh = Figures.of(engine.state)
    for f in fields(fresh):
        np.testing.assert_array_equal(getattr(engine.figures, f.name), getattr(fresh, f.name), f.name)


def test_units_are_arrays_of_the_receivers_own() -> None:
    engine = started()
    first = engine.units
    kept = {f.name: getattr(first, f.name).copy() for f in fields(first)}
    for told in random_orders(7, 20, engine.battles):
        engine.step(told)
    for name, array in kept.items():
        np.testing.assert_array_equal(getattr(first, name), array, name)
    assert {f.name: getattr(first, f.name).dtype for f in fields(first)} == {
        f.name: np.dtype({"kind": np.int8, "present": np.bool_, "alive": np.bool_}.get(f.name, np.float32))
        for f in fields(first)
    }


def test_nothing_becomes_nan_or_leaves_its_bounds() -> None:
    engine = started()
    for told in random_orders(8, 80, engine.battles):
        engine.step(told)
        units = engine.units
        for name in ("x", "y", "health", "shield", "energy", "cooldown"):
            values = getattr(units, name)
            assert np.isfinite(values).all(), name
            assert values.min() >= 0, name
        assert max(units.x.max(), units.y.max()) < 32
        for name in ("health", "shield", "energy"):
            assert (getattr(units, name) <= getattr(units, f"{name}_max")).all(), name
        assert ((units.health > 0) == units.alive).all()
        state = engine.state
        assert not ((state.engaged | state.going) & ~state.active).any()
        assert not ((state.holding | state.mending) & ~state.engaged).any()
