"""A real run under the doctor's eyes, and the command."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPA = (sys.executable, "-m", "copa.cli")
SECONDS = 180
"""Longest that one command may take; loading PyTorch takes most of a minute on a busy machine."""


def asked(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    command = [*COPA, "doctor", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in problems] == ["redis", "coach"]


def test_pytorch_that_cannot_be_loaded_is_a_problem_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text('raise ImportError("libtorch_cpu.so: cannot open shared object file")\n')
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    command = [*COPA, "doctor", "--coach.address", "127.0.0.1:1"]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split()[1] for line in problems] == ["device", "coach"]
    assert "libtorch_cpu.so" in problems[0]


def test_a_process_that_is_named_badly_is_refused() -> None:
    command = [*COPA, "doctor", "--process", "actor-0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    assert "write NAME=URL" in done.stderr
