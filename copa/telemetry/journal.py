"""What a run looked like over time: lines of `metrics.jsonl`, and TensorBoard events."""

import contextlib
import functools
import json
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from copa.config.schema import Config
from copa.extras import installing

Values = Mapping[str, Any]
"""Numbers by name, nested where that reads better; the nesting becomes `a/b` in TensorBoard."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def not_vital(path: Path) -> Iterator[None]:
    """Lets a disk that is full, or gone, cost what the body writes to `path`, but not the run; warned of once."""
    try:
        yield
    except OSError as error:
        _warn(path, error.strerror or str(error))


@functools.cache
def _warn(path: Path, reason: str) -> None:
    log.warning("%s is not written: %s; the run goes on without", path, reason)


def append_line(path: Path, line: Values) -> None:
    """Append `line` to a file of JSON lines by one write, so that several processes may; see `not_vital`."""
    with not_vital(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


class Journal:
    """Appends to the run's `metrics.jsonl` and TensorBoard folder; silent for a process without a run folder."""

    def __init__(self, config: Config, role: str, index: int = 0) -> None:
        self._source = role
        self._index = index
        self._began = time.monotonic()
        self._path: Path | None = None
        self._events: Any = None
        folder = config.run.folder
        if folder is not None:
            self._path = folder / "metrics.jsonl"
            with not_vital(self._path):
                folder.mkdir(parents=True, exist_ok=True)
            if config.telemetry.tensorboard:
                events = folder / "tensorboard" / f"{role}-{index}"
                with not_vital(events):
                    self._events = _event_writer(events)

    def write(self, steps: int, values: Values) -> None:
        """Note `values` at `steps` environment steps of the run."""
        if self._path is None:
            return
        line = {
            "source": self._source,
            "index": self._index,
            "time": round(time.time(), 3),
            "seconds": round(time.monotonic() - self._began, 3),
            "steps": steps,
            **values,
        }
        append_line(self._path, line)
        if self._events is None:
            return
        with not_vital(self._path.parent / "tensorboard"):
            for tag, value in _flat(values):
                self._events.add_scalar(f"{self._source}/{tag}", value, steps)

    def close(self) -> None:
        """Flush TensorBoard's events."""
        if self._path is not None and self._events is not None:
            with not_vital(self._path.parent / "tensorboard"):
                self._events.close()


def _flat(values: Values, prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", float(value)


def _event_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.info("TensorBoard is not installed (%s): no events are written", installing("tensorboard"))
        return None
    return SummaryWriter(str(folder), flush_secs=10)
