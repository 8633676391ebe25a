"""A real run under the doctor's eyes, and the command."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

COPA = (sys.executable, "-m", "copa.cli")


def asked(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    command = [*COPA, "doctor", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_run_that_trains(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = [*COPA, "train", "--preset", "smoke", "--run.steps", "10000000", "--run-dir", str(run), "--plain"]
    with subprocess.Popen(train, stdout=subprocess.DEVNULL) as trained:
        try:
            deadline = time.monotonic() + 60
            while not any((run / "checkpoints").glob("*.safetensors")):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            code, findings = asked("--run-dir", str(run), "--seconds", "3")
        finally:
            trained.terminate()
    found = {finding["subject"]: finding for finding in findings}
    assert code == 0, findings
    assert found["coach"]["state"] == found["schema"]["state"] == found["redis"]["state"] == "ok"
    assert "its learner is alive" in found["run"]["text"]
    assert found["bottleneck"]["state"] in ("ok", "warning")
    assert "environment steps/s" in found["bottleneck"]["text"]
    code, findings = asked("--run-dir", str(run))
    assert code == 0
    assert "bottleneck" not in {finding["subject"] for finding in findings}


def test_a_problem_is_an_exit_code_and_words(tmp_path: Path) -> None:
    command = [*COPA, "doctor", "--redis.url", "redis://127.0.0.1:1", "--coach.address", "127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in problems] == ["redis", "coach"]


def test_a_process_that_is_named_badly_is_refused() -> None:
    command = [*COPA, "doctor", "--process", "actor-0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "write NAME=URL" in done.stderr
