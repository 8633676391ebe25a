"""Running the example programs."""

import subprocess
import sys

from tests.coach.parts import ROOT


def run(program: str, *arguments: str) -> str:
    """What `examples/PROGRAM` prints, run from the project's folder as its first lines say; it must succeed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
