"""Which programs a run consists of, and the environment each is started in.

Python runs them with `-P`: a folder named `copa` or `actor` where the user stands is not ours.
"""

import os
import socket
import sys
from collections.abc import Mapping

from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.run_folder import RunFolder
from copa.runtime import PARENT_VARIABLE
from copa.supervisor.processes import Program

_MODULES = {"coach": "coach_service"}
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def server_program(command: list[str], folder: RunFolder) -> Program:
    """The embedded server, which ends with the supervisor."""
    guarded = [sys.executable, "-P", "-m", "copa.supervisor.guard", str(folder.redis / "lock"), *command]
    return Program("redis", 0, guarded, _environment({}, None), folder.logs / "redis-0.log")


def finish_program(folder: RunFolder) -> Program:
    """The final table, curves and report."""
    command = [sys.executable, "-P", "-m", "copa.supervisor.finish", str(folder.path)]
    return Program("finish", 0, command, _environment({}, os.cpu_count()), folder.logs / "finish-0.log")


def role_programs(
    config: Config, folder: RunFolder, *, coach: bool, redis_url: str, coach_address: str
) -> list[Program]:
    """Learner, coach (if the method has one), evaluator and actors, in the order they are started.

    Endpoints that exist only while this run is up, and what may hold a password, travel in the environment.
    """
    roles = [("learner", 0), *([("coach", 0)] if coach else []), ("evaluator", 0)]
    roles += [("actor", index) for index in range(config.actor.count)]
    threads = {
        "learner": config.learner.threads,
        "coach": 1,
        "evaluator": config.evaluator.threads,
        "actor": config.actor.threads,
    }
    ports = _ports(config, roles)
    endpoints = {"COPA_REDIS_URL": redis_url, "COPA_COACH_ADDRESS": coach_address}
    if config.redis.shards:
        endpoints["COPA_REDIS_SHARDS"] = ",".join(config.redis.shards)
    return [
        Program(
            role,
            index,
            [
                sys.executable,
                "-P",
                "-m",
                _MODULES.get(role, role),
                "--config",
                str(folder.config_file),
                "--index",
                str(index),
            ],
            _environment({**endpoints, "COPA_TELEMETRY_PORT": str(port)}, threads[role]),
            folder.logs / f"{role}-{index}.log",
        )
        for (role, index), port in zip(roles, ports, strict=True)
    ]


def _ports(config: Config, roles: list[tuple[str, int]]) -> list[int]:
    """Free ports, or `telemetry.port` and those that follow it, in the order of `roles`."""
    first = config.telemetry.port
    if first == 0:
        return [0] * len(roles)
    ports = list(range(first, first + len(roles)))
    for port, (role, index) in zip(ports, roles, strict=True):
        _check_free(config.telemetry.host, port, f"{role}-{index}")
    return ports


def _check_free(host: str, port: int, name: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnavailableError(
                f"telemetry.port: {name} cannot listen on {host}:{port} ({reason});"
                " choose another telemetry.port, or 0 for free ones"
            ) from None


def _environment(endpoints: Mapping[str, str], threads: int | None) -> dict[str, str]:
    """This process's environment without its settings, which are in config.toml, and with what the child needs.

    Threads of tensor arithmetic that wait sleep instead of spinning, because the processes share the cores.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}
    limits = {} if threads is None else dict.fromkeys(_THREAD_VARIABLES, str(threads))
    own = {PARENT_VARIABLE: str(os.getpid()), "PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "passive"}
    return kept | limits | dict(endpoints) | own
