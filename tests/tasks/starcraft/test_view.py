"""Vectors, masks and traits."""

from dataclasses import replace

import numpy as np
import pytest

from copa.tasks.starcraft.actions import available
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.units import Units
from copa.tasks.starcraft.view import feature_count, seen, unit_vectors, view
from tests.tasks.starcraft.field import battle, changed, killed, tags


def vectors(units: Units, scenarios: ScenarioSet) -> np.ndarray:
    return unit_vectors(units, tags(), available(units, tags(), scenarios), scenarios)[0]


SZ = battle([("Stalker", 10, 12), ("Zealot", 14, 16)], [("Zealot", 12, 13), ("Stalker", 20, 31)])
MMM = battle([("Marauder", 10, 12), ("Marine", 14, 16), ("Medivac", 9, 9)], [("Marine", 12, 13), ("Medivac", 20, 31)])


def test_lengths_are_the_published_ones() -> None:
    assert feature_count(ZEALOTS_AND_STALKERS) == 38
    assert feature_count(MARINES_MARAUDERS_MEDIVACS) == 46


def test_blocks_of_a_vector() -> None:
    units = changed(SZ, 0, health=40.0, shield=20.0, cooldown=7.0)
    own = vectors(units, ZEALOTS_AND_STALKERS)[0]
    assert np.flatnonzero(own[:16]).tolist() == [15], "its tag"
    possible = available(units, tags(), ZEALOTS_AND_STALKERS)[0, 0]
    np.testing.assert_array_equal(own[16:28], possible[2:])
    assert own[28:30].tolist() == [0, 1], "Zealot, Stalker"
    np.testing.assert_allclose(own[30:34], [0.5, 0.25, 0.0, 7 / 35], rtol=1e-6)
    np.testing.assert_allclose(own[34:36], [(10 - 16) / 32, (12 - 16) / 32], rtol=1e-6)


def test_the_set_with_medivacs_has_energy_and_no_shields() -> None:
    medivac = vectors(changed(MMM, 2, energy=150.0, cooldown=50.0), MARINES_MARAUDERS_MEDIVACS)[2]
    assert medivac[36:39].tolist() == [0, 0, 1], "Marine, Marauder, Medivac"
    np.testing.assert_allclose(medivac[39:44], [1.0, 0.75, 50 / 200, (9 - 16) / 32, (9 - 16) / 32], rtol=1e-6)
    heal = {"heal 7", "heal 6"} & {
        MARINES_MARAUDERS_MEDIVACS.actions[2 + column] for column in np.flatnonzero(medivac[16:36])
    }
    assert heal == {"heal 7"}


@pytest.mark.parametrize(
    ("name", "most"), [("Marine", 15), ("Marauder", 25), ("Medivac", 200), ("Stalker", 35), ("Zealot", 22)]
)
def test_a_cooldown_is_a_share_of_its_types_and_not_clipped(name: str, most: float) -> None:
    scenarios = ZEALOTS_AND_STALKERS if name in ("Zealot", "Stalker") else MARINES_MARAUDERS_MEDIVACS
    units = changed(battle([(name, 5, 5)], [(name, 9, 9)]), 0, cooldown=most * 1.05)
    assert vectors(units, scenarios)[0][-5] == pytest.approx(1.05)


def test_energy_and_cooldown_of_enemies_are_hidden_and_their_actions_are_none() -> None:
    units = changed(MMM, 9, energy=120.0, cooldown=20.0, health=75.0)
    enemy = vectors(units, MARINES_MARAUDERS_MEDIVACS)[9]
    assert not enemy[16:36].any()
    assert enemy[39:42].tolist() == [0.5, 0.0, 0.0]


def test_the_dead_keep_tag_and_type_and_nothing_else() -> None:
    units = killed(SZ, 0, 8)
    for slot, kind in ((0, 1), (8, 0)):
        vector = vectors(units, ZEALOTS_AND_STALKERS)[slot]
        assert np.flatnonzero(vector).tolist() == [15 - slot, 28 + kind]


def test_absent_slots_are_nothing() -> None:
    found = vectors(SZ, ZEALOTS_AND_STALKERS)
    assert not np.delete(found, [0, 1, 8, 9], axis=0).any()


