"""The method that `docs/your-own-method.md` adds is one line in one file, and trains."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("copa", "protos", "actor", "learner", "coach_service", "evaluator")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the line of the page in it."""
    folder = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    page = (ROOT / "docs" / "your-own-method.md").read_text(encoding="utf-8")
    (change,) = re.findall(r"^```diff\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    behind, added = change.splitlines(keepends=True)
    methods = folder / "copa" / "methods.py"
    before = methods.read_text(encoding="utf-8")
    assert before.count(behind[1:]) == 1
    methods.write_text(before.replace(behind[1:], behind[1:] + added[1:]), encoding="utf-8")
    return folder


def copa(sources: Path, *arguments: str) -> str:
    """What a command of these sources prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "copa.cli", *arguments],
        cwd=sources,
        env=os.environ | {"PYTHONPATH": str(sources)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_listed_and_counted(sources: Path) -> None:
    rows = {row["method"]: row for row in json.loads(copa(sources, "methods", "--parameters", "--json"))["methods"]}
    assert rows["avdn-full"]["player"] == rows["aqmix-full"]["player"]
    assert rows["avdn-full"]["mixer"] == 0


def test_it_trains(sources: Path) -> None:
    settings = ("--preset", "smoke", "--run.steps", "2000", "--telemetry.tensorboard", "false")
    folder = sources / "run"
    final = "--evaluator.final_episodes=4"
    copa(sources, "train", "--plain", "--method", "avdn-full", *settings, final, "--run-dir", str(folder))
    assert json.loads((folder / "final.json").read_text())["updates"] >= 1
