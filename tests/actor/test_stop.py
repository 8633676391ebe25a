"""`python -m actor` without a Redis."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.coach.parts import ROOT


def test_an_actor_that_waits_for_redis_ends_when_told_to(tmp_path: Path) -> None:
    address = f"unix://{tmp_path / 'nobody'}"
    process = subprocess.Popen(
        [sys.executable, "-m", "actor", "--redis.url", address, "--redis.patience", "60", "--telemetry.port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any("trying for 60 s" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=10.0)
        assert "Traceback" not in said
    finally:
        process.kill()
        process.communicate()
