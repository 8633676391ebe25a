"""What every user of a task relies on."""

import dataclasses

import numpy as np
import pytest

from copa.errors import DataError
from copa.tasks import make_task
from copa.tasks.base import Step, View

FIELDS = [field.name for field in dataclasses.fields(View)]


def actions_of(episodes: np.ndarray, step: int) -> np.ndarray:
    return np.array([np.random.default_rng([episode, step]).integers(0, 5, 6) for episode in episodes])


def played(team: str, episodes: np.ndarray, *, greedy: bool) -> dict[int, bytes]:
    """Everything seen in the episodes, played side by side."""
    task = make_task("resource_collection", games=len(episodes), seed=9, team=team)
    view = task.reset(np.arange(len(episodes)), episodes)
    seen = [[part[row].tobytes() for part in parts(view)] for row in range(len(episodes))]
    for number in range(task.spec.horizon):
        step = task.step(task.greedy() if greedy else actions_of(episodes, number))
        for row, record in enumerate(seen):
            record.extend(part[row].tobytes() for part in (*parts(step.view), step.reward, step.truncated))
    return {int(episode): b"".join(record) for episode, record in zip(episodes, seen, strict=True)}


def parts(view: View) -> list[np.ndarray]:
    return [getattr(view, name) for name in FIELDS]


def assert_same(first: View, second: View) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("team", ["train", "6", "varying"])
def test_a_game_is_bit_for_bit_the_same_whatever_is_beside_it(team: str, greedy: bool) -> None:
    episodes = np.arange(64)
    together = played(team, episodes, greedy=greedy)
    assert played(team, np.random.default_rng(0).permutation(episodes), greedy=greedy) == together
    for batch in (episodes[20:27], episodes[5:6]):
        for episode, record in played(team, batch, greedy=greedy).items():
            assert record == together[episode]


def test_seeds_and_episodes_differ() -> None:
    views = [
        make_task("resource_collection", games=1, seed=seed).reset(np.zeros(1, np.int64), np.array([episode]))
        for seed, episode in ((0, 0), (0, 3), (1, 0), (0, 2**40))
    ]
    assert len({view.entities.tobytes() for view in views}) == 4


def test_shapes_and_dtypes_are_those_of_the_spec() -> None:
    task = make_task("resource_collection", games=3, seed=0)
    spec = task.spec
    task.reset(np.arange(3), np.arange(3))
    step = task.step(np.zeros((3, spec.slots), np.int64))
    shapes = {
        "agents": (3, spec.slots, spec.agent_features),
        "traits": (3, spec.slots, spec.trait_features),
        "entities": (3, spec.entity_rows, spec.entity_features),
        "visible": (3, spec.slots, spec.rows),
        "present": (3, spec.slots, spec.rows),
        "available": (3, spec.slots, len(spec.actions)),
    }
    for name, shape in shapes.items():
        array = getattr(step.view, name)
        assert array.shape == shape
        assert array.dtype == (np.float32 if name in ("agents", "traits", "entities") else np.bool_)
        assert array.flags.c_contiguous
    assert step.view.available.all()
    assert (step.reward.dtype, step.terminated.dtype, step.truncated.dtype) == (np.float32, np.bool_, np.bool_)


def test_views_belong_to_the_receiver() -> None:
    task = make_task("resource_collection", games=4, seed=0)
    rng = np.random.default_rng(0)
    view = task.reset(np.arange(4), np.arange(4))
    for _ in range(20):
        kept = [part.copy() for part in parts(view)]
        mine = view
        view = task.step(rng.integers(0, 5, (4, 6))).view
        for before, after in zip(kept, parts(mine), strict=True):
            np.testing.assert_array_equal(before, after)
        for part in parts(mine):
            part[...] = 1
    state = task.snapshot()
    assert_same(task.restore(state), view)


def play_to(task, step: int) -> Step:  # type: ignore[no-untyped-def]
    for number in range(step):
        last = task.step(actions_of(np.arange(task.games), number))
    return last


def test_an_ended_game_stays_as_it_is_until_it_is_reset() -> None:
    task = make_task("resource_collection", games=3, seed=0, team="varying")
    task.reset(np.arange(3), np.arange(3))
    play_to(task, 100)
    task.reset(np.array([1]), np.array([7]))
    last = play_to(task, 45)
    assert last.truncated.tolist() == [True, False, True]
    assert not last.terminated.any()
    state = task.snapshot()
    for greedy in (False, True):
        after = task.step(task.greedy() if greedy else actions_of(np.arange(3), 0))
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(after.view, name)[[0, 2]], getattr(last.view, name)[[0, 2]])
        assert not after.truncated.any()
        assert after.reward[[0, 2]].tolist() == [0.0, 0.0]
        assert task.snapshot()["clock"][1] > state["clock"][1]
    view = task.reset(np.array([0]), np.array([9]))
    fresh = make_task("resource_collection", games=1, seed=0, team="varying")
    first = fresh.reset(np.zeros(1, np.int64), np.array([9]))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(view, name)[:1], getattr(first, name))


def test_games_that_were_never_started_do_nothing() -> None:
    task = make_task("resource_collection", games=2, seed=0)
    step = task.step(np.ones((2, 6), np.int64))
    assert not step.view.members().any()
    assert not step.truncated.any()
    assert not step.reward.any()
    assert np.isfinite(step.view.agents).all()


@pytest.mark.parametrize("team", ["train", "varying"])
def test_a_snapshot_is_everything(team: str) -> None:
    task = make_task("resource_collection", games=5, seed=2, team=team)
    task.reset(np.arange(5), np.arange(5))
    play_to(task, 33)
    state = task.snapshot()
    first = play_to(task, 40)
    other = make_task("resource_collection", games=5, seed=2, team=team)
    other.restore(state)
    second = play_to(other, 40)
    assert_same(first.view, second.view)
    np.testing.assert_array_equal(first.reward, second.reward)
    task.restore(state)
    assert_same(play_to(task, 40).view, second.view)


def test_a_foreign_snapshot_is_refused() -> None:
    state = make_task("resource_collection", games=2, seed=0).snapshot()
    with pytest.raises(DataError, match="position"):
        make_task("resource_collection", games=3, seed=0).restore(state)
    del state["clock"]
    with pytest.raises(DataError, match="clock"):
        make_task("resource_collection", games=2, seed=0).restore(state)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((2, 5), np.int64), r"int64\[2, 5\]"),
        (np.zeros((2, 6)), "float64"),
        (np.full((2, 6), 5), "from 5 to 5"),
        (np.full((2, 6), -1), "allowed are 0 to 4"),
    ],
)
def test_what_is_no_action_is_refused(actions: np.ndarray, message: str) -> None:
    task = make_task("resource_collection", games=2, seed=0)
    task.reset(np.arange(2), np.arange(2))
    with pytest.raises(DataError, match=message):
        task.step(actions)


def test_a_reset_outside_the_games_is_refused() -> None:
    task = make_task("resource_collection", games=2, seed=0)
    for rows, episodes in (([2], [0]), ([0], [-1]), ([0, 1], [0])):
        with pytest.raises(DataError, match="reset"):
            task.reset(np.array(rows), np.array(episodes))
