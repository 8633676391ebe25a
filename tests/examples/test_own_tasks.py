"""The example tasks: installed by pip, found by their entry points, checked, and trained through the real services."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.coach.parts import ROOT
from tests.system.conftest import Start, start

__all__ = ["start"]

PACKAGES = ("piano_movers", "mpe2_spread")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has both packages."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder)]
    done = subprocess.run(
        [*pip, *offline, *(str(ROOT / "examples" / package) for package in PACKAGES)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    return kept | {"PYTHONPATH": str(folder)}


def copa(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, away from the checkout."""
    command = [sys.executable, "-m", "copa.cli", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_keeps_the_contract(name: str, installed: dict[str, str], tmp_path: Path) -> None:
    listed = copa(installed, tmp_path, "tasks", "--json")
    assert listed.returncode == 0, listed.stderr
    assert {"resource_collection", *PACKAGES} <= {task["name"] for task in json.loads(listed.stdout)["tasks"]}
    done = copa(installed, tmp_path, "tasks", "check", name, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {finding["state"] for finding in json.loads(done.stdout)["checks"]} == {"ok"}


@pytest.mark.parametrize("name", PACKAGES)
def test_trains(name: str, installed: dict[str, str], tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "run"
    settings = ("--run.steps", "2000", "--telemetry.tensorboard", "false", "--run-dir", str(folder))
    run = start("--preset", "smoke", "--task", name, *settings, environment=installed)
    assert run.wait(240) == 0, run.said()
    final = json.loads((folder / "final.json").read_text())
    assert final["steps"] >= 2000
    assert final["updates"] >= 1
    for policy in ("trained", "greedy", "random"):
        assert list(final["policies"][policy])[:2] == ["train", "5"]
    greedy, chance = (final["policies"][policy]["5"]["mean"] for policy in ("greedy", "random"))
    assert greedy > chance


def test_the_documentation_shows_the_examples() -> None:
    text = (ROOT / "docs" / "your-own-task.md").read_text(encoding="utf-8")
    examples = [
        path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in sorted((ROOT / "examples" / package).rglob("*"))
        if path.suffix in (".py", ".toml")
    ]
    blocks = re.findall(r"^```(?:python|toml)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        assert any(block in example for example in examples), block
