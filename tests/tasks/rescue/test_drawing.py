"""What a picture is made from."""

import numpy as np
import pytest

from copa.tasks.rescue import Rescue
from tests.tasks.rescue.town import town


def test_robots_and_fires_are_drawn_where_they_are() -> None:
    task = town([(1, 2, 0.2), (1, 2, 1.0)], [(9, 0, 0.6)])
    drawing = task.drawing(0)
    assert drawing.bounds == (-0.5, -0.5, 9.5, 9.5)
    assert drawing.square_cells == 1.0
    fire, *robots = drawing.bodies
    assert (fire.shape, fire.row, fire.slot, fire.x, fire.y) == ("flame", 8, None, 9.0, 0.0)
    assert fire.abilities["level"] == pytest.approx(0.6)
    assert [(robot.slot, robot.row, robot.sight) for robot in robots] == [(0, 0, 2.0), (1, 1, 2.0)]
    assert [robot.abilities["skill"] for robot in robots] == pytest.approx([0.2, 1.0])
    assert len({(robot.x, robot.y) for robot in robots}) == 2
    assert all(abs(robot.x - 1) + robot.radius < 0.5 and abs(robot.y - 2) + robot.radius < 0.5 for robot in robots)


def test_each_game_has_a_picture_of_its_own() -> None:
    task = Rescue(games=20, seed=0)
    view = task.reset(np.arange(20), np.arange(20))
    for game in range(20):
        rows = np.flatnonzero(view.present[game].any(axis=0))
        assert sorted(body.row for body in task.drawing(game).bodies if body.row is not None) == rows.tolist()
