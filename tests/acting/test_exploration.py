"""Epsilon's schedule and the share of random actions."""

import numpy as np
import pytest

from copa.acting import Exploration, epsilon_at, random_actions
from copa.config.schema import ExplorationSettings


def test_epsilon_falls_exponentially_to_its_end() -> None:
    settings = ExplorationSettings()
    assert epsilon_at(settings, 0.0) == 1.0
    assert epsilon_at(settings, 0.5) == pytest.approx(0.05**0.5)
    assert epsilon_at(settings, 1.0) == pytest.approx(0.05)
    assert epsilon_at(settings, 1.5) == pytest.approx(0.05)


def test_epsilon_reaches_its_end_after_the_fraction() -> None:
    settings = ExplorationSettings(fraction=0.25)
    assert epsilon_at(settings, 0.125) == pytest.approx(0.05**0.5)
    assert epsilon_at(settings, 0.25) == pytest.approx(0.05)


def test_no_exploration_where_epsilon_starts_at_zero() -> None:
    assert epsilon_at(ExplorationSettings(start=0.0, end=0.0), 0.3) == 0.0


@pytest.mark.parametrize("form", ["steps", "stretches"])
@pytest.mark.parametrize("epsilon", [0.05, 0.4, 0.95, 1.0])
def test_share_of_random_actions_is_epsilon(form: str, epsilon: float) -> None:
    games, slots, actions, steps = 64, 6, 5, 400
    exploration = Exploration(
        ExplorationSettings.model_validate({"form": form}), games, slots, np.random.default_rng(1)
    )
    exploration.start(np.arange(games), epsilon)
    greedy = np.zeros((games, slots), dtype=np.int64)
    available = np.ones((games, slots, actions), dtype=bool)
    others = np.mean([(exploration.mix(greedy, available, epsilon) != 0).mean() for _ in range(steps)])
    assert others == pytest.approx(epsilon * (actions - 1) / actions, abs=0.02)


def test_stretches_repeat_actions() -> None:
    games = 256
    settings = ExplorationSettings(form="stretches", repeat=0.5)
    exploration = Exploration(settings, games, 1, np.random.default_rng(2))
    exploration.start(np.arange(games), 1.0)
    available = np.ones((games, 1, 5), dtype=bool)
    greedy = np.zeros((games, 1), dtype=np.int64)
    before = exploration.mix(greedy, available, 1.0)
    same = []
    for _ in range(100):
        now = exploration.mix(greedy, available, 1.0)
        same.append((now == before).mean())
        before = now
    assert np.mean(same) == pytest.approx(0.5 + 0.5 / 5, abs=0.02)


@pytest.mark.parametrize("form", ["steps", "stretches"])
def test_only_available_actions_are_chosen(form: str) -> None:
    rng = np.random.default_rng(3)
    exploration = Exploration(ExplorationSettings.model_validate({"form": form}), 32, 4, rng)
    exploration.start(np.arange(32), 1.0)
    for _ in range(200):
        available = rng.random((32, 4, 6)) < 0.3
        available[..., 2] |= ~available.any(axis=2)
        greedy = available.argmax(axis=2)
        chosen = exploration.mix(greedy, available, 0.7)
        assert np.take_along_axis(available, chosen[..., None], axis=2).all()


def test_an_action_is_available_also_where_a_draw_is_nothing() -> None:
    """A generator may give 0.0, which must not make the first action of all as good as an available one."""

    class Nothing(np.random.Generator):
        def random(self, size: object, dtype: object = None) -> np.ndarray:  # type: ignore[override]
            return np.zeros(size, dtype)  # type: ignore[call-overload, no-any-return]

    available = np.array([[[False, False, True], [False, True, False]]])
    assert random_actions(available, Nothing(np.random.PCG64(0))).tolist() == [[2, 1]]
