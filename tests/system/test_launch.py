"""`copa launch --ray`: a simulated cluster of three nodes that loses one, and a Ray of the run's own."""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from copa.cli.main import run as command
from copa.config.load import resolve, to_toml
from copa.extras import installing
from copa.launching.cluster import NICENESS
from copa.launching.messages import Orders, Report
from copa.launching.role import Role
from copa.replay.server import running
from copa.run_folder import RunFolder
from tests.security.parts import free_port
from tests.system.conftest import MARK, Start, Train, inspected, lines, note, steps
from tests.system.test_deaths import holes, inserted

SMOKE = ("--preset", "smoke", "--plain", "--telemetry.tensorboard", "false", "--evaluator.final_episodes", "0")
STEPS = 8_000
HEAD, *OTHERS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
"""Addresses of the nodes. Ray replaces 127.0.0.1 by the machine's own."""


class Nodes:
    """Three nodes of a cluster, and all that runs on them."""

    def __init__(self, sessions: str) -> None:
        self.environment = {
            "RAY_TMPDIR": sessions,
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            NICENESS: "0",
            MARK: secrets.token_hex(16),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.ray_cluster", HEAD, *OTHERS],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self.environment,
        )
        self.address = self._said()

    def remove(self, address: str) -> None:
        """Kill a node."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{address}\n")
        self._process.stdin.flush()
        assert self._said() == "removed"

    def end(self) -> int:
        """End the cluster; its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(60)

    def processes(self, *, of: Path | None = None) -> list[str]:
        """Command lines of what is alive on the nodes; only of roles of the run in the folder `of` where it is said."""
        wanted = f"{MARK}={self.environment[MARK]}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if wanted in (entry / "environ").read_bytes().split(b"\0") and line:
                    found.append(line)
            except OSError:
                continue
        return [line for line in found if of is None or f"--config {of}" in line]

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A cluster; nothing of it is left after the test."""
    with tempfile.TemporaryDirectory(prefix="copa-ray-", ignore_cleanup_errors=True) as sessions:
        cluster = Nodes(sessions)
        yield cluster
        assert cluster.end() == 0
        assert cluster.processes() == []


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis that every node reaches."""
    port = free_port()
    with running(options={"port": str(port), "bind": "127.0.0.1"}):
        yield f"redis://127.0.0.1:{port}"


def places(run: Train, name: str) -> list[str]:
    """Nodes on which a role's process was started, in order."""
    return re.findall(rf"^{name} started(?: again)?, as process \d+ on (\S+)$", run.said(), re.MULTILINE)