def test_one_unit_is_its_own_mean_and_none_is_nothing_without_a_division_by_zero() -> None:
    with np.errstate(all="raise"):
        assert vectors(battle([("Zealot", 20, 8)], []), ZEALOTS_AND_STALKERS)[0, 34:].tolist() == [
            4 / 32,
            -8 / 32,
            0,
            0,
        ]
        assert not vectors(Units.none(1), ZEALOTS_AND_STALKERS).any()


def test_places_about_the_mean_count_the_dead_where_they_were_seen_last() -> None:
    x, y = np.array([10, 14, 12, 20.0]), np.array([12, 16, 13, 31.0])
    apart = np.stack((x - x.mean(), y - y.mean()), axis=1)
    expected = apart / np.hypot(*apart.T).max()
    for units in (SZ, killed(SZ, 9)):
        found = vectors(units, ZEALOTS_AND_STALKERS)[[0, 1, 8], 36:]
        np.testing.assert_allclose(found, expected[:3], rtol=1e-6)


def test_sight_ends_at_nine_between_centres() -> None:
    beyond = np.nextafter(np.float32(9), np.float32(10))
    units = battle([("Stalker", 0, 0), ("Zealot", 9, 0), ("Zealot", 0, float(beyond))], [("Zealot", 0, 9)])
    assert np.flatnonzero(seen(units)[0, 0]).tolist() == [0, 1, 8]
    block = seen(units)[0, :, :8]
    np.testing.assert_array_equal(block, block.T)


def test_who_is_dead_is_seen_by_itself_alone() -> None:
    units = killed(battle([("Stalker", 5, 5), ("Zealot", 6, 5)], [("Zealot", 5, 6)]), 0)
    mask = seen(units)[0]
    assert np.flatnonzero(mask[0]).tolist() == [0]
    assert np.flatnonzero(mask[1]).tolist() == [1, 8]
    assert not mask[2:].any()


def test_the_dead_are_gone_or_stay_as_rows() -> None:
    units = killed(SZ, 0, 8)
    gone, stay = (view(units, tags(), ZEALOTS_AND_STALKERS, "full", dead) for dead in ("absent", "present"))  # type: ignore[arg-type]
    assert gone.members()[0].tolist() == [False, True] + [False] * 6
    assert np.flatnonzero(gone.present[0, 1]).tolist() == [1, 9]
    assert not (gone.visible & ~gone.present).any()
    assert stay.members()[0].tolist() == [True, True] + [False] * 6
    assert np.flatnonzero(stay.present[0, 0]).tolist() == [0, 1, 8, 9]
    assert np.flatnonzero(stay.visible[0, 0]).tolist() == [0]
    for each in (gone, stay):
        assert np.flatnonzero(each.available[0, 0]).tolist() == [0]


def test_traits_say_what_a_type_means() -> None:
    full, refil = (
        view(MMM, tags(), MARINES_MARAUDERS_MEDIVACS, form, "absent").traits[0] for form in ("full", "refil")
    )  # type: ignore[arg-type]
    assert full.shape == (8, 8)
    np.testing.assert_array_equal(refil, full[:, :3])
    assert refil[:3].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    most = 8 * 2 / 19.2
    np.testing.assert_allclose(full[0, 3:], [125 / 150, 0, 0, 1, 10 / 24 / most], rtol=1e-5)
    np.testing.assert_allclose(full[1, 3:], [45 / 150, 0, 0, 5 / 6, 6 / (0.8608 * 16) / most], rtol=1e-5)
    np.testing.assert_allclose(full[2, 3:], [1, 0, 1, 4 / 6, 0], rtol=1e-5)
    assert not full[3:].any()
    shields = view(SZ, tags(), ZEALOTS_AND_STALKERS, "full", "absent").traits[0, :2]
    np.testing.assert_allclose(shields[:, 2:5], [[80 / 150, 1, 0], [100 / 150, 50 / 80, 0]], rtol=1e-5)


def test_features_are_worked_out_in_double_precision() -> None:
    rng = np.random.default_rng(0)
    units = replace(
        SZ, x=rng.uniform(0, 32, (1, 16)).astype(np.float32), y=rng.uniform(0, 32, (1, 16)).astype(np.float32)
    )
    rows = [0, 1, 8, 9]
    x, y = units.x[0, rows].astype(np.float64), units.y[0, rows].astype(np.float64)
    apart = np.stack((x - x.mean(), y - y.mean()), axis=1)
    exact = (apart / np.hypot(*apart.T).max()).astype(np.float32)
    np.testing.assert_array_equal(vectors(units, ZEALOTS_AND_STALKERS)[rows, 36:], exact)
