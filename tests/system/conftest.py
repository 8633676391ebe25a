"""Real runs of `copa train`, watched from outside, and whatever they leave behind removed."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MARK = "RUN_UNDER_TEST"


class Train:
    """One `copa train`, or the like, in a session of its own; `processes` finds everything that descends from it."""

    def __init__(
        self, arguments: list[str], output: Path, environment: dict[str, str] | None = None, command: str = "train"
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.output = output
        self._known: set[tuple[int, str]] = set()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
        kept.pop("REDIS_URL", None)
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "copa.cli", command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=kept | (environment or {}) | {MARK: self.mark},
                start_new_session=True,
            )

    def said(self) -> str:
        """Everything it printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = 120.0) -> int:
        """Its exit code; fails after `seconds`."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running after {seconds} s:\n{self.said()}")

    def processes(self) -> set[int]:
        """Process ids of the run that are alive, the supervisor's too.

        Found by their parents, and by a mark in the environment that survives their parents; servers rewrite theirs.
        """
        wanted = f"{MARK}={self.mark}".encode()
        alive: dict[int, tuple[int, str]] = {}
        marked = {self.process.pid}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                state, parent, *rest = (entry / "stat").read_text().rpartition(")")[2].split()
                if state != "Z":
                    alive[int(entry.name)] = (int(parent), rest[17])
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    marked.add(int(entry.name))
            except OSError:
                continue
        while grown := {pid for pid, (parent, _) in alive.items() if parent in marked} - marked:
            marked |= grown
        self._known |= {(pid, alive[pid][1]) for pid in marked if pid in alive}
        return {pid for pid, begun in self._known if pid in alive and alive[pid][1] == begun}

    def left(self) -> str:
        """Which processes are alive, and what the run printed."""
        alive = [_command_line(pid) for pid in self.processes()]
        return "\n".join(["still alive:", *alive, "printed:", self.said()])

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """Wait until `condition` holds; fails with what was printed when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.processes()
            if value := condition():
                return value
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        if value := condition():
            return value
        return pytest.fail(f"{what} did not happen (exit code {self.process.poll()}):\n{self.said()}")

    def gone_within(self, seconds: float) -> bool:
        """Whether every process of the run ends within `seconds`."""
        deadline = time.monotonic() + seconds
        while self.processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def kill_all(self) -> None:
        """Leave nothing behind."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def _command_line(pid: int) -> str:
    folder = Path("/proc") / str(pid)
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{pid}: {command} (waits in {(folder / 'wchan').read_text()})"
    except OSError:
        return f"{pid}: ended meanwhile"


Start = Callable[..., Train]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts runs; all of them are gone after the test."""
    runs: list[Train] = []

    def begin(*arguments: str, environment: dict[str, str] | None = None, command: str = "train") -> Train:
        runs.append(Train(list(arguments), tmp_path / f"output-{len(runs)}.txt", environment, command))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill_all()


def copa(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another `copa` command."""
    return subprocess.run(
        [sys.executable, "-m", "copa.cli", *arguments], capture_output=True, text=True, timeout=150, check=False
    )


def note(folder: Path, name: str) -> dict[str, Any] | None:
    """The file of process `name` in processes/, or None."""
    try:
        found: dict[str, Any] = json.loads((folder / "processes" / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def lines(folder: Path, source: str) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl of one source."""
    try:
        text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [line for row in text.splitlines() if row.endswith("}") and (line := json.loads(row))["source"] == source]


def steps(folder: Path) -> int:
    """Environment steps that the learner told last."""
    return max((line["steps"] for line in lines(folder, "learner")), default=0)


def inspected(folder: Path) -> dict[str, Any]:
    """What `copa replay inspect` says of the run."""
    done = copa("replay", "inspect", "--run-dir", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


FLAGS = ("--preset", "smoke", "--telemetry.tensorboard", "false")
Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts roles in an empty folder; all of them are gone after the test."""
    started: list[subprocess.Popen[bytes]] = []
    root = Path(__file__).parents[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}

    def role(name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / "said.txt").open("ab") as said:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", name, *FLAGS, *arguments],
                    cwd=tmp_path,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env=kept | {"PYTHONPATH": str(root)},
                )
            )
        return started[-1]

    yield role
    for process in started:
        process.kill()
        process.wait()


def until(condition: Callable[[], Any], process: "subprocess.Popen[bytes]", said: Path, seconds: float = 60.0) -> None:
    """Wait until `condition` holds; fails when it does not, or when the process ends."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"exit code {process.poll()}: {said.read_text()}")
        time.sleep(0.05)
