"""Strategies as colours."""

import numpy as np

from copa.rendering.strategy_colours import colours, project

RNG = np.random.default_rng(0)


def rgb(coordinates: list[list[float]]) -> np.ndarray:
    return np.array([list(bytes.fromhex(colour[1:])) for colour in colours(np.array(coordinates, float))], float)


def test_equal_strategies_have_equal_colours_and_far_ones_differ() -> None:
    points = RNG.normal(size=(40, 16)).astype(np.float32)
    found = colours(project([*points, points[3]]))
    assert found[3] == found[-1]
    assert len(set(found)) > 35
    near, far = points[0] + 1e-3, points[0] + 10.0
    coordinates = project([*points, near, far])
    assert np.abs(coordinates[0] - coordinates[-2]).max() < 0.01 < np.abs(coordinates[0] - coordinates[-1]).max()


def test_projection_finds_the_directions_in_which_strategies_differ() -> None:
    """Strategies on a plane in 16 dimensions: two coordinates, the wider one first, and none for noise."""
    axes = np.linalg.qr(RNG.normal(size=(16, 2)))[0].T
    places = RNG.uniform(-1, 1, size=(200, 2)) * (5.0, 1.0)
    coordinates = project(list((places @ axes + 1e-4 * RNG.normal(size=(200, 16))).astype(np.float32)))
    wide, narrow = (abs(np.corrcoef(coordinates[:, index], places[:, index])[0, 1]) for index in range(2))
    assert min(wide, narrow) > 0.98
    assert not coordinates[:, 2].any()
    assert np.abs(coordinates).max() <= 1.0


def test_one_strategy_alone_is_the_middle() -> None:
    assert not project([np.ones(8, np.float32)] * 5).any()


def test_first_two_components_differ_in_blue_and_in_lightness() -> None:
    """What colour-blind readers keep: blue against yellow, light against dark."""
    yellow, blue = rgb([[1, 0, 0], [-1, 0, 0]])
    assert blue[2] - blue[:2].mean() > 60
    assert yellow[:2].mean() - yellow[2] > 60
    light, dark = rgb([[0, 1, 0], [0, -1, 0]])
    assert (light - dark).min() > 60
