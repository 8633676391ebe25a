"""What every user of a task relies on."""

import dataclasses

import numpy as np
import pytest

from copa.errors import DataError
from copa.tasks import make_task
from copa.tasks.base import Option, Step, View

FIELDS = [field.name for field in dataclasses.fields(View)]
BUSY: dict[str, Option] = {"fire_probability": 0.03, "team_period": 3}


def actions_of(episodes: np.ndarray, step: int) -> np.ndarray:
    return np.array([np.random.default_rng([episode, step]).integers(0, 5, 8) for episode in episodes])


def parts(view: View) -> list[np.ndarray]:
    return [getattr(view, name) for name in FIELDS]


def played(team: str, episodes: np.ndarray, options: dict[str, Option], *, greedy: bool) -> dict[int, bytes]:
    """Everything seen in the episodes, played side by side."""
    task = make_task("rescue", games=len(episodes), seed=9, team=team, options=options)
    view = task.reset(np.arange(len(episodes)), episodes)
    seen = [[part[row].tobytes() for part in parts(view)] for row in range(len(episodes))]
    for number in range(task.spec.horizon):
        step = task.step(task.greedy() if greedy else actions_of(episodes, number))
        for row, record in enumerate(seen):
            record.extend(part[row].tobytes() for part in (*parts(step.view), step.reward, step.truncated))
    return {int(episode): b"".join(record) for episode, record in zip(episodes, seen, strict=True)}


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize(
    ("team", "options"), [("train", {}), ("8", BUSY), ("varying", BUSY), ("8", {"shared_cells": False})]
)
def test_a_game_is_bit_for_bit_the_same_whatever_is_beside_it(
    team: str, options: dict[str, Option], greedy: bool
) -> None:
    episodes = np.arange(64)
    together = played(team, episodes, options, greedy=greedy)
    assert len(set(together.values())) == 64
    assert played(team, np.random.default_rng(0).permutation(episodes), options, greedy=greedy) == together
    for batch in (episodes[20:27], episodes[5:6]):
        for episode, record in played(team, batch, options, greedy=greedy).items():
            assert record == together[episode]


def test_seeds_and_episodes_differ() -> None:
    views = [
        make_task("rescue", games=1, seed=seed).reset(np.zeros(1, np.int64), np.array([episode]))
        for seed, episode in ((0, 0), (0, 3), (1, 0), (0, 2**40))
    ]
    assert len({view.entities.tobytes() for view in views}) == 4


def test_shapes_and_dtypes_are_those_of_the_spec() -> None:
    task = make_task("rescue", games=3, seed=0)
    spec = task.spec
    for view in (task.reset(np.arange(3), np.arange(3)), task.step(np.zeros((3, 8), np.int64)).view):
        for name, shape in {
            "agents": (3, spec.slots, spec.agent_features),
            "traits": (3, spec.slots, spec.trait_features),
            "entities": (3, spec.entity_rows, spec.entity_features),
            "visible": (3, spec.slots, spec.rows),
            "present": (3, spec.slots, spec.rows),
            "available": (3, spec.slots, len(spec.actions)),
        }.items():
            array = getattr(view, name)
            assert array.shape == shape
            assert array.dtype == (np.float32 if name in ("agents", "traits", "entities") else np.bool_)
            assert array.flags.c_contiguous


def test_views_belong_to_the_receiver() -> None:
    task = make_task("rescue", games=4, seed=0, team="varying", options=BUSY)
    view = task.reset(np.arange(4), np.arange(4))
    for number in range(20):
        kept = [part.copy() for part in parts(view)]
        mine = view
        view = task.step(actions_of(np.arange(4), number)).view
        for before, after in zip(kept, parts(mine), strict=True):
            np.testing.assert_array_equal(before, after)
        for part in parts(mine):
            part[...] = 1
    restored = task.restore(task.snapshot())
    for before, after in zip(parts(view), parts(restored), strict=True):
        np.testing.assert_array_equal(before, after)


def play_to(task, step: int) -> Step:  # type: ignore[no-untyped-def]
    for number in range(step):
        last = task.step(actions_of(np.arange(task.games), number))
    return last


def test_an_ended_game_stays_as_it_is_until_it_is_reset() -> None:
    task = make_task("rescue", games=3, seed=0, team="varying", options=BUSY)
    task.reset(np.arange(3), np.arange(3))
    play_to(task, 30)
    task.reset(np.array([1]), np.array([7]))
    last = play_to(task, 20)
    assert last.truncated.tolist() == [True, False, True]
    after = play_to(task, 5)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(after.view, name)[[0, 2]], getattr(last.view, name)[[0, 2]])
    assert not after.truncated.any()
    assert after.reward[[0, 2]].tolist() == [0.0, 0.0]
    assert task.snapshot()["clock"].tolist() == [50, 25, 50]
    view = task.reset(np.array([0]), np.array([9]))
    first = make_task("rescue", games=1, seed=0, team="varying", options=BUSY).reset(np.zeros(1, int), np.array([9]))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(view, name)[:1], getattr(first, name))


def test_a_reset_of_no_rows_changes_nothing() -> None:
    task = make_task("rescue", games=3, seed=0)
    before = task.reset(np.arange(3), np.arange(3))
    after = task.reset(np.empty(0, np.int64), np.empty(0, np.int64))
    for first, second in zip(parts(before), parts(after), strict=True):
        np.testing.assert_array_equal(first, second)


def test_games_that_were_never_started_do_nothing() -> None:
    task = make_task("rescue", games=2, seed=0, options={"fire_probability": 1.0})
    step = task.step(task.greedy())
    assert not step.view.members().any()
    assert not step.view.entities.any()
    assert not step.truncated.any()
    assert not step.reward.any()


@pytest.mark.parametrize("team", ["train", "varying"])
def test_a_snapshot_is_everything(team: str) -> None:
    task = make_task("rescue", games=5, seed=2, team=team, options=BUSY)
    task.reset(np.arange(5), np.arange(5))
    play_to(task, 23)
    state = task.snapshot()
    first = play_to(task, 20)
    other = make_task("rescue", games=5, seed=2, team=team, options=BUSY)
    other.restore(state)
    second = play_to(other, 20)
    task.restore(state)
    third = play_to(task, 20)
    for step in (second, third):
        np.testing.assert_array_equal(step.reward, first.reward)
        for before, after in zip(parts(step.view), parts(first.view), strict=True):
            np.testing.assert_array_equal(before, after)


def test_a_foreign_snapshot_is_refused() -> None:
    state = make_task("rescue", games=2, seed=0).snapshot()
    with pytest.raises(DataError, match="robot"):
        make_task("rescue", games=3, seed=0).restore(state)
    del state["clock"]
    with pytest.raises(DataError, match="clock"):
        make_task("rescue", games=2, seed=0).restore(state)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((2, 5), np.int64), r"int64\[2, 5\]"),
        (np.zeros((2, 8)), "float64"),
        (np.full((2, 8), 5), "from 5 to 5"),
        (np.full((2, 8), -1), "allowed are 0 to 4"),
    ],
)
def test_what_is_no_action_is_refused(actions: np.ndarray, message: str) -> None:
    task = make_task("rescue", games=2, seed=0)
    task.reset(np.arange(2), np.arange(2))
    with pytest.raises(DataError, match=message):
        task.step(actions)
