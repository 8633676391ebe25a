"""The processes of a run's roles, and who starts them where."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from copa.config.schema import Config
from copa.run_folder import RunFolder
from copa.supervisor.processes import Child, Death, State
from copa.supervisor.programs import role_programs
from copa.supervisor.scrape import Expositions, exposition


class Member(Protocol):
    """One process as the supervisor keeps it; `Child` is one on this machine, and says what each part does."""

    @property
    def state(self) -> State:
        """How it is."""

    @property
    def restarts(self) -> int:
        """Starts after the first."""

    @property
    def role(self) -> str:
        """What it is."""

    @property
    def name(self) -> str:
        """`role-index`."""

    @property
    def place(self) -> str:
        """Where it runs, in words."""

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""

    @property
    def alive(self) -> bool:
        """Whether there is a process, as far as is known."""

    def check(self, *, may_finish: bool) -> Death | None:
        """See whether it died, and let it be started again."""

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal; it is not started again. Returns at once."""

    def wait(self) -> None:
        """Wait for the end of a process that was killed."""


class Crew(Protocol):
    """Starts the members of a run."""

    def start(self, redis_url: str, sockets: Path) -> Iterator[Member]:
        """Start every role of the run, one with each step; `sockets` is a folder of this machine for unix sockets."""

    def expositions(self) -> Expositions:
        """What the members answer on `/metrics`; called from another thread."""


class LocalCrew:
    """Every role on this machine."""

    def __init__(self, folder: RunFolder, config: Config) -> None:
        self._folder = folder
        self._config = config

    def start(self, redis_url: str, sockets: Path) -> Iterator[Member]:
        """See `Crew`."""
        address = f"unix:{sockets / 'coach.sock'}"
        for program in role_programs(self._config, self._folder, redis_url=redis_url, coach_address=address):
            child = Child(program)
            child.start()
            yield child

    def expositions(self) -> Expositions:
        """See `Crew`."""
        return {
            f"{note.get('role')}-{note.get('index')}": exposition(self._config.telemetry.host, note)
            for note in self._folder.notes()
            if "port" in note
        }
