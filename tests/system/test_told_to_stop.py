"""A process that is told to stop hears it, whatever its main thread is doing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
from copa.config.load import resolve
from copa.runtime import process
config = resolve(preset="smoke", file=None, flags={}, environment={}).config
with process("actor", config) as frame:
    print("ready", flush=True)
    while not frame.stopping.wait(0.0):  # holds the event's lock most of the time
        pass
"""

PROCESSES = 6
"""So many that one of them is surely hit while it holds the lock."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_it_looks_whether_it_should(number: signal.Signals) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    environment = kept | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHILD]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(PROCESSES)]
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            child.send_signal(number)
        assert [child.wait(30) for child in children] == [0] * PROCESSES
    finally:
        for child in children:
            child.kill()
            child.communicate()
