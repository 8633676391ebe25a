"""The contract of tasks, kept with either set."""

import numpy as np
import pytest

from copa.errors import DataError
from copa.tasks import make_task
from copa.tasks.base import Task, View
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS
from tests.tasks.starcraft.test_task import NAMES, VIEW, drawn


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_dtypes_are_those_of_the_spec(name: str) -> None:
    task = make_task(name, games=3, seed=0)
    spec = task.spec
    view = task.reset(np.arange(3), np.arange(3))
    step = task.step(drawn(view, np.arange(3), 0))
    shapes = {
        "agents": (3, 8, spec.agent_features),
        "traits": (3, 8, spec.trait_features),
        "entities": (3, 8, spec.entity_features),
        "visible": (3, 8, 16),
        "present": (3, 8, 16),
        "available": (3, 8, len(spec.actions)),
    }
    for field, shape in shapes.items():
        array = getattr(step.view, field)
        assert array.shape == shape
        assert array.dtype == (np.float32 if field in ("agents", "traits", "entities") else np.bool_)
        assert array.flags.c_contiguous
    assert step.view.available.any(axis=2).all()
    assert (step.reward.dtype, step.terminated.dtype, step.truncated.dtype) == (np.float32, np.bool_, np.bool_)
    assert set(step.info) == {"battle_won"}


def played(name: str, episodes: np.ndarray, steps: int) -> dict[int, bytes]:
    """Everything seen in the episodes, played side by side."""
    task = make_task(name, games=len(episodes), seed=9)
    view = task.reset(np.arange(len(episodes)), episodes)
    seen: list[list[bytes]] = [[] for _ in episodes]
    for number in range(steps):
        step = task.step(drawn(view, episodes, number))
        view = step.view
        for row, record in enumerate(seen):
            arrays = (*(getattr(view, field) for field in VIEW), step.reward, step.terminated, step.truncated)
            record.extend(array[row].tobytes() for array in arrays)
    return {int(episode): b"".join(record) for episode, record in zip(episodes, seen, strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_a_game_is_bit_for_bit_the_same_whatever_is_beside_it(name: str) -> None:
    episodes = np.arange(16)
    together = played(name, episodes, 60)
    assert played(name, episodes[::-1], 60) == together
    assert played(name, episodes[5:6], 60)[5] == together[5]


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_is_everything(name: str) -> None:
    first, second = (make_task(name, games=4, seed=2) for _ in range(2))
    view = first.reset(np.arange(4), np.arange(4))
    for number in range(20):
        view = first.step(drawn(view, np.arange(4), number)).view
    state = first.snapshot()
    restored = second.restore(state)
    for field in VIEW:
        np.testing.assert_array_equal(getattr(restored, field), getattr(view, field))
    one = record(first, view)
    np.testing.assert_array_equal(one, record(second, restored))
    np.testing.assert_array_equal(one, record(first, first.restore(state)))


def record(task: Task, view: View) -> np.ndarray:
    found = []
    for number in range(20, 50):
        step = task.step(drawn(view, np.arange(4), number))
        view = step.view
        found.append(np.concatenate((view.agents.ravel(), step.reward)))
    return np.stack(found)


def test_a_foreign_snapshot_is_refused() -> None:
    state = make_task(NAMES[0], games=2, seed=0).snapshot()
    with pytest.raises(DataError, match="clock"):
        make_task(NAMES[0], games=3, seed=0).restore(state)
    del state["tags"]
    with pytest.raises(DataError, match="'tags' is nothing"):
        make_task(NAMES[0], games=2, seed=0).restore(state)


def test_views_belong_to_the_receiver() -> None:
    task = make_task(NAMES[1], games=4, seed=0)
    view = task.reset(np.arange(4), np.arange(4))
    for number in range(10):
        kept = [getattr(view, field).copy() for field in VIEW]
        mine = view
        view = task.step(drawn(view, np.arange(4), number)).view
        for before, field in zip(kept, VIEW, strict=True):
            np.testing.assert_array_equal(before, getattr(mine, field))
            getattr(mine, field)[...] = 1
    state = task.snapshot()
    restored = task.restore(state)
    np.testing.assert_array_equal(restored.agents, view.agents)


def test_games_that_were_never_started_do_nothing() -> None:
    task = make_task(NAMES[0], games=2, seed=0)
    step = task.step(np.ones((2, 8), np.int64))
    assert not step.view.members().any()
    assert not np.stack((step.reward, step.terminated, step.truncated)).any()
    assert not step.view.agents.any()
    assert step.view.available.argmax(axis=2).tolist() == [[0] * 8] * 2


def test_the_expert_wins_battles_and_random_play_does_not() -> None:
    for name, scenarios in zip(NAMES, (ZEALOTS_AND_STALKERS, MARINES_MARAUDERS_MEDIVACS), strict=True):
        wins = {}
        for who in ("greedy", "random"):
            task = make_task(name, games=64, seed=1)
            view = task.reset(np.arange(64), np.arange(64))
            running, won, total = np.ones(64, np.bool_), 0, np.zeros(64)
            for number in range(150):
                step = task.step(task.greedy() if who == "greedy" else drawn(view, np.arange(64), number))
                view = step.view
                total += step.reward
                won += int(step.info["battle_won"].sum())
                running &= ~(step.terminated | step.truncated)
                if not running.any():
                    break
            assert not running.any()
            assert total.min() >= 0
            assert total.max() < 3 * 20 * scenarios.armies.sum(axis=1).max()
            wins[who] = won
        assert wins["greedy"] > wins["random"] == 0
