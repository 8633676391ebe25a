"""A role's process somewhere in the cluster, as the supervisor keeps it."""

import contextlib
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayError

from copa.launching.messages import Orders, Report
from copa.supervisor.processes import Death, State

LOOK_SECONDS = 0.5
"""Time between two looks at a role."""

KILL_SECONDS = 2.0
"""Time a node has to take a last signal before Ray's worker itself is ended."""

Endpoints = Callable[[str], Mapping[str, str] | None]
"""By role: what its process is to find, when that is known."""


class Placed:
    """One role and its process; see `Member`. No method waits for the cluster but `wait`."""

    def __init__(self, role: str, index: int, handle: Any, endpoints: Endpoints) -> None:
        """`handle` is of the Ray actor `Role`."""
        self.role = role
        self.name = f"{role}-{index}"
        self.state: State = "waiting"
        self.report: Report | None = None
        """The last one of its present life."""
        self._handle = handle
        self._endpoints = endpoints
        self._moves = 0
        self._deaths: deque[Death] = deque()
        self._may_finish: bool | None = None
        self._answer: Any = None
        self._next_look = 0.0
        self._told: Any = None

    @property
    def restarts(self) -> int:
        """Starts after the first, of the process on its node and of the role on others."""
        return self._moves + (self.report.restarts if self.report else 0)

    @property
    def node(self) -> str | None:
        """Address of its node; None while it has none."""
        return self.report.node if self.report else None

    @property
    def place(self) -> str:
        """Process and node."""
        return f"process {self.pid} on {self.node}"

    @property
    def pid(self) -> int | None:
        """Process id on its node, as last reported."""
        return self.report.pid if self.report else None

    @property
    def alive(self) -> bool:
        """Whether there was a process when the role was last heard of, and no death is to be told."""
        self._exchange()
        return self.pid is not None and not self._deaths

    def check(self, *, may_finish: bool) -> Death | None:
        """See `Member`."""
        self._may_finish = may_finish
        self._exchange()
        return self._deaths.popleft() if self._deaths else None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """See `Member`."""
        self._told = self._handle.stop.remote(int(number))
        if self.state in ("waiting", "running"):
            self.state = "stopped"

    def wait(self) -> None:
        """See `Member`; the role is gone as well."""
        with contextlib.suppress(RayError, GetTimeoutError):
            ray.get(self._told, timeout=KILL_SECONDS)
        ray.kill(self._handle, no_restart=True)
        self.report = None

    def _exchange(self) -> None:
        """Take in a report that has come; send orders when it is time."""
        if self.state in ("finished", "failed"):
            return
        if self._answer is not None and ray.wait([self._answer], timeout=0)[0]:
            answer, self._answer = self._answer, None
            self._next_look = time.monotonic() + LOOK_SECONDS
            try:
                self._take(Report.read(ray.get(answer)))
            except ActorDiedError as error:
                self._give_up(error)
            except RayError:
                self._lose()
        if self._answer is None and time.monotonic() >= self._next_look:
            life = self.report.life if self.report else ""
            endpoints = None if self.state == "stopped" else self._endpoints(self.role)
            orders = Orders(life, endpoints, self._may_finish)
            self._may_finish = None
            self._answer = self._handle.look.remote(orders.text())

    def _take(self, report: Report) -> None:
        if self.report is not None and self.report.life != report.life:
            self._lose()
        self.report = report
        if self.state != "stopped":
            self.state = report.state
        if report.death is not None:
            death: dict[str, Any] = dict(report.death)
            self._deaths.append(Death(**death | {"lines": tuple(death["lines"])}))
            if death["delay"] is None:
                self.state = "failed"

    def _lose(self) -> None:
        """Its node, or Ray's worker there, is gone; Ray starts the role again."""
        if self.report is None:
            return
        if self.state != "stopped":
            self._deaths.append(Death(self.name, f"{self.report.node} has it no more", 1, (), 0.0))
            self.state = "waiting"
        self._moves += self.report.restarts + 1
        self.report = None

    def _give_up(self, error: Exception) -> None:
        self.report = None
        if self.state == "stopped":
            return
        lines = [line for line in str(error).splitlines() if line.strip()]
        self._deaths.append(Death(self.name, "Ray starts it no more", 1, tuple(lines[-8:]), None))
        self.state = "failed"
