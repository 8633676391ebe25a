"""Where each unit is put down about the points of its army."""

import numpy as np
import pytest

from copa.tasks.starcraft.micro.chance import spread_angles
from copa.tasks.starcraft.micro.spawning import CLEARANCE, SITES, army_kinds, lattice, spread
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ALLIES

MIDDLE = np.full((1, 5, 2), 16.0)


def put_down(army: list[UnitType], angle: float = 0.0, points: np.ndarray = MIDDLE) -> np.ndarray:
    """[len(army), 2], where the units of `army`, sorted by type, are put down."""
    kind = np.full((1, ALLIES), -1, np.int8)
    kind[0, : len(army)] = [UNIT_TYPES.index(unit_type) for unit_type in army]
    places = spread(kind, points, np.array([angle]))
    assert not places[:, 0, len(army) :].any(), "nobody is nowhere"
    return places[:, 0, : len(army)].T


@pytest.mark.parametrize("unit_type", UNIT_TYPES, ids=lambda unit_type: unit_type.name)
def test_units_of_a_type_stand_in_a_hexagon_turned_by_the_angle(unit_type: UnitType) -> None:
    places = put_down([unit_type] * 8, angle=0.3) - 16
    spacing = 2 * CLEARANCE * unit_type.separation
    radius = np.hypot(*places.T)
    np.testing.assert_allclose(radius, spacing * np.array([0, 1, 1, 1, 1, 1, 1, np.sqrt(3)]), atol=1e-9)
    turned = np.sort(np.arctan2(places[1:7, 1], places[1:7, 0]))
    np.testing.assert_allclose(turned, 0.3 + np.pi / 3 * np.arange(-3, 3), atol=1e-9)


def test_neighbours_stand_clear_of_each_other_by_a_thousandth() -> None:
    first, second = put_down([MARAUDER, MARAUDER])
    assert np.hypot(*(second - first)) == pytest.approx(1.001 * 2 * 0.5625)


@pytest.mark.parametrize(("across", "has_room"), [(0.0, True), (-1 / 64, False)])
def test_what_only_touches_is_not_in_the_way(across: float, has_room: bool) -> None:
    points = MIDDLE.copy()
    points[0, UNIT_TYPES.index(MARAUDER), 0] += MARINE.separation + MARAUDER.separation + across
    places = put_down([MARINE, MARAUDER], points=points)
    assert (places[1] == points[0, UNIT_TYPES.index(MARAUDER)]).all() == has_room


def test_what_flies_and_what_walks_are_put_down_in_one_place() -> None:
    places = put_down([MARINE, MARAUDER, MEDIVAC, MEDIVAC])
    assert places[0].tolist() == places[2].tolist() == [16, 16]
    assert np.hypot(*(places[1] - 16)) > MARINE.separation + MARAUDER.separation
    assert np.hypot(*(places[3] - 16)) == pytest.approx(CLEARANCE * 2 * MEDIVAC.separation)


def test_a_unit_is_put_down_as_near_its_point_as_those_before_leave_room() -> None:
    """Against a slow search, site by site, for armies of all types about points of their own."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        army = [UNIT_TYPES[kind] for kind in np.sort(rng.integers(0, 5, 8))]
        points, angle = rng.uniform(15, 17, (1, 5, 2)), float(rng.uniform(0, 2 * np.pi))
        places = put_down(army, angle, points)
        for number, unit_type in enumerate(army):
            point = points[0, UNIT_TYPES.index(unit_type)]
            before = [k for k in range(number) if army[k].flying == unit_type.flying]
            reach = np.array([unit_type.separation + army[k].separation for k in before])
            free = [
                np.hypot(*site)
                for site in turned_sites(2 * CLEARANCE * unit_type.separation, angle)
                if (np.hypot(*(places[before] - point - site).T) >= reach).all()
            ]
            assert np.hypot(*(places[number] - point)) == pytest.approx(min(free), abs=1e-9)
            assert (np.hypot(*(places[before] - places[number]).T) >= reach).all()


def turned_sites(spacing: float, angle: float) -> np.ndarray:
    """[121, 2], a triangular lattice about 0."""
    steps = [complex(column + row / 2, row * np.sqrt(0.75)) for row in range(-5, 6) for column in range(-5, 6)]
    turned = spacing * np.exp(1j * angle) * np.array(steps)
    return np.stack((turned.real, turned.imag), axis=1)


@pytest.mark.parametrize("rings", [1, 2, 5])
def test_sites_are_whole_hexagons_nearest_first(rings: int) -> None:
    sites = lattice(rings) @ (1, 1j)
    assert len(sites) == 1 + 3 * rings * (rings + 1)
    for turned in (sites * np.exp(1j * np.pi / 3), sites.conj()):
        assert np.abs(turned[:, None] - sites).min(axis=1).max() < 1e-9
    apart = np.abs(sites[:, None] - sites) + np.eye(len(sites))
    np.testing.assert_allclose(apart.min(axis=1), 1)
    assert np.diff(np.abs(sites)).min() > -1e-9


def test_seven_bodies_never_cover_every_site() -> None:
    """Wherever a body stands: by the symmetry of the lattice it is enough to try one of its cells."""
    along, across = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, np.sqrt(0.75), 101))
    walkers = [unit_type for unit_type in UNIT_TYPES if not unit_type.flying]
    smallest, largest = (choose(unit_type.separation for unit_type in walkers) for choose in (min, max))
    reach = (smallest + largest) / (2 * CLEARANCE * smallest)
    gap = np.hypot(along.ravel()[:, None] - SITES[:, 0], across.ravel()[:, None] - SITES[:, 1])
    assert 7 * (gap < reach).sum(axis=1).max() < len(SITES)


def test_among_seven_large_bodies_there_is_room_for_a_small_one() -> None:
    places = put_down([MARAUDER] * 7 + [ZEALOT])
    gap = np.hypot(*(places[:7] - places[7]).T)
    assert gap.min() > MARAUDER.separation + ZEALOT.separation


def test_an_army_is_listed_by_type() -> None:
    armies = np.array([[3, 2, 2, 0, 0], [0, 0, 0, 0, 8], [0, 0, 0, 2, 1], [1, 1, 1, 1, 1]])
    assert [[UNIT_TYPES[kind].name for kind in kinds if kind >= 0] for kinds in army_kinds(armies)] == [
        ["Marine"] * 3 + ["Marauder"] * 2 + ["Medivac"] * 2,
        ["Stalker"] * 8,
        ["Zealot"] * 2 + ["Stalker"],
        [unit_type.name for unit_type in (MARINE, MARAUDER, MEDIVAC, ZEALOT, STALKER)],
    ]
    assert (army_kinds(armies) < 0).sum(axis=1).tolist() == [1, 0, 5, 3]


def test_each_army_is_turned_by_an_angle_of_its_own() -> None:
    angles = spread_angles(3, np.arange(4000))
    assert angles.shape == (2, 4000)
    for side in angles:
        share, _ = np.histogram(side, bins=8, range=(0, 2 * np.pi))
        assert np.abs(share - 500).max() < 5 * np.sqrt(500 * 7 / 8)
    assert abs(np.corrcoef(*angles)[0, 1]) < 5 / np.sqrt(4000)
    assert (spread_angles(4, np.arange(4000)) != angles).all()
    assert spread_angles(3, np.array([77]))[:, 0].tolist() == angles[:, 77].tolist()
