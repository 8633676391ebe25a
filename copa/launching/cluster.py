"""Reaching a Ray cluster, or starting one on this machine for one run."""

import contextlib
import logging
import math
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

from copa.errors import ConfigError, UnavailableError

LOCAL = "local"
AUTO = "auto"

NICENESS = "RAY_worker_niceness"
"""Variable of Ray's: 15 by default, with which learning would yield to all else on the machine."""

REACH_SECONDS = 5.0

LOOPBACK = "127.0.0.2"
"""Node address of a local Ray: it replaces 127.0.0.1 by an address that other machines reach."""


@contextlib.contextmanager
def cluster(address: str, said: Path, *, cpus: float) -> Iterator[None]:
    """Be connected to the cluster at `address` (`HOST:PORT`, `auto` for this machine's, `local` for one of its own).

    A local one has `cpus`, however many cores there are, since the roles of one machine share them; it lets in who
    knows a token that is made for it and kept nowhere. What Ray prints goes to the file `said`.

    Raises ConfigError for an address of another kind, UnavailableError when
    no cluster is there.
    """
    check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(said.open("a", encoding="utf-8"))
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(file))
        own: dict[str, Any] = {}
        if address == LOCAL:
            os.environ |= {"RAY_AUTH_TOKEN": secrets.token_hex(32), NICENESS: "0"}
            sessions = tempfile.TemporaryDirectory(prefix="copa-ray-", ignore_cleanup_errors=True)
            own = {
                "_temp_dir": stack.enter_context(sessions),
                "_node_ip_address": LOOPBACK,
                "num_cpus": math.ceil(cpus),
            }
        stack.callback(ray.shutdown)
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UnavailableError(
                f"--ray {address}: {reason} (more may be in {said}, or `ray status` tell it)"
            ) from None
        yield


def resources() -> dict[str, float]:
    """What the cluster has, used or not, by name."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return found


def check_address(address: str) -> None:
    """Refuse what is no address of a cluster, and one where nothing listens, which Ray would try for minutes."""
    if address in (LOCAL, AUTO):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(
            f"--ray: {address!r} is not allowed; allowed: HOST:PORT of a cluster that this machine is a node of, as"
            " `ray start` prints it, auto for the cluster that runs here, local for a Ray of the run's own"
        )
    try:
        socket.create_connection((host.removeprefix("[").removesuffix("]"), int(port)), REACH_SECONDS).close()
    except OSError as error:
        raise UnavailableError(
            f"--ray: no cluster answers at {address} ({error.strerror or error}); start one by `ray start --head`"
        ) from None
