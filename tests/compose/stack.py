"""The stack of docker-compose.yml under a name of its own, on whatever engine is here."""

import json
import math
import os
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Longest wait for anything; on a machine with nothing else to do the longest takes about a minute."""

IMAGES = {
    "REDIS_IMAGE": "redis:7-bookworm",
    "PROMETHEUS_IMAGE": "prom/prometheus:v3.5.0",
    "GRAFANA_IMAGE": "grafana/grafana:11.6.1",
}
"""Images of others, by the variable that replaces them in docker-compose.yml."""


def say(text: str) -> None:
    """A line of the transcript."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def docker(*words: str, check: bool = True, environment: Mapping[str, str] | None = None) -> str:
    """What a command of Docker says."""
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"docker {' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def without_engine() -> str | None:
    """Why there is no engine to use, or None where there is one."""
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "there is no docker command"
    return None if done.returncode == 0 else "no Docker engine answers"


def here(image: str) -> str | None:
    """`image`, pulled where need be; where no registry is reached another tag of it that is here, or None."""
    if (
        docker("images", "-q", image)
        or subprocess.run(["docker", "pull", "-q", image], capture_output=True).returncode == 0
    ):
        return image
    others = docker("images", "--format", "{{.Repository}}:{{.Tag}}", image.split(":")[0]).split()
    say(f"{image} is not to be had here; {others[0] if others else 'nothing'} stands in for it")
    return others[0] if others else None


class Stack:
    """Containers, networks and volumes of one project."""

    def __init__(self, project: str, files: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> None:
        found = {variable: here(image) for variable, image in IMAGES.items()}
        self.project = project
        self._files = [word for file in ("docker-compose.yml", *files) for word in ("-f", file)]
        self._without = [] if found["GRAFANA_IMAGE"] else ["--scale", "grafana=0"]
        ports = dict.fromkeys(("PROMETHEUS_PORT", "GRAFANA_PORT", "TENSORBOARD_PORT"), "0")
        self._environment = {name: image for name, image in found.items() if image} | ports | dict(settings or {})

    def compose(self, *words: str, check: bool = True) -> str:
        """What `docker compose WORDS` says."""
        return docker("compose", "-p", self.project, *self._files, *words, check=check, environment=self._environment)

    def up(self, *words: str) -> float:
        """`docker compose up -d --wait`; the seconds that it took."""
        began = time.monotonic()
        self.compose("up", "-d", "--wait", "--pull", "never", *self._without, *words)
        return time.monotonic() - began

    def forget(self) -> None:
        """Remove everything, the volumes too."""
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", check=False)

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers, stopped ones too."""
        return self.compose("ps", "-aq", service).split()

    def inspect(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's first container."""
        found: dict[str, Any] = json.loads(docker("inspect", self.containers(service)[0]))[0]
        return found

    def execute(self, service: str, script: str) -> str:
        """What a line of shell says in a service's first container."""
        return docker("exec", self.containers(service)[0], "sh", "-c", script)

    def logs(self, service: str) -> str:
        """Everything that a service has said."""
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def kill_inside(self, service: str) -> None:
        """SIGKILL for the process in a service's first container, as a crash or the lack of memory would."""
        self.execute(service, "kill -KILL $(cat /proc/1/task/1/children)")

    def ask(self, query: str) -> dict[str, float]:
        """The numbers in Prometheus' answer, by labels; what is NaN there is not known yet, and left out."""
        address = self.compose("port", "prometheus", "9090").strip()
        url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            found = json.load(answer)["data"]["result"]
        return {
            ",".join(f"{name}={value}" for name, value in sorted(one["metric"].items())): float(one["value"][1])
            for one in found
            if math.isfinite(float(one["value"][1]))
        }

    def number(self, query: str) -> float:
        """Prometheus' answer where it is one number; NaN where there is none."""
        return next(iter(self.ask(query).values()), float("nan"))

    def replay(self) -> dict[str, int]:
        """The counters of the replay, as the operator sees them."""
        words = ["run", "--rm", "--no-deps", "-T", "copa", "replay", "inspect", "--json"]
        text = self.compose("--profile", "tools", *words)
        state = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]["state"]
        return {name: int(float(value)) for name, value in state.items() if name != "life"}


def wait(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Wait until `condition` holds; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.5)
    return time.monotonic() - began