@pytest.mark.timeout(600)
def test_a_run_outlives_a_node(start: Start, nodes: Nodes, redis_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(
        *("--ray", nodes.address, *SMOKE, "--run.steps", str(STEPS), "--actor.count", "2", "--run-dir", str(folder)),
        *("--redis.url", redis_url, "--coach.address", f"0.0.0.0:{free_port()}"),
        environment=nodes.environment,
        command="launch",
    )
    run.until(lambda: steps(folder) > 2_000 and list(folder.glob("checkpoints/*")), "some learning", 240.0)
    core = places(run, "learner-0")[-1]
    assert [places(run, name) for name in ("coach-0", "evaluator-0")] == [[core], [core]]
    assert {*places(run, "actor-0"), *places(run, "actor-1")} == set(OTHERS)

    assert visible_gpus(folder, "learner-0") == "0"

    nodes.remove(core)
    assert run.wait(300.0) == 0, run.said()
    assert nodes.processes(of=folder) == []
    (left,) = set(OTHERS) - {core}
    for name in ("learner-0", "coach-0", "evaluator-0", "actor-0", "actor-1"):
        assert places(run, name)[-1] == left, run.said()
    stayed = next(name for name in ("actor-0", "actor-1") if places(run, name)[0] == left)
    assert len(places(run, stayed)) == 2, "an actor is started again with the coach's new address"
    deaths = [line for line in lines(folder, "supervisor") if line.get("event") == "death"]
    assert {death["reason"] for death in deaths} == {f"{core} has it no more"}
    assert len(deaths) == 4
    assert f"coach listens on {left}:" in (folder / "logs" / "coach-0.log").read_text()
    assert "resumed from checkpoint-" in (folder / "logs" / "learner-0.log").read_text()

    state = inspected(folder)["state"]
    assert state["steps"] >= STEPS
    assert state["inserted"] * 4 <= state["steps"]
    assert state["sampled"] % state["batch"] == 0
    segments, lost = inserted(RunFolder.open(folder).config())
    assert lost == 0
    assert len(segments.episodes) == state["inserted"]
    assert holes(segments) == 0


@pytest.mark.timeout(600)
def test_a_ray_of_its_own(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    flags = ("--ray", "local", *SMOKE, "--coach.address", f"0.0.0.0:{free_port()}")
    run = start(*flags, "--run.steps", "1000000", "--run-dir", str(folder), command="launch")
    run.until(lambda: steps(folder) > 0, "some learning", 240.0)
    before = run.until(lambda: note(folder, "actor-0"), "an actor being up")
    os.kill(parent(before["pid"]), signal.SIGKILL)
    run.until(lambda: (now := note(folder, "actor-0")) and now["pid"] != before["pid"], "another actor", 240.0)
    assert not Path("/proc", str(before["pid"])).exists(), "what Ray's worker started ends with it"
    reached = steps(folder)
    run.until(lambda: steps(folder) > reached + 500, "more learning", 120.0)

    os.kill(run.process.pid, signal.SIGINT)
    assert run.wait(60.0) == 130, run.said()
    assert run.gone_within(20.0), run.left()
    assert "go on with  copa launch --ray local --resume" in run.said()
    kept = steps(folder)
    assert list(folder.glob("checkpoints/*"))

    again = start(
        "--ray", "local", "--plain", "--resume", str(folder), "--run.steps", str(kept + 2_000), command="launch"
    )
    assert again.wait(300.0) == 0, again.said()
    assert again.gone_within(20.0), again.left()
    assert "resumed from checkpoint-" in (folder / "logs" / "learner-0.log").read_text()
    assert steps(folder) >= kept


def visible_gpus(folder: Path, name: str) -> str | None:
    """The GPUs that Ray shows to a process; None where it says nothing of them."""
    found = note(folder, name)
    assert found is not None
    lines = Path("/proc", str(found["pid"]), "environ").read_bytes().decode().split("\0")
    return next((line.split("=")[1] for line in lines if line.startswith("CUDA_VISIBLE_DEVICES=")), None)


def parent(pid: int) -> int:
    """Process id of a process's parent."""
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


def test_settings_that_a_cluster_cannot_do_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://:secret@10.0.0.1:6379")
    port = free_port()
    for arguments, code, words in (
        (["--ray", "ray://10.0.0.1:10001"], 2, "HOST:PORT"),
        (["--ray", "local", "--on", "lerner=big"], 2, "learner"),
        (["--ray", f"127.0.0.1:{port}"], 3, "ray start --head"),
        (["--ray", "auto"], 2, "redis.password_file"),
        (["--ray", "auto", "--redis.url", "none"], 2, "redis.url is not set"),
        (["--ray", "auto", "--redis.url", "unix:///tmp/redis.sock"], 2, "redis.url is 'unix:"),
        (
            ["--ray", "auto", "--redis.url", "redis://10.0.0.1", "--coach.address", "unix:/tmp/coach"],
            2,
            "coach.address",
        ),
    ):
        assert command(["launch", *arguments]) == code
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert words in said
        assert "secret" not in said
    monkeypatch.setenv("COPA_REDIS_SHARDS", "redis://:secret@10.0.0.2,redis://10.0.0.3")
    assert command(["launch", "--ray", "auto", "--redis.url", "redis://10.0.0.1"]) == 2
    said = capsys.readouterr().err
    assert "redis.shards has a password in it" in said
    assert "secret" not in said
    assert list(tmp_path.iterdir()) == [], "no folder is made for a run that cannot be"


def test_a_node_that_does_not_see_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = to_toml(resolve(preset="smoke").config, preset="smoke")

    def look(role: Role, endpoints: dict[str, str] | None) -> Report:
        life = Report.read(role.look(Orders("", endpoints, None).text())).life
        return Report.read(role.look(Orders(life, endpoints, None).text()))

    learner = Role("learner", 0, "/absent", "owner", config)
    told = look(learner, {}).death
    assert told is not None
    assert told["delay"] is None
    assert "--on learner=node:" in str(told["lines"])

    actor = Role("actor", 0, "/absent", "owner", config)
    assert look(actor, None).pid is None, "nothing is started before it is known what is where"
    first = look(actor, {"COPA_REDIS_URL": f"redis://127.0.0.1:{free_port()}", "COPA_COACH_ADDRESS": "127.0.0.1:1"})
    assert first.pid is not None
    environment = Path("/proc", str(first.pid), "environ").read_bytes().decode()
    assert f"COPA_RUN_FOLDER={tmp_path}/copa-" in environment
    actor.stop(signal.SIGKILL)
    while (last := look(actor, {})).pid is not None:
        time.sleep(0.05)
    assert last.state == "stopped"


def test_without_ray_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['ray'] = None; from copa.cli.main import run;"
        " sys.exit(run(['launch', '--ray', 'auto']))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == f"error: copa launch needs Ray: {installing('ray')}\n"
