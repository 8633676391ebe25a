"""What REFIL's environment made of recorded battles follows from our functions, on every row."""

import numpy as np
import pytest

from tests.golden.__main__ import main
from tests.golden.battles import check, recognises
from tests.tasks.starcraft.recorded import FOLDER, recording

ROWS = {"3-8sz": 1247, "3-8MMM": 1284}


@pytest.mark.parametrize("name", ROWS)
def test_every_recorded_row_is_reproduced(name: str) -> None:
    recorded = recording(name)
    assert recognises(recorded)
    assert len(recorded["actions"]) == ROWS[name]
    report = check(recorded)
    assert report.passed, {field: report.deviations[field] for field in report.misses()}
    assert {"entities", "obs_mask", "entity_mask", "avail_actions", "reward", "reset_entities"} <= set(
        report.deviations
    )


@pytest.mark.parametrize("field", ["entities", "obs_mask", "entity_mask", "avail_actions", "reward", "terminated"])
def test_a_wrong_recording_is_a_miss(field: str) -> None:
    recorded = dict(recording("3-8sz"))
    values = recorded[field].copy()
    values.flat[values.size // 2] = ~values.flat[values.size // 2] if values.dtype == bool else 7.0
    assert check(recorded | {field: values}).misses() == [field]


def test_the_command_knows_the_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FOLDER / "3-8sz.npz")]) == 0
    said = capsys.readouterr().out
    assert "StarCraft steps" in said
    assert said.endswith("passed\n")


def test_other_arrays_are_not_recognised() -> None:
    assert not recognises({"actions": np.zeros(3), "obs_mask": np.zeros(3)})
