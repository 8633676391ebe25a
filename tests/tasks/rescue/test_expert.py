"""The greedy expert, and how it scores beside random play."""

import numpy as np
import pytest

from copa.tasks import make_task
from tests.tasks.rescue.town import DOWN, LEFT, PUT_OUT, RIGHT, UP, town

EPISODES = 1000


@pytest.mark.parametrize(
    ("fire", "action"),
    [((7, 5), RIGHT), ((3, 5), LEFT), ((5, 8), UP), ((5, 1), DOWN), ((6, 9), RIGHT), ((5, 5), PUT_OUT)],
)
def test_a_robot_goes_to_the_fire_and_puts_it_out(fire: tuple[int, int], action: int) -> None:
    actions = town([(5, 5, 0.5)], [(*fire, 0.9)]).greedy()[0]
    assert actions.tolist() == [action, *[PUT_OUT] * 7], "empty slots put out"


def test_the_fire_with_most_level_by_distance_is_chosen() -> None:
    """0.9 / (1 + 4) against 0.5 / (1 + 2), then against 0.5 / (1 + 3)."""
    assert town([(5, 5, 0.1)], [(9, 5, 0.9), (3, 5, 0.5)]).greedy()[0, 0] == RIGHT
    assert town([(5, 5, 0.1)], [(9, 5, 0.8), (3, 5, 0.5)]).greedy()[0, 0] == LEFT


@pytest.mark.parametrize(("straight", "action"), [((0, 5), LEFT), ((5, 0), DOWN)])
def test_distance_is_in_moves(straight: tuple[int, int], action: int) -> None:
    """5 moves straight on are less than 3 and 3, which end nearer as the crow flies and along either axis."""
    assert town([(5, 5, 0.5)], [(8, 8, 0.9), (*straight, 0.9)]).greedy()[0, 0] == action


def test_of_two_as_good_it_is_the_first_row() -> None:
    left, right = (3, 5, 0.5), (7, 5, 0.5)
    assert town([(5, 5, 0.5)], [left, right]).greedy()[0, 0] == LEFT
    assert town([(5, 5, 0.5)], [right, left]).greedy()[0, 0] == RIGHT


def test_a_fire_is_covered_by_the_sum_of_the_skills_that_chose_it() -> None:
    robots, other = [(5, 5, 0.25), (5, 5, 0.5), (5, 5, 0.2)], (2, 5, 0.1)
    assert town(robots, [(7, 5, 0.75), other]).greedy()[0, :3].tolist() == [RIGHT, RIGHT, LEFT]
    assert town(robots, [(7, 5, 0.8), other]).greedy()[0, :3].tolist() == [RIGHT, RIGHT, RIGHT]


def test_the_worth_of_a_fire_is_its_whole_level_also_when_some_of_it_is_covered() -> None:
    """0.9 / (1 + 2) against 0.5 / (1 + 2), though 0.8 of the 0.9 are covered."""
    assert town([(5, 5, 0.8), (5, 5, 0.2)], [(7, 5, 0.9), (3, 5, 0.5)]).greedy()[0, 1] == RIGHT


def test_a_fire_covered_by_enough_skill_is_left_to_those_that_cover_it() -> None:
    robots, fires = [(5, 5, 0.5), (5, 5, 0.3)], [(7, 5, 0.8), (2, 5, 0.1)]
    assert town(robots, fires).greedy()[0, :2].tolist() == [RIGHT, RIGHT]
    fires[0] = (7, 5, 0.5)
    assert town(robots, fires).greedy()[0, :2].tolist() == [RIGHT, LEFT]


def test_a_robot_without_a_fire_to_go_to_stays() -> None:
    assert town([(5, 5, 1.0), (6, 6, 1.0)], [(5, 6, 0.5)]).greedy()[0, 1] == PUT_OUT
    assert (town([(5, 5, 1.0)]).greedy() == PUT_OUT).all()


def test_it_goes_over_an_edge_where_the_grid_wraps() -> None:
    assert town([(0, 5, 0.5)], [(8, 5, 0.9)], edges="wrap").greedy()[0, 0] == LEFT
    assert town([(0, 5, 0.5)], [(8, 5, 0.9)]).greedy()[0, 0] == RIGHT


def returns(team: str, policy: str) -> np.ndarray:
    task = make_task("rescue", games=EPISODES, seed=123, team=team)
    task.reset(np.arange(EPISODES), np.arange(EPISODES))
    rng = np.random.default_rng(0)
    total = np.zeros(EPISODES)
    for _ in range(task.spec.horizon):
        total += task.step(task.greedy() if policy == "greedy" else rng.integers(0, 5, (EPISODES, 8))).reward
    return total


@pytest.mark.parametrize("team", ["train", "2", "4", "6", "8", "varying"])
def test_it_loses_less_than_chance_does_in_nearly_every_game(team: str) -> None:
    assert (returns(team, "greedy") > returns(team, "random")).mean() > 0.95
