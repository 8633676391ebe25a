"""A child process that is started again when it dies, within limits."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copa.errors import ConfigError, MismatchError

RESTARTS = 5
"""Restarts of one child within `WINDOW_SECONDS` after which the run fails."""

WINDOW_SECONDS = 600.0
"""Long beside the time that a child takes to come up, so that one which always fails then is given up as well."""

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0

_FINAL_CODES = (ConfigError.exit_code, MismatchError.exit_code)

State = Literal["waiting", "running", "finished", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Program:
    """How a child is started."""

    role: str
    index: int
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path

    @property
    def name(self) -> str:
        """`role-index`."""
        return f"{self.role}-{self.index}"


@dataclass(frozen=True, slots=True)
class Death:
    """An end of a child that nobody asked for."""

    name: str
    reason: str
    code: int
    lines: tuple[str, ...]
    """The last lines of its log."""
    delay: float | None
    """Seconds until it is started again, 0 when as soon as there is a place for it; None when it is given up."""


class Restarts:
    """When a child that died is started again."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def delay(self, now: float) -> float | None:
        """Seconds until the restart after a death at `now`, in seconds; None when there were too many."""
        self._deaths.append(now)
        while now - self._deaths[0] > WINDOW_SECONDS:
            self._deaths.popleft()
        if len(self._deaths) > RESTARTS:
            return None
        delay = FIRST_DELAY_SECONDS * 2.0 ** (len(self._deaths) - 1)
        return min(LONGEST_DELAY_SECONDS, delay) * random.uniform(0.75, 1.25)


class Child:
    """One child; all methods are called from the main thread, so that its parent-death signal holds."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.state: State = "waiting"
        self.restarts = 0
        self.exit_code: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0
        self._limit = Restarts()
        self._log_offset = 0

    @property
    def role(self) -> str:
        """What it is."""
        return self.program.role

    @property
    def name(self) -> str:
        """`role-index`."""
        return self.program.name

    @property
    def place(self) -> str:
        """Where it runs, in words."""
        return f"process {self.pid}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, in a process group of its own."""
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        with self.program.log.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.program.environment),
                process_group=0,
            )
        self.state = "running"

    def check(self, *, may_finish: bool) -> Death | None:
        """See whether the child died, and start it again when its time has come.

        `may_finish`: an exit code of 0 is an end in order, not a death.
        """
        if self.state == "waiting" and time.monotonic() >= self._start_at:
            self.start()
        if self.state != "running" or self._process is None or self.alive:
            return None
        code = self._process.returncode
        self.exit_code = code
        if code == 0 and may_finish:
            self.state = "finished"
            return None
        delay = None if code in _FINAL_CODES else self._limit.delay(time.monotonic())
        if delay is None:
            self.state = "failed"
        else:
            self.state = "waiting"
            self.restarts += 1
            self._start_at = time.monotonic() + delay
        return Death(self.program.name, describe_exit(code), code, self.last_lines(), delay)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the child's process group; it is not started again."""
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        if self.state in ("waiting", "running"):
            self.state = "stopped"

    def wait(self) -> None:
        """Wait for the end of a child that was killed."""
        if self._process is not None:
            self._process.wait()

    def last_lines(self, count: int = 8) -> tuple[str, ...]:
        """The last lines that this process, not an earlier one, wrote to its log; JSON lines made readable."""
        with contextlib.suppress(OSError), self.program.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_offset, end - 16_384))
            text = log.read().decode("utf-8", errors="replace")
            return tuple(line for part in text.splitlines() for line in _readable(part))[-count:]
        return ()


def describe_exit(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _readable(line: str) -> list[str]:
    with contextlib.suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict) and "message" in entry:
            return [f"{entry.get('level', '')} {entry['message']}".strip(), *entry.get("exception", "").splitlines()]
    return [line] if line.strip() else []
