"""Real servers behind real certificates, tokens and users, and what is needed to knock at their doors."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
import redis

from copa.config.schema import RedisSettings
from copa.errors import UnavailableError
from copa.replay import connect
from copa.replay.server import EmbeddedServer
from copa.security.acl import ROLES
from copa.security.certificates import Authority, Holder, server
from copa.security.store import SecretStore

YEAR = timedelta(days=365)
HOSTS = (server("redis"), server("coach"))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_store(folder: Path) -> SecretStore:
    """What `copa secrets init` makes."""
    store = SecretStore(folder)
    store.fill(HOSTS, life=YEAR)
    return store


def issue(folder: Path, name: str, *, server_name: bool = False, life: timedelta = YEAR, authority: Authority) -> Path:
    """A folder with a certificate of `authority`, of any length of life."""
    authority.issue(folder / name, server(name) if server_name else Holder(name), life)
    return folder / name


@cache
def tls_server() -> Path | None:
    """A Redis server with TLS on PATH."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        without_key = [found, "--port", "0", "--tls-port", "1", "--tls-cert-file", "/absent"]
        said = subprocess.run(without_key, capture_output=True, text=True, timeout=10, check=False).stdout
        if "Failed to configure TLS" in said:
            return Path(found)
    return None


needs_tls = pytest.mark.skipif(
    tls_server() is None, reason="no redis-server or valkey-server with TLS on PATH; the wheel's server has none"
)


@dataclass(frozen=True, slots=True)
class GuardedRedis:
    """A Redis that lets in the users of `store` alone."""

    store: SecretStore
    url: str
    folder: Path

    def settings(self, role: str, **changes: object) -> RedisSettings:
        """How a process of `role` gets in."""
        files = self.store.folder / role
        tls = {"ca_file": files / "ca.crt", "certificate_file": files / "tls.crt", "key_file": files / "tls.key"}
        known = {"url": self.url, "username": role, "password_file": files / "redis.password", "patience": 5.0}
        return RedisSettings.model_validate(known | (tls if self.url.startswith("rediss") else {}) | changes)

    def environment(self, role: str) -> dict[str, str]:
        """The same as variables, those of the coach too."""
        own = self.store.settings(role)
        tls = tuple(f"COPA_REDIS_{name}_FILE" for name in ("CA", "CERTIFICATE", "KEY"))
        if not self.url.startswith("rediss"):
            own = {name: value for name, value in own.items() if name not in tls}
        return own | {"COPA_REDIS_URL": self.url}

    def client(self, role: str) -> redis.Redis:
        """A connection as `role`."""
        return connect(self.settings(role))


@contextmanager
def guarded_redis(store: SecretStore, *, tls: bool) -> Iterator[GuardedRedis]:
    """A server on a TCP port, with `store`'s users; with TLS it also asks for a certificate."""
    port = free_port()
    files = store.folder / "redis"
    options = {
        "bind": "127.0.0.1",
        "aclfile": str(store.users),
        "enable-debug-command": "local",
        "port": "0" if tls else str(port),
    }
    if tls:
        options |= {
            "tls-port": str(port),
            "tls-cert-file": str(files / "tls.crt"),
            "tls-key-file": str(files / "tls.key"),
            "tls-ca-cert-file": str(files / "ca.crt"),
            "tls-auth-clients": "yes",
        }
    with tempfile.TemporaryDirectory(prefix="copa-redis-") as folder:
        embedded = EmbeddedServer(Path(folder), 2**28, options)
        if tls:
            found = tls_server()
            assert found is not None
            embedded.binary = found
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(embedded.command(), stdout=log, stderr=log)
        try:
            guarded = GuardedRedis(store, f"{'rediss' if tls else 'redis'}://127.0.0.1:{port}", Path(folder))
            _wait(guarded, process)
            yield guarded
        finally:
            process.terminate()
            process.wait(10)
            embedded.close()


def _wait(guarded: GuardedRedis, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while True:
        try:
            connect(guarded.settings("operator", patience=1.0)).close()
            return
        except UnavailableError:
            assert process.poll() is None, (guarded.folder / "log").read_text()
            assert time.monotonic() < until, (guarded.folder / "log").read_text()


def role_environment(own: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings, and with `own`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}
    return kept | {"OMP_NUM_THREADS": "1"} | dict(own)


def passwords(store: SecretStore) -> list[str]:
    """Everything secret in a store, as it must appear nowhere else."""
    found = [(store.folder / role / "redis.password").read_text().strip() for role in ROLES]
    found.append((store.folder / "coach" / "token").read_text().strip())
    for key in store.folder.glob("*/*.key"):
        found += [line for line in key.read_text().splitlines() if not line.startswith("-----")]
    return found
