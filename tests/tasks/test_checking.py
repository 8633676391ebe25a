"""The checks of the contract find every fault, and nothing where there is none."""

import json
import re
from pathlib import Path

import pytest
from piano_movers import PianoMovers

from copa.cli.main import run as copa
from copa.tasks.checking.subject import Check, Subject
from copa.tasks.checking.suite import CHECKS, run
from tests.tasks import broken

BY_NAME = {check.name: check for check in CHECKS}
FAULTS = [(BY_NAME[name], kind, words) for name, kinds in broken.FAULTS.items() for kind, words in kinds.items()]


@pytest.mark.parametrize(
    ("check", "kind", "words"), FAULTS, ids=[f"{check.name}-{kind.__name__}" for check, kind, _ in FAULTS]
)
def test_a_fault_is_found(check: Check, kind: type[PianoMovers], words: str) -> None:
    finding = run(check, Subject("piano_movers", kind, {}))
    assert finding.state == "wrong"
    assert re.search(words, finding.found), finding.found
    assert finding.line.endswith(f"; required: {check.requires}")


def test_every_check_has_a_fault() -> None:
    assert {*broken.FAULTS, "process"} == set(BY_NAME)


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "movers-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: movers\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[copa.tasks]\n"
        "piano_movers = piano_movers:PianoMovers\n"
        "of_this_process = tests.tasks.broken:OfThisProcess\n"
        "raises = tests.tasks.broken:Raises\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("registered")
def test_a_sound_task_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert copa(["tasks", "check", "piano_movers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", check.name] for check in CHECKS]
    assert lines[-1] == f"piano_movers: {len(CHECKS)} checks, none wrong"


@pytest.mark.usefixtures("registered")
def test_another_process_is_asked() -> None:
    finding = run(BY_NAME["process"], Subject("of_this_process", broken.OfThisProcess, {}))
    assert finding.state == "wrong"
    assert re.search(r"agents\[0, 0\] of episode 0 at step 0 is \S+, and \S+ in another process", finding.found)


@pytest.mark.usefixtures("registered")
def test_checks_that_need_a_sound_beginning_are_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert copa(["tasks", "check", "raises", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    states = [(finding["check"], finding["state"]) for finding in told["checks"]]
    assert states == [("spec", "wrong"), *[(check.name, "skipped") for check in CHECKS[1:]]]
    assert "registered as 'raises'" in told["checks"][0]["found"]


def test_options_reach_the_task_and_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert copa(["tasks", "check", "resource_collection", "--task.options.variant", "statik"]) == 2
    assert "did you mean 'static'" in capsys.readouterr().err
    assert copa(["tasks", "check", "resource_colection"]) == 2
    assert "did you mean 'resource_collection'" in capsys.readouterr().err
