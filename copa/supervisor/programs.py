"""Which programs a run consists of, and the environment each is started in.

Python runs them with `-P`: a folder named `copa` or `actor` where the user stands is not ours.
"""

import os
import socket
import sys
from collections.abc import Mapping

from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.methods import method_named
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


def roles_of(config: Config) -> list[tuple[str, int]]:
    """Role and number of every process: learner, coach (if the method has one), evaluator, actors; started in order."""
    coach = [("coach", 0)] if method_named(config.method.name).coach else []
    return [("learner", 0), *coach, ("evaluator", 0), *(("actor", index) for index in range(config.actor.count))]


def role_programs(config: Config, folder: RunFolder, *, redis_url: str, coach_address: str) -> list[Program]:
    """The programs of `roles_of`, on this machine."""
    roles = roles_of(config)
    return [
        role_program(
            config,
            folder,
            role,
            index,
            {"COPA_REDIS_URL": redis_url, "COPA_COACH_ADDRESS": coach_address, "COPA_TELEMETRY_PORT": str(port)},
        )
        for (role, index), port in zip(roles, _ports(config, roles), strict=True)
    ]


def role_program(config: Config, folder: RunFolder, role: str, index: int, endpoints: Mapping[str, str]) -> Program:
    """One process of a role.

    `endpoints`, which exist only while this run is up, and what may hold a password, travel in the environment.
    """
    threads = {
        "learner": config.learner.threads,
        "coach": 1,
        "evaluator": config.evaluator.threads,
        "actor": config.actor.threads,
    }
    if config.redis.shards:
        endpoints = {**endpoints, "COPA_REDIS_SHARDS": ",".join(config.redis.shards)}
    module = _MODULES.get(role, role)
    command = [sys.executable, "-P", "-m", module, "--config", str(folder.config_file), "--index", str(index)]
    return Program(role, index, command, _environment(endpoints, threads[role]), folder.logs / f"{role}-{index}.log")


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
