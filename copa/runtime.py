"""The frame of every long-running process: signals, logging, telemetry, a life no longer than its parent's."""

import contextlib
import ctypes
import json
import logging
import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import copa
from copa.config.schema import Config
from copa.errors import CopaError, UnavailableError
from copa.telemetry.http import Health, TelemetryServer, check_exposure
from copa.telemetry.journal import not_vital
from copa.telemetry.logs import start_logging
from copa.telemetry.metrics import BUILD, LOOP_IDLE, registry_of
from copa.waiting import pulsing

PARENT_VARIABLE = "COPA_PARENT"
"""Environment variable with the process id of the supervisor that a process must not outlive."""

ORPHAN_GRACE_SECONDS = 8
"""Time an orphaned process has to end cleanly before the kernel ends it."""

_PR_SET_PDEATHSIG = 1

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Process:
    """What a role's loop sees of its frame."""

    role: str
    index: int
    stopping: threading.Event = field(default_factory=threading.Event)
    health: Health = field(default_factory=Health)

    def ready(self) -> None:
        """Answer `/readyz` with yes from now on."""
        if not self.health.ready.is_set():
            self.health.ready.set()
            log.info("ready")

    def beat(self) -> None:
        """Say that the loop is alive."""
        self.health.beat()

    def pulse(self) -> None:
        """Say that a long wait is alive; raises UnavailableError where the process was told to stop meanwhile."""
        self.beat()
        if self.stopping.is_set():
            raise UnavailableError(f"{self.role} {self.index} was told to stop while it waited.")


def die_with_parent(signal_number: int) -> None:
    """Ask Linux to send `signal_number` to this process when its parent dies.

    Must be called from the main thread. Does nothing where no supervisor has named itself in
    `COPA_PARENT`; ends the process when that supervisor is gone already.
    """
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != int(parent):
        raise SystemExit(0)


def _orphaned() -> bool:
    parent = os.environ.get(PARENT_VARIABLE)
    return parent is not None and os.getppid() != int(parent)


def _stop_when_told(stopping: threading.Event) -> None:
    """Let SIGTERM and SIGINT set `stopping`.

    A handler runs between any two instructions of the main thread, also while that holds the event's own lock, for
    which a `set` in the handler would wait for ever. So the handler writes to a pipe, and a thread sets the event.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)

    def handle(number: int, _: FrameType | None) -> None:
        if _orphaned():
            signal.alarm(ORPHAN_GRACE_SECONDS)
        with contextlib.suppress(BlockingIOError):
            os.write(tell, b"s")

    def wait() -> None:
        os.read(told, 1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    threading.Thread(target=wait, name="told to stop", daemon=True).start()


@contextlib.contextmanager
def process(role: str, config: Config, index: int = 0) -> Iterator[Process]:
    """Run the body as process `role` number `index`.

    SIGTERM and SIGINT set `stopping`. Where the run has a folder, `processes/<role>-<index>.json` says
    which process this is and on which port it serves its telemetry.

    What was unavailable when the process was told to stop ends it all the same.

    Raises:
        ConfigError: telemetry would be served beyond this machine without leave.
        UnavailableError: the telemetry port is taken.
    """
    frame = Process(role, index)
    _stop_when_told(frame.stopping)
    die_with_parent(signal.SIGTERM)
    start_logging(role, index, config.telemetry.log_level, config.telemetry.log_format)
    check_exposure(config.telemetry)
    BUILD.info({"version": copa.__version__, "python": platform.python_version(), "role": role})
    LOOP_IDLE.set_function(lambda: frame.health.stalled_seconds)
    server = TelemetryServer(config.telemetry.host, config.telemetry.port, frame.health, registry_of(role))
    note = _process_note(config, role, index, server.port)
    try:
        with pulsing(frame.pulse):
            yield frame
    except UnavailableError as error:
        if not frame.stopping.is_set():
            raise
        log.info("stopped: %s", error)
    finally:
        server.close()
        if note is not None:
            with not_vital(note):
                note.unlink(missing_ok=True)


def _process_note(config: Config, role: str, index: int, port: int) -> Path | None:
    if config.run.folder is None:
        return None
    path = config.run.folder / "processes" / f"{role}-{index}.json"
    whole = path.with_suffix(".tmp")
    with not_vital(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        note = {"role": role, "index": index, "pid": os.getpid(), "port": port}
        if role == "coach":
            note["address"] = config.coach.address
        whole.write_text(json.dumps(note), encoding="utf-8")
        whole.replace(path)
    return path


def run_role(main: Callable[[list[str]], None]) -> None:
    """Call a role's `main` with the command line, then end this process; a `CopaError` becomes one line and its code.

    Ends without the interpreter's own clean-up, in which threads of gRPC and PyTorch can wait for each other; what
    has to be closed, `main` has closed.
    """
    code = 0
    try:
        main(sys.argv[1:])
    except CopaError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except Exception:
        traceback.print_exc()
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
