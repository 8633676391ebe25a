"""Every method, and the forms of the family, trains through the real services."""

import json
from pathlib import Path

import pytest

from copa.methods import METHODS
from tests.system.conftest import Start

FORMS = {
    **{name: ("--method", name) for name in METHODS},
    "hyper": ("--nets.strategy_input", "hyper"),
    "both": ("--method", "refil", "--method.refil_split", "both"),
    "T=1": ("--method.T", "1"),
    "T=24": ("--method.T", "24"),
    "matched": ("--method", "aqmix", "--nets.matched", "true", "--learning.segment_start", "stored"),
}


@pytest.mark.parametrize("form", FORMS)
def test_trains(form: str, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ("--preset", "smoke", "--run.steps", "2000", "--telemetry.tensorboard", "false")
    run = start(*settings, "--evaluator.final_episodes=4", *FORMS[form], "--run-dir", str(folder))
    assert run.wait() == 0, run.said()
    final = json.loads((folder / "final.json").read_text())
    assert final["steps"] >= 2000
    assert final["updates"] >= 1
    assert set(final["policies"]["trained"]) == set(final["policies"]["random"])
