"""The rules of Resource Collection, sentence by sentence."""

import numpy as np
import pytest

from copa.tasks.base import Step
from copa.tasks.resource_collection import ResourceCollection
from tests.tasks.conftest import Put

STAY = np.zeros((1, 6), np.int64)
RED, GREEN, BLUE = 1, 2, 3


def reward_of_staying(task: ResourceCollection) -> float:
    return float(task.step(STAY).reward[0])


def counts_of(step: Step) -> dict[str, int]:
    return {name: int(values[0]) for name, values in step.info.items()}


def hands_of(task: ResourceCollection) -> tuple[np.ndarray, np.ndarray]:
    return task.state.carried[:, 0], task.state.at[:, 0]


def test_an_action_is_a_force_of_five_times_the_top_speed(game: Put) -> None:
    places = [(-0.5, 0.5), (0.5, 0.5), (-0.5, 0.0), (0.5, 0.0), (0.0, 0.5)]
    task = game(places)
    view = task.step(np.array([[1, 2, 3, 4, 0, 0]])).view
    velocity = 0.1 * 5 * 0.5 * np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)])
    np.testing.assert_allclose(view.agents[0, :5, :2], velocity, atol=1e-12)
    np.testing.assert_allclose(view.agents[0, :5, 2:4], np.array(places) + 0.1 * velocity, atol=1e-12)
    assert not view.agents[0, 5, :4].any()


def test_speed_is_limited_and_friction_slows(game: Put) -> None:
    task = game([(-0.5, 0.5)])
    for _ in range(8):
        view = task.step(np.array([[2, 0, 0, 0, 0, 0]])).view
    np.testing.assert_allclose(view.agents[0, 0, :2], (0.5, 0.0), atol=1e-12)
    view = task.step(STAY).view
    np.testing.assert_allclose(view.agents[0, 0, :2], (0.375, 0.0), atol=1e-12)


def test_touching_agents_push_each_other_apart_equally(game: Put) -> None:
    task = game([(0.5, 0.5), (0.56, 0.5)])
    view = task.step(STAY).view
    push = 0.1 * 100 * 1e-3 * np.logaddexp(0, 0.02 / 1e-3)
    np.testing.assert_allclose(view.agents[0, :2, :2], [(-push, 0), (push, 0)], atol=1e-12)


def test_landmarks_push_agents_and_stay(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={1: (0.5, 0.42)}, carried={0: RED})
    view = task.step(STAY).view
    push = 0.1 * 100 * 1e-3 * np.logaddexp(0, 0.01 / 1e-3)
    np.testing.assert_allclose(view.agents[0, 0, :2], (0, push), atol=1e-12)
    np.testing.assert_allclose(view.entities[0, 1, :2], (0.5, 0.42))


def test_bodies_in_one_place_do_not_break_the_game(game: Put) -> None:
    task = game([(0.5, 0.5), (0.5, 0.5)])
    assert np.isfinite(task.step(STAY).view.agents).all()


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_walls_push_inwards(game: Put, side: float) -> None:
    task = game([(side * 0.88, 0.1), (0.6, side * 0.88)])
    view = task.step(STAY).view
    push = -side * 0.1 * 100 * 1e-3 * np.logaddexp(0, 0.02 / 1e-3)
    np.testing.assert_allclose(view.agents[0, :2, :2], [(push, 0), (0, push)], atol=1e-12)


@pytest.mark.parametrize(("beyond", "pushed"), [(0.02, True), (0.05, False)])
def test_an_agent_beyond_a_walls_end_is_pushed_around_it(game: Put, beyond: float, pushed: bool) -> None:
    task = game([(0.88, 0.5)])
    task.state.traits[3] = 10.0
    task.state.position[:, 0, 0] = (0.895, 1.0 + beyond)
    view = task.step(STAY).view
    if pushed:
        angle = np.arcsin(beyond / 0.04)
        around = 100e-3 * np.logaddexp(0, (np.cos(angle) * 0.04 + 0.5 - 0.505) / 1e-3)
        sideways = np.array([-np.cos(angle) * around, np.sin(angle) * around])
    else:
        sideways = np.zeros(2)
    inner = -100e-3 * np.logaddexp(0, (0.54 - (1.4 - 1.0 - beyond)) / 1e-3)
    np.testing.assert_allclose(view.agents[0, 0, :2], 0.1 * (sideways + np.array([0.0, inner])), atol=1e-9)


