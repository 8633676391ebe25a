"""The recorded steps of the published task."""

from pathlib import Path

import numpy as np
import pytest

from tests.golden.environment import check, recognises

RECORDED = Path(__file__).parents[1] / "golden" / "resource_collection.npz"


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(RECORDED) as file:
        return dict(file)


def test_one_step_from_every_recorded_state_gives_the_recorded_result(recorded: dict[str, np.ndarray]) -> None:
    assert recognises(recorded)
    assert len(recorded["actions"]) == 1305
    report = check(recorded)
    assert report.passed, {field: report.deviations[field] for field in report.misses()}


def test_a_wrong_recording_is_a_miss(recorded: dict[str, np.ndarray]) -> None:
    rewards = recorded["reward"].copy()
    rewards[3] += 1e-3
    report = check(recorded | {"reward": rewards})
    assert report.misses() == ["reward (float64)", "reward (float32)"]
    assert not check(recorded | {"obs": np.full_like(recorded["obs"], np.nan)}).passed


def test_other_arrays_are_not_recognised() -> None:
    assert not recognises({"actions": np.zeros(3)})
