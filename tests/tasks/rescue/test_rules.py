"""What robots can do, what it is worth, and what is seen: sentence by sentence."""

import numpy as np
import pytest

from copa.tasks import make_task, task_spec
from copa.tasks.rescue.grid import offsets
from tests.tasks.rescue.town import DOWN, LEFT, PUT_OUT, RIGHT, UP, cells, levels, play, town


def test_the_actions_are_four_moves_and_putting_out() -> None:
    assert task_spec("rescue").actions == ("up", "down", "left", "right", "put out")


@pytest.mark.parametrize(
    ("action", "cell"), [(UP, (4, 6)), (DOWN, (4, 4)), (LEFT, (3, 5)), (RIGHT, (5, 5)), (PUT_OUT, (4, 5))]
)
def test_a_move_is_one_cell(action: int, cell: tuple[int, int]) -> None:
    task = town([(4, 5, 0.5)])
    play(task, action)
    assert cells(task) == [cell]


EDGES = [(UP, (3, 9), (3, 0)), (DOWN, (3, 0), (3, 9)), (LEFT, (0, 3), (9, 3)), (RIGHT, (9, 3), (0, 3))]


@pytest.mark.parametrize(("action", "edge", "other_side"), EDGES)
def test_a_move_off_the_grid_stays_or_wraps(action: int, edge: tuple[int, int], other_side: tuple[int, int]) -> None:
    for options, cell in (({}, edge), ({"edges": "wrap"}, other_side)):
        task = town([(*edge, 0.5)], **options)
        play(task, action)
        assert cells(task) == [cell]


def test_robots_may_share_a_cell() -> None:
    task = town([(4, 5, 0.5), (6, 5, 0.5)])
    play(task, RIGHT, LEFT)
    assert cells(task) == [(5, 5), (5, 5)]


def test_robots_that_may_not_share_cells_move_in_slot_order() -> None:
    task = town([(4, 5, 0.5), (6, 5, 0.5), (4, 4, 0.5), (4, 6, 0.5)], shared_cells=False)
    play(task, RIGHT, LEFT, UP, DOWN)
    assert cells(task) == [(5, 5), (6, 5), (4, 5), (4, 6)]


def test_a_robot_may_enter_the_cell_that_another_left_or_that_an_empty_slot_has() -> None:
    task = town([(5, 5, 0.5), (4, 5, 0.5), (1, 0, 0.5)], shared_cells=False)
    play(task, RIGHT, RIGHT, LEFT)
    assert cells(task) == [(6, 5), (5, 5), (0, 0)]


def test_putting_out_lowers_the_level_by_the_skill_and_never_below_zero() -> None:
    task = town([(1, 1, 0.2), (2, 2, 1.0)], [(1, 1, 0.9), (2, 2, 0.6)])
    play(task)
    assert levels(task)[:2] == [0.7, 0.0]


def test_skills_on_the_same_cell_add_up_or_the_best_counts() -> None:
    for options, level in (({}, 0.2), ({"add_up": False}, 0.4)):
        task = town([(1, 1, 0.2), (1, 1, 0.5), (1, 2, 1.0)], [(1, 1, 0.9)], **options)
        play(task)
        assert levels(task)[0] == pytest.approx(level)


def test_putting_out_where_nothing_burns_does_nothing() -> None:
    task = town([(0, 0, 1.0), (5, 6, 1.0)], [(5, 5, 0.9)])
    assert play(task).reward[0] == 0.0
    assert cells(task) == [(0, 0), (5, 6)]
    assert levels(task) == pytest.approx([0.9] + [0.0] * 9)


def test_a_robot_puts_out_where_it_stands_after_the_moves() -> None:
    """One that arrives or goes does not put out; one that puts out does not move."""
    task = town([(4, 5, 0.2), (5, 5, 0.2), (5, 5, 0.2)], [(5, 5, 0.9)])
    play(task, RIGHT, RIGHT, PUT_OUT)
    assert cells(task) == [(5, 5), (6, 5), (5, 5)]
    assert levels(task)[0] == pytest.approx(0.7)


def test_a_building_at_zero_burns_no_more_and_its_row_is_free() -> None:
    task = town([(5, 5, 0.5), (5, 5, 0.5)], [(5, 5, 0.9), (6, 5, 0.3)])
    view = play(task).view
    assert not view.entities[0, 0].any()
    assert not view.present[0, :, 8].any()
    assert not view.visible[0, :, 8].any()
    assert view.present[0, :2, 9].all()
    assert play(task).reward[0] == 0.0


def test_the_reward_is_what_the_overall_emergency_lost() -> None:
    task = town([(1, 1, 0.2), (2, 2, 0.5)], [(1, 1, 0.9), (2, 2, 0.4), (3, 3, 0.7)])
    assert play(task).reward[0] == pytest.approx(0.9**2 - 0.7**2 + 0.4**2)
    assert play(task, LEFT, LEFT).reward[0] == 0.0


