"""One role on a node of a cluster: the Ray actor that keeps its process.

The process is the same `python -m ROLE` as everywhere else, a child of Ray's worker, and ends when that does.
"""

import signal
import tempfile
import uuid
from dataclasses import asdict
from pathlib import Path

import ray

from copa.errors import UnavailableError
from copa.launching.messages import Orders, Report
from copa.run_folder import RunFolder
from copa.supervisor.processes import Child, Death
from copa.supervisor.programs import role_program
from copa.supervisor.scrape import exposition

NEEDS_FOLDER = "learner"
"""The role that must see the run's folder: what it has learned is there, and nowhere else."""


class Role:
    """Keeps one process, as the launcher says; all arguments and answers are text.

    Does nothing by itself: `look` is called again and again, and each call carries all that is to be known. Ray calls
    it from its worker's main thread, as `Child` needs it.
    """

    def __init__(self, role: str, index: int, path: str, owner: str, config: str) -> None:
        """`path` is the folder of `owner`'s run as the launcher sees it, `config` what is in its config.toml."""
        self._role = role
        self._index = index
        self._life = uuid.uuid4().hex
        self._node: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        folder = RunFolder(Path(path))
        self._shared = holds_run(folder, owner)
        self._folder = folder if self._shared else stand_in(config)
        self._config = self._folder.config()
        self._endpoints: dict[str, str] | None = None
        self._child: Child | None = None
        self._replaced = 0
        """Restarts up to the present child's start."""
        self._stopped = False

    def look(self, orders: str) -> str:
        """Do what `orders` say, as far as it can be done at once; returns a report."""
        wanted = Orders.read(orders)
        death = None
        if wanted.life == self._life and not self._stopped:
            death = self._missing_folder() or self._tend(wanted.may_finish)
            if death is None and wanted.endpoints is not None:
                self._follow(dict(wanted.endpoints))
        return self._report(death).text()

    def stop(self, number: int) -> None:
        """Send a signal to the process; none is started any more."""
        self._stopped = True
        if self._child is not None:
            self._child.stop(signal.Signals(number))

    def _tend(self, may_finish: bool | None) -> Death | None:
        child = self._child
        if child is None or (child.state == "running" and not child.alive and may_finish is None):
            return None
        return child.check(may_finish=bool(may_finish))

    def _follow(self, endpoints: dict[str, str]) -> None:
        """Have a process that uses `endpoints`; one that uses others is ended first."""
        if endpoints == self._endpoints:
            return
        if self._child is not None and self._child.alive:
            self._child.stop()
            return
        program = role_program(
            self._config, self._folder, self._role, self._index, endpoints | {"COPA_RUN_FOLDER": str(self._folder.path)}
        )
        self._endpoints = endpoints
        if self._child is not None:
            self._replaced += self._child.restarts + 1
        self._child = Child(program)
        self._child.start()

    def _missing_folder(self) -> Death | None:
        if self._shared or self._role != NEEDS_FOLDER:
            return None
        self._stopped = True
        line = (
            f"error: run.folder: node {self._node} does not see the run's folder, so the {self._role} would lose what"
            " it learns: put the folder on a file system that all nodes share, or keep the learner on the launcher's"
            " node by --on learner=node:ADDRESS"
        )
        return Death(f"{self._role}-{self._index}", "no folder", 2, (line,), None)

    def _report(self, death: Death | None) -> Report:
        child, metrics = self._child, None
        pid = child.pid if child is not None else None
        if pid is not None:
            note = next((note for note in self._folder.notes() if note.get("pid") == pid and "port" in note), None)
            metrics = exposition(self._config.telemetry.host, note)[1] if note is not None else None
        state = child.state if child is not None else "waiting"
        if state == "stopped" and not self._stopped:
            state = "waiting"
        return Report(
            life=self._life,
            node=self._node,
            state=state,
            pid=pid,
            restarts=self._replaced + (child.restarts if child is not None else 0),
            metrics=metrics,
            death=None if death is None else asdict(death),
        )


def holds_run(folder: RunFolder, owner: str) -> bool:
    """Whether the run of `owner` is in `folder` on this node, too."""
    try:
        return folder.owner == owner
    except UnavailableError:
        return False


def stand_in(config: str) -> RunFolder:
    """A folder of this node alone, for logs and notes, where the run's own is not to be seen."""
    folder = RunFolder(Path(tempfile.mkdtemp(prefix="copa-")))
    for inner in (folder.processes, folder.logs):
        inner.mkdir()
    folder.config_file.write_text(config, encoding="utf-8")
    return folder
