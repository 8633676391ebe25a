"""The rules of the Rescue Game once more: one game, plain loops, from the spec alone, seen through its views.

What chance decides (new fires, who joins) is read from the next view and must be something that could happen;
everything else is foretold and must agree.
"""

from dataclasses import dataclass

import numpy as np

from copa.tasks.base import View

UP, DOWN, LEFT, RIGHT, PUT_OUT = range(5)


@dataclass
class Robot:
    x: int
    y: int
    skill: float
    last: int | None


@dataclass
class Fire:
    x: int
    y: int
    level: float


@dataclass
class Rules:
    wrap: bool = False
    shared_cells: bool = True
    add_up: bool = True
    sight: int = 2
    period: int | None = None
    smallest: int = 3
    largest: int = 8
    horizon: int = 50


def cell_of(x: float, y: float) -> tuple[int, int]:
    """Cell of scaled coordinates, which must be exactly those of one."""
    cell = round((float(x) + 1) * 4.5), round((float(y) + 1) * 4.5)
    for number, scaled in zip(cell, (x, y), strict=True):
        assert 0 <= number <= 9
        assert abs(-1 + 2 * number / 9 - scaled) < 1e-6
    return cell


def robot_of(view: View, game: int, slot: int) -> Robot | None:
    features, skill = view.agents[game, slot], float(view.traits[game, slot, 0])
    if not view.present[game, slot].any():
        assert not features.any()
        assert skill == 0.0
        return None
    one_hot = features[2:].tolist()
    assert one_hot in [[0.0] * 5, *np.eye(5).tolist()]
    return Robot(*cell_of(features[0], features[1]), skill, one_hot.index(1.0) if any(one_hot) else None)


def fire_of(view: View, game: int, row: int) -> Fire | None:
    x, y, level = view.entities[game, row]
    if level == 0.0:
        assert (x, y) == (0.0, 0.0)
        return None
    assert 0.0 < level <= 1.0
    return Fire(*cell_of(x, y), float(level))


class Referee:
    """Follows one game from view to view."""

    def __init__(self, view: View, game: int, rules: Rules) -> None:
        self.game, self.rules, self.step = game, rules, 0
        self.fires_seen = 0
        self.robots: list[Robot | None] = []
        self.fires: list[Fire | None] = []
        self.adopt(view)
        assert all(robot.last is None for robot in self.robots if robot)
        self.check_fires()

    def adopt(self, view: View) -> None:
        self.robots = [robot_of(view, self.game, slot) for slot in range(8)]
        self.fires = [fire_of(view, self.game, row) for row in range(10)]
        self.check_masks(view)

    def emergency(self) -> float:
        return sum(fire.level**2 for fire in self.fires if fire)

    def follow(self, actions: list[int], view: View, reward: float) -> None:
        """Play `actions`, then hold the outcome against what the task says came out."""
        before = self.emergency()
        self.step += 1
        self.move(actions)
        self.put_out(actions)
        for robot, action in zip(self.robots, actions, strict=True):
            if robot:
                robot.last = action
        foretold_robots, foretold_fires = self.robots, self.fires
        self.adopt(view)
        self.check_new_fires(foretold_fires)
        self.check_team(foretold_robots)
        assert abs(reward - (before - self.emergency())) < 1e-5

    def move(self, actions: list[int]) -> None:
        for slot, (robot, action) in enumerate(zip(self.robots, actions, strict=True)):
            if robot is None or action == PUT_OUT:
                continue
            x = robot.x + {LEFT: -1, RIGHT: 1}.get(action, 0)
            y = robot.y + {DOWN: -1, UP: 1}.get(action, 0)
            if self.rules.wrap:
                x, y = x % 10, y % 10
            if not (0 <= x <= 9 and 0 <= y <= 9):
                continue
            others = [other for number, other in enumerate(self.robots) if other and number != slot]
            if not self.rules.shared_cells and any((other.x, other.y) == (x, y) for other in others):
                continue
            robot.x, robot.y = x, y

    def put_out(self, actions: list[int]) -> None:
        for row, fire in enumerate(self.fires):
            if fire is None:
                continue
            skills = [
                robot.skill
                for robot, action in zip(self.robots, actions, strict=True)
                if robot and action == PUT_OUT and (robot.x, robot.y) == (fire.x, fire.y)
            ]
            power = sum(skills) if self.rules.add_up else max(skills, default=0.0)
            fire.level = max(fire.level - power, 0.0)
            if fire.level < 1e-6:
                self.fires[row] = None

    def check_fires(self) -> None:
        cells = [(fire.x, fire.y) for fire in self.fires if fire]
        assert len(cells) == len(set(cells))

    def check_new_fires(self, foretold: list[Fire | None]) -> None:
        free = [row for row in range(10) if foretold[row] is None]
        new = [row for row in free if self.fires[row] is not None]
        assert new == free[: len(new)]
        self.fires_seen += len(new)
        self.check_fires()
        for row, fire in enumerate(foretold):
            if fire is not None:
                now = self.fires[row]
                assert now is not None
                assert (now.x, now.y) == (fire.x, fire.y)
                assert abs(now.level - fire.level) < 1e-6

    def check_team(self, foretold: list[Robot | None]) -> None:
        was = [robot is not None for robot in foretold]
        now = [robot is not None for robot in self.robots]
        period = self.rules.period
        if period is None or self.step % period or self.step == self.rules.horizon:
            assert was == now
        else:
            change = sum(now) - sum(was)
            assert abs(change) == 1
            slot = was.index(change < 0)
            assert [slot] == [number for number in range(8) if was[number] != now[number]]
            assert self.rules.smallest <= sum(now) <= self.rules.largest
            if change > 0:
                joiner = self.robots[slot]
                assert joiner is not None
                assert joiner.last is None
        for before, after in zip(foretold, self.robots, strict=True):
            if before and after:
                assert before == after
        if not self.rules.shared_cells:
            cells = [(robot.x, robot.y) for robot in self.robots if robot]
            assert len(cells) == len(set(cells))

    def check_masks(self, view: View) -> None:
        rows = [*self.robots, *self.fires]
        for slot, robot in enumerate(self.robots):
            for number, row in enumerate(rows):
                there = robot is not None and row is not None
                near = False
                if robot is not None and row is not None:
                    apart = [abs(robot.x - row.x), abs(robot.y - row.y)]
                    if self.rules.wrap:
                        apart = [min(cells, 10 - cells) for cells in apart]
                    near = max(apart) <= self.rules.sight
                assert view.present[self.game, slot, number] == there
                assert view.visible[self.game, slot, number] == near