def test_new_fires_count_against_the_team() -> None:
    task = town([(1, 1, 0.2)], [(1, 1, 0.9)], fire_probability=1.0)
    step = play(task)
    new = step.view.entities[0, 1:, 2]
    assert (new > 0).all()
    assert step.reward[0] == pytest.approx(0.9**2 - 0.7**2 - (new.astype(float) ** 2).sum(), abs=1e-6)


def test_a_fire_that_breaks_out_cannot_be_put_out_in_the_same_step() -> None:
    """The same step once more, with robots that put out where it will burn."""
    task = town([], fire_probability=1.0)
    start = task.snapshot()
    play(task)
    where, new = task.state.fire[:, :8].copy(), levels(task)
    task.restore(start)
    task.state.present[:], task.state.skill[:] = True, 1.0
    task.state.robot[:] = where
    play(task)
    assert levels(task) == new


def test_rewards_of_an_episode_add_up_to_the_emergency_at_the_start_less_that_at_the_end() -> None:
    task = make_task("rescue", games=200, seed=0, options={"fire_probability": 0.01})
    view = task.reset(np.arange(200), np.arange(200))
    start = (view.entities[:, :, 2].astype(float) ** 2).sum(axis=1)
    total = np.zeros(200)
    for _ in range(50):
        step = task.step(task.greedy())
        total += step.reward
    end = (step.view.entities[:, :, 2].astype(float) ** 2).sum(axis=1)
    np.testing.assert_allclose(total, start - end, atol=1e-5)


def test_features_are_cell_last_action_skill_and_cell_level() -> None:
    task = town([(0, 9, 0.3), (9, 0, 0.4), (3, 6, 0.5)], [(6, 3, 0.8)])
    view = play(task, UP, DOWN, PUT_OUT).view
    third = 1 / 3
    np.testing.assert_allclose(
        view.agents[0, :4],
        [[-1, 1, 1, 0, 0, 0, 0], [1, -1, 0, 1, 0, 0, 0], [-third, third, 0, 0, 0, 0, 1], [0] * 7],
        atol=1e-6,
    )
    np.testing.assert_allclose(view.traits[0, :4, 0], [0.3, 0.4, 0.5, 0.0])
    np.testing.assert_allclose(view.entities[0, :2], [[third, -third, 0.8], [0, 0, 0]], atol=1e-6)


def test_at_the_start_nobody_has_acted() -> None:
    spec = task_spec("rescue")
    assert spec.first_action == "zeros"
    view = make_task("rescue", games=4, seed=0).reset(np.arange(4), np.arange(4))
    assert not view.agents[:, :, 2:].any()


@pytest.mark.parametrize(("x", "y", "seen"), [(7, 7, True), (3, 4, True), (8, 5, False), (5, 2, False), (8, 8, False)])
def test_a_robot_sees_robots_and_fires_within_two_cells(x: int, y: int, seen: bool) -> None:
    for options, expected in (({}, seen), ({"sight": 3}, True)):
        view = play(town([(5, 5, 0.1), (x, y, 0.1)], [(x, y, 0.7)], **options)).view
        assert view.visible[0, 0, [0, 1, 8]].tolist() == [True, expected, expected]
        assert view.visible[0, 1, [0, 1, 8]].tolist() == [expected, True, True]


def test_sight_reaches_over_an_edge_only_where_the_grid_wraps() -> None:
    for options, seen in (({}, False), ({"edges": "wrap"}, True)):
        view = play(town([(0, 0, 0.5), (9, 8, 0.5)], **options)).view
        assert view.visible[0, 0, 1] == seen


def test_the_way_is_the_shorter_one_where_the_grid_wraps() -> None:
    cells = np.arange(10, dtype=np.int8)
    ends = np.stack(np.broadcast_arrays(cells[None], cells[:, None]))
    ways = {wrap: offsets(ends[::-1], ends, wrap=wrap)[0].astype(int) for wrap in (False, True)}
    straight = cells.astype(int)[None] - cells[:, None]
    np.testing.assert_array_equal(ways[False], straight)
    np.testing.assert_array_equal((ways[True] - straight) % 10, 0)
    np.testing.assert_array_equal(np.abs(ways[True]), np.minimum(np.abs(straight), 10 - np.abs(straight)))


def test_every_action_is_always_available() -> None:
    assert play(town([(0, 0, 0.5)])).view.available.all()


@pytest.mark.parametrize("horizon", [50, 7])
def test_the_horizon_is_a_time_limit_and_not_an_end(horizon: int) -> None:
    task = make_task("rescue", games=2, seed=0, options={"horizon": horizon})
    assert (task.spec.horizon, task.spec.recorded_steps) == (horizon, horizon)
    task.reset(np.arange(2), np.arange(2))
    for number in range(1, horizon + 1):
        step = task.step(np.zeros((2, 8), np.int64))
        assert step.truncated.tolist() == [number == horizon] * 2
        assert not step.terminated.any()


def test_there_are_eight_slots_and_ten_fires() -> None:
    spec = task_spec("rescue")
    assert (spec.slots, spec.entity_rows, spec.horizon) == (8, 10, 50)
    assert (spec.agent_features, spec.trait_features, spec.entity_features) == (7, 1, 3)
    assert spec.trait_centre == ((0.2 + 1) / 2,)
