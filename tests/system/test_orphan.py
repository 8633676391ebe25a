"""A process whose supervisor is gone ends, whatever it is doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from copa.runtime import ORPHAN_GRACE_SECONDS, PARENT_VARIABLE

CHILD = """
import ctypes
from pathlib import Path
from copa.config.load import resolve
from copa.runtime import process
config = resolve(preset="smoke", file=None, flags={}, environment={}).config
with process("actor", config) as frame:
    Path("ready").touch()
    frame.stopping.wait()
    Path("told").touch()
    ctypes.PyDLL(None).sleep(600)  # keeps the interpreter's lock: no thread of Python runs any more
"""

PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], env=os.environ | {{{PARENT_VARIABLE!r}: str(os.getpid())}})
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(path: Path) -> None:
    """Wait for a file."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.05)


def test_an_orphan_that_hangs_is_ended(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": root},
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            until(tmp_path / "ready")
            parent.send_signal(signal.SIGKILL)
            until(tmp_path / "told")
            deadline = time.monotonic() + ORPHAN_GRACE_SECONDS + 12
            while alive(child) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not alive(child)
        finally:
            if alive(child):
                os.kill(child, signal.SIGKILL)
            parent.kill()
