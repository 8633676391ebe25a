"""Where the service listens and is found: reading the address, and refusing one that is taken."""

import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from copa.errors import ConfigError, UnavailableError
from copa.security.loopback import loopback_only

_UNIX_PATH_BYTES = 107


@dataclass(frozen=True, slots=True)
class Address:
    """`host:port`, or `unix:PATH` where `path` is set."""

    host: str
    port: int
    path: Path | None

    @staticmethod
    def parse(text: str) -> "Address":
        """Read the setting `coach.address`; raises ConfigError."""
        if text.startswith("unix:"):
            path = text.removeprefix("unix:").removeprefix("//")
            if not path or len(path.encode()) > _UNIX_PATH_BYTES:
                raise ConfigError(
                    f"coach.address: {text!r} must be unix:PATH with a path of 1..{_UNIX_PATH_BYTES} bytes"
                )
            return Address("", 0, Path(path))
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ConfigError(
                f"coach.address: {text!r} must be HOST:PORT or unix:PATH, for instance 127.0.0.1:50051 or [::1]:50051"
            )
        return Address(host, int(port), None)

    @property
    def target(self) -> str:
        """The address in the form that gRPC takes, for servers and clients."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it: a unix socket or loopback. A name must mean loopback alone."""
        if self.path is not None:
            return True
        try:
            return loopback_only(self.host)
        except OSError as error:
            raise ConfigError(f"coach.address: host {self.host!r} is not known: {error.strerror}") from None

    def check_free(self) -> None:
        """Raise UnavailableError when a unix socket's path is in use: gRPC would silently take it over."""
        if self.path is None:
            return
        if not self.path.parent.is_dir():
            raise UnavailableError(f"coach.address: there is no folder {self.path.parent}; create it")
        if not self.path.exists():
            return
        if not stat.S_ISSOCK(self.path.stat().st_mode):
            raise UnavailableError(f"coach.address: {self.path} exists and is no socket; remove it or choose another")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self.path))
            except OSError:
                return
        raise self.taken()

    def taken(self) -> UnavailableError:
        """The error of an address that another process listens on."""
        return UnavailableError(
            f"coach.address: {self.target} is in use or cannot be bound; stop what listens there, or choose another"
        )
