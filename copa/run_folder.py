"""The folder of a run: its configuration, identity, checkpoints, curves, logs.

config.toml       every setting, resolved          run.json      owner, versions, command, state
checkpoints/      safetensors files                metrics.jsonl one line per event, append-only
tensorboard/      event files                      processes/    pid and port of each process
logs/             one file per process             redis/        append-only file of the embedded server
final.json, curves.png, report.md                  written at the end
"""

import contextlib
import fcntl
import itertools
import json
import logging
import os
import platform
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from copa.config.change import with_absolute_files, without_secrets
from copa.config.load import resolve, to_toml
from copa.config.schema import Config
from copa.config.urls import without_password
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.telemetry.journal import append_line, not_vital

log = logging.getLogger(__name__)

State = Literal["created", "running", "interrupted", "failed", "finished"]


class RunFolder:
    """Paths and contents of one run's folder; construction touches nothing on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.config_file = self.path / "config.toml"
        self.info_file = self.path / "run.json"
        self.metrics_file = self.path / "metrics.jsonl"
        self.final_file = self.path / "final.json"
        self.curves_file = self.path / "curves.png"
        self.report_file = self.path / "report.md"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.processes = self.path / "processes"
        self.logs = self.path / "logs"
        self.redis = self.path / "redis"
        self._lock_file = self.path / "lock"

    @classmethod
    def create(cls, config: Config, *, preset: str) -> "RunFolder":
        """Make the folder of a new run at `run.folder`, or at `runs/<name>-<time>`.

        What processes of the run that came first have put there stays, and a run that never came to play or learn,
        since its server could not start for instance, is begun anew.

        Raises:
            ConfigError: the folder holds something else, or a run already.
            UnavailableError: it cannot be written.
        """
        folder = cls(config.run.folder or default_path(config))
        owner = uuid.uuid4().hex
        if folder.info_file.exists():
            if folder.begun():
                raise ConfigError(
                    f"run.folder: {folder.path} holds a run already; go on with it by"
                    f" `copa train --resume {folder.path}` or choose another folder"
                )
            owner = folder.owner
        with folder._usable():
            there = {inner.name for inner in folder.path.iterdir()} if folder.path.exists() else set()
            if folder.info_file.name not in there and there - folder.own():
                raise ConfigError(f"run.folder: {folder.path} is not empty and not a run; choose another folder")
            folder.path.mkdir(parents=True, exist_ok=True)
            folder._make_parts()
            info = {
                "owner": owner,
                "name": config.run.name,
                "preset": preset,
                "created": _now(),
                "state": "created",
                "versions": versions(),
                "starts": [],
            }
            _write_whole(folder.info_file, json.dumps(info, indent=2) + "\n")
            folder.write_config(config, preset=preset)
        return folder

    def own(self) -> set[str]:
        """Names of what a run's processes make in its folder, whichever of them comes first."""
        paths = (self.metrics_file, self.checkpoints, self.tensorboard, self.processes, self.logs, self.redis)
        return {path.name for path in paths}

    def begun(self) -> bool:
        """Whether the run in this folder is up, or has anything to go on from."""
        return (
            self.running_pid() is not None
            or any(self.checkpoints.glob("*.safetensors"))
            or any(line.get("source") != "supervisor" for line in self.metrics())
        )

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """The folder of an existing run; raises UnavailableError when there is none at `path`."""
        folder = cls(path)
        if not folder.info_file.is_file() or not folder.config_file.is_file():
            raise UnavailableError(f"{path} is not the folder of a run (no run.json and config.toml in it)")
        return folder

    @classmethod
    def at(cls, config: Config) -> "RunFolder":
        """The folder that `config` names, else `runs/<name>`: opened when a run is there, else created.

        Without a time in its name, so that a process which is started again finds its run and owner again.
        """
        path = config.run.folder or Path("runs") / config.run.name
        if cls(path).info_file.exists() and cls(path).config_file.exists():
            return cls.open(path)
        located = config.run.model_copy(update={"folder": path})
        return cls.create(config.model_copy(update={"run": located}), preset="none")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other supervisors; parts of it that a copy left behind are made anew.

        Raises:
            MismatchError: another supervisor holds it, with its pid.
            UnavailableError: it cannot be written.
        """
        with self._usable():
            opened = self._lock_file.open("a+", encoding="utf-8")
        with opened as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MismatchError(
                    f"the run in {self.path} is running, as process {self.running_pid()}; stop that one first"
                ) from None
            with self._usable():
                self._make_parts()
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                lock.truncate(0)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(f"run.folder: {self.path} cannot be used: {error.strerror}") from None

    def _make_parts(self) -> None:
        for inner in (self.checkpoints, self.processes, self.logs):
            inner.mkdir(exist_ok=True)

    def running_pid(self) -> int | None:
        """Process id of the supervisor that holds this folder, if one does."""
        with contextlib.suppress(OSError), self._lock_file.open("r+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = lock.read().strip()
                return int(text) if text.isdecimal() else None
        return None

    def config(self) -> Config:
        """The run's resolved configuration, its folder being this one."""
        config = resolve(file=self.config_file).config
        return config.model_copy(update={"run": config.run.model_copy(update={"folder": self.path})})

    def write_config(self, config: Config, *, preset: str) -> None:
        """Write the resolved configuration; a password inside `redis.url` stays out of the file."""
        run = config.run.model_copy(update={"folder": self.path})
        config = with_absolute_files(without_secrets(config.model_copy(update={"run": run})))
        _write_whole(self.config_file, to_toml(config, preset=preset))

    def info(self) -> dict[str, Any]:
        """Content of run.json; raises UnavailableError when it is damaged."""
        try:
            info: dict[str, Any] = json.loads(self.info_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{self.info_file} cannot be read: {error}") from None
        return info

    def update_info(self, **changes: Any) -> None:
        """Change entries of run.json, as far as the disk lets."""
        text = json.dumps(self.info() | changes, indent=2) + "\n"
        with not_vital(self.info_file):
            _write_whole(self.info_file, text)

    def note_start(self, command: Sequence[str]) -> None:
        """Note that the run starts, or goes on, by `command`, without a password in it."""
        command = [without_password(word) for word in command]
        starts = [*self.info()["starts"], {"time": _now(), "began": time.time(), "command": command}]
        self.update_info(starts=starts, state="running")

    def note_end(self, state: State) -> None:
        """Note how the present start of the run ended; a folder that is damaged by now is only warned of."""
        try:
            starts = self.info()["starts"]
            if starts:
                starts[-1] |= {"seconds": round(time.time() - starts[-1]["began"], 1), "state": state}
            self.update_info(starts=starts, state=state)
        except UnavailableError as error:
            log.warning("that the run is %s is not noted: %s", state, error)

    @property
    def owner(self) -> str:
        """Identity under which this run holds its keys in Redis."""
        return str(self.info()["owner"])

    def metrics(self) -> list[dict[str, Any]]:
        """Lines of metrics.jsonl in order; a line torn by a crash is left out."""
        lines = []
        with contextlib.suppress(FileNotFoundError):
            for text in self.metrics_file.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    line = json.loads(text)
                    if isinstance(line, dict):
                        lines.append(line)
        return lines

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        """Append a line to metrics.jsonl, as far as the disk lets."""
        append_line(self.metrics_file, line)

    def mend_metrics(self) -> None:
        """End a line that a crash tore, so that the next one begins a line of its own."""
        with (
            not_vital(self.metrics_file),
            contextlib.suppress(FileNotFoundError),
            self.metrics_file.open("rb+") as file,
        ):
            if file.seek(0, os.SEEK_END) > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def notes(self) -> list[dict[str, Any]]:
        """What the files in processes/ say, in order of their names."""
        notes = []
        for path in sorted(self.processes.glob("*.json")):
            with contextlib.suppress(OSError, ValueError):
                notes.append(json.loads(path.read_text(encoding="utf-8")))
        return notes

    def write_note(self, role: str, index: int, content: Mapping[str, Any]) -> None:
        """Write the file of one process in processes/."""
        note = {"role": role, "index": index, **content}
        path = self.processes / f"{role}-{index}.json"
        with not_vital(path):
            _write_whole(path, json.dumps(note))

    def write_final(self, final: dict[str, Any]) -> None:
        """Write the final table."""
        _write_whole(self.final_file, json.dumps(final, indent=2) + "\n")

    def final(self) -> dict[str, Any] | None:
        """The final table, if the run has one."""
        with contextlib.suppress(OSError, ValueError):
            final: dict[str, Any] = json.loads(self.final_file.read_text(encoding="utf-8"))
            return final
        return None


def default_path(config: Config) -> Path:
    """`runs/<name>-<yyyymmdd-hhmmss>`, with a number where that exists."""
    first = Path("runs") / f"{config.run.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    others = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([first], others) if not path.exists())


def versions() -> dict[str, str]:
    """Versions of what a run depends on, without importing it."""
    found = {"python": platform.python_version()}
    for name in ("copa", "torch", "numpy", "redis", "grpcio"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def command_line() -> list[str]:
    """The command that this process was started by."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