def test_a_pick_up_is_worth_ten_times_the_ability_and_shows_a_step_later(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={2: (0.5, 0.595)})
    step = task.step(STAY)
    assert step.reward[0] == pytest.approx(4.0)
    np.testing.assert_array_equal(step.view.agents[0, 0, 4:], [1, 0, 0, 0, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(task.step(STAY).view.agents[0, 0, 4:], [0, 0, 1, 0, 0, 0, 0, 1, 0, 0])


def test_an_agent_that_touches_several_resources_takes_the_first(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={3: (0.5, 0.595), 5: (0.5, 0.405)})
    task.state.landmark[:, 5, 0], task.state.landmark[:, 3, 0] = (0.5, 0.595), (0.5, 0.405)
    assert reward_of_staying(task) == pytest.approx(6.0)
    assert hands_of(task)[0][0] == BLUE


def test_the_lower_slot_takes_a_resource_that_two_touch(game: Put) -> None:
    task = game([(0.41, 0.5), (0.59, 0.5)], landmarks={1: (0.5, 0.5)})
    assert reward_of_staying(task) == pytest.approx(2.0)
    assert hands_of(task)[0][:2].tolist() == [RED, 0]
    assert hands_of(task)[1][:2].tolist() == [RED, -1]


def test_the_higher_slot_then_takes_the_next_it_touches(game: Put) -> None:
    task = game([(0.41, 0.5), (0.59, 0.5)], landmarks={1: (0.5, 0.5), 2: (0.68, 0.5)})
    assert reward_of_staying(task) == pytest.approx(2.0 + 4.0)
    assert hands_of(task)[0][:2].tolist() == [RED, GREEN]


def test_full_hands_take_nothing(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={1: (0.5, 0.595)}, carried={0: GREEN})
    assert reward_of_staying(task) == 0.0
    assert task.state.carried[0, 0] == GREEN


def test_a_delivery_is_worth_one_and_only_when_carrying(game: Put) -> None:
    task = game([(0.0, 0.129), (0.0, -0.129)], carried={0: BLUE})
    assert reward_of_staying(task) == 1.0
    assert hands_of(task)[0][:2].tolist() == [0, 0]
    assert hands_of(task)[1][:2].tolist() == [0, -1]
    view = task.step(STAY).view
    np.testing.assert_array_equal(view.agents[0, 0, 4:], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0])


def test_catching_the_invader_comes_before_all_else(game: Put) -> None:
    task = game([(0.5, 0.5), (0.5, 0.36)], landmarks={1: (0.58, 0.5), 7: (0.5, 0.43)})
    assert reward_of_staying(task) == 4.0
    assert hands_of(task)[0][:2].tolist() == [0, 0]
    assert hands_of(task)[1][:2].tolist() == [4, -1]
    assert not task.state.there[7, 0]
    assert not task.state.landmark[:, 7, 0].any()


def test_an_agent_may_catch_while_it_carries(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={7: (0.5, 0.43)}, carried={0: RED})
    assert reward_of_staying(task) == 4.0
    assert task.state.carried[0, 0] == RED


def test_an_invader_at_home_costs_four_once_and_ends_nobodys_turn(game: Put) -> None:
    task = game([(0.0, 0.129), (0.5, 0.5)], landmarks={7: (0.1, 0.0)}, carried={0: RED})
    assert reward_of_staying(task) == -4.0 + 1.0
    assert not task.state.there[7, 0]


def test_what_happens_is_counted(game: Put) -> None:
    task = game(
        [(0.0, 0.129), (0.5, 0.5), (-0.5, -0.5)], landmarks={2: (0.5, 0.595), 7: (-0.5, -0.43)}, carried={0: BLUE}
    )
    assert counts_of(task.step(STAY)) == {"picked_up": 1, "delivered": 1, "caught": 1, "invaded": 0}
    task.state.there[7, 0], task.state.landmark[:, 7, 0] = True, (0.1, 0.0)
    assert counts_of(task.step(STAY)) == {"picked_up": 1, "delivered": 1, "caught": 1, "invaded": 1}
    task.reset(np.zeros(1, np.int64), np.ones(1, np.int64))
    assert not any(counts_of(task.step(STAY)).values())


def test_counts_add_up_to_the_return() -> None:
    task = ResourceCollection(games=40, seed=3, dtype=np.float64)
    task.reset(np.arange(40), np.arange(40))
    task.state.traits[:3] = 0.5
    returns = np.zeros(40)
    for _ in range(task.spec.horizon + 3):
        step = task.step(task.greedy())
        returns += step.reward
    counts = {name: values.astype(np.float64) for name, values in step.info.items()}
    assert all(values.any() for values in counts.values())
    np.testing.assert_allclose(
        returns, 5 * counts["picked_up"] + counts["delivered"] + 4 * counts["caught"] - 4 * counts["invaded"]
    )


def test_the_invader_moves_straight_home_after_rewards(game: Put) -> None:
    task = game([(-0.5, 0.5)], landmarks={7: (0.3, 0.4)})
    view = task.step(STAY).view
    np.testing.assert_allclose(view.entities[0, 7], [0.27, 0.36, 0, 0, 0, 0, 1], atol=1e-12)


def test_the_invader_is_back_after_its_delay(game: Put) -> None:
    delays = []
    for episode in range(200):
        task = game([(0.5, 0.5)], landmarks={7: (0.5, 0.43)})
        task.state.episode[:] = episode
        task.step(STAY)
        steps = 0
        while not task.state.there[7, 0]:
            assert not task.state.landmark[:, 7, 0].any()
            task.step(STAY)
            steps += 1
        delays.append(steps)
        place = np.abs(task.state.landmark[:, 7, 0])
        assert place.max() == 0.99 or np.hypot(*place) == pytest.approx(1.42)
    assert set(delays) == set(range(1, 11))


def test_a_resource_reappears_in_the_same_step_away_from_the_others() -> None:
    task = ResourceCollection(games=400, seed=0, team="6")
    task.reset(np.arange(400), np.arange(400))
    for _ in range(60):
        view = task.step(task.greedy()).view
        assert view.present[:, 0, 6:13].all()
        places = view.entities[:, 1:7, :2]
        gaps = np.linalg.norm(places[:, :, None] - places[:, None], axis=3) + np.eye(6)
        assert gaps.min() >= 0.1 - 1e-6
        assert np.abs(places).max() <= 0.95
        assert np.linalg.norm(places, axis=2).min() >= 0.4 - 1e-6


def test_places_are_uniform_in_radius_and_angle() -> None:
    task = ResourceCollection(games=4000, seed=0)
    places = task.reset(np.arange(4000), np.arange(4000)).entities[:, 1, :2].astype(np.float64)
    assert abs(np.linalg.norm(places, axis=1).mean() - 0.675) < 0.01
    angles = np.histogram(np.arctan2(*places.T), bins=8, range=(-np.pi, np.pi))[0] / 4000
    np.testing.assert_allclose(angles, 1 / 8, atol=0.02)


def test_sight_ends_at_a_fifth_plus_the_landmarks_radius(game: Put) -> None:
    task = game([(0.5, 0.5), (0.5, 0.3001), (0.5, 0.7002)], landmarks={1: (0.7499, 0.5), 2: (0.2499, 0.5)})
    view = task.step(STAY).view
    np.testing.assert_array_equal(view.visible[0, 0, :6], [1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(view.visible[0, 0, 6:], [0, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(view.present[0, 0], [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0])
    assert not view.present[0, 3:].any()
    assert not view.visible[0, 3:].any()
    assert view.members()[0].tolist() == [True] * 3 + [False] * 3


def test_entities_are_home_three_kinds_twice_and_the_invader(game: Put) -> None:
    kinds = game([(0.5, 0.5)]).step(STAY).view.entities[0, :, 2:].argmax(axis=1)
    assert kinds.tolist() == [0, 1, 2, 3, 1, 2, 3, 4]


def test_static_nothing_reappears_and_there_is_no_invader(game: Put) -> None:
    task = ResourceCollection(games=50, seed=0, team="6", options={"variant": "static"})
    task.reset(np.arange(50), np.arange(50))
    left = 6
    for _ in range(task.spec.horizon):
        view = task.step(task.greedy()).view
        assert not view.present[:, :, 13].any()
        now = view.present[:, 0, 7:13].sum(axis=1).max()
        assert now <= left
        left = now
    assert left < 6
    assert view.traits[..., 3].max() <= 0.4


def test_medium_resources_reappear_and_there_is_no_invader() -> None:
    task = ResourceCollection(games=20, seed=0, options={"variant": "medium"})
    task.reset(np.arange(20), np.arange(20))
    for _ in range(task.spec.horizon):
        view = task.step(task.greedy()).view
        assert view.present[:, 0, 6:13].all()
        assert not view.present[:, :, 13].any()
    assert set(np.unique(view.traits[..., 3].astype(np.float64).round(3)).tolist()) == {0.15, 0.25, 0.35}


def test_dynamic_the_invader_is_back_after_one_step(game: Put) -> None:
    task = game([(0.5, 0.5)], landmarks={7: (0.5, 0.43)}, options={"variant": "dynamic"})
    task.step(STAY)
    assert not task.state.there[7, 0]
    task.step(STAY)
    assert task.state.there[7, 0]


def test_carried_an_episode_begins_with_the_absence_of_the_one_before(game: Put) -> None:
    for option, there in (("fresh", True), ("carried", False)):
        task = game([(0.5, 0.5)], landmarks={7: (0.5, 0.43)}, options={"invader": option})
        task.step(STAY)
        delay = task.state.delay[0]
        task.reset(np.zeros(1, np.int64), np.ones(1, np.int64))
        assert task.state.there[7, 0] == there
        assert task.state.delay[0] == (0 if there else delay)
