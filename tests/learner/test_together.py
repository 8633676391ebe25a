"""A learner of two processes, started by torchrun, against a real server."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copa import checkpoint
from copa.assembly import open_replay
from copa.config.load import to_toml
from copa.config.schema import Config
from copa.replay.server import running
from tests.learner.test_learner import fill, settings, until

PUSHES = 30
KILLED_SECONDS = 30.0
"""After which `torchrun` kills what it has told to stop."""


def torchrun(folder: Path) -> tuple[str, ...]:
    """The command, whose own notes go to `folder` instead of staying behind."""
    return (sys.executable, "-m", "torch.distributed.run", "--log-dir", str(folder / "torchrun"))


def meeting() -> tuple[str, ...]:
    """Where processes meet, as the documentation has it: not by PyTorch's c10d rendezvous, which unpickles."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return ("--master-addr", "127.0.0.1", "--master-port", str(free.getsockname()[1]))


@contextmanager
def learning(config: Config, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A learner of two processes with a replay that is filled while it runs."""
    file = folder / "config.toml"
    file.write_text(to_toml(config, preset="paper"), encoding="utf-8")
    command = [*torchrun(folder), *meeting(), "--nproc-per-node", "2", *options, "-m", "learner", "--config", str(file)]
    with (folder / "output").open("w") as output, subprocess.Popen(command, text=True, stderr=output) as started:
        try:
            open_replay(config).join(60.0)
            fill(config, PUSHES)
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def pid_of(config: Config, rank: int) -> int:
    assert config.run.folder is not None
    note = config.run.folder / "processes" / f"learner-{rank}.json"
    until(note.exists, 60.0)
    return int(json.loads(note.read_text(encoding="utf-8"))["pid"])


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def newest(config: Config) -> checkpoint.Checkpoint:
    assert config.run.folder is not None
    return checkpoint.load(config.run.folder)


def test_a_killed_process_is_started_again_and_the_run_comes_to_its_end(tmp_path: Path) -> None:
    with running() as server:
        config = settings(server, tmp_path / "run", learner={"checkpoint_seconds": 0.2})
        config = config.model_copy(update={"run": config.run.model_copy(update={"steps": steps_of(config)})})
        with learning(config, tmp_path, "--max-restarts", "1") as started:
            first = pid_of(config, 1)
            until(lambda: checkpoint.find_newest(tmp_path / "run") is not None, 60.0)
            os.kill(first, signal.SIGKILL)
            assert started.wait(120.0) == 0, (tmp_path / "output").read_text()
        stats = open_replay(config).stats()
        last = newest(config)
        assert last.steps == stats.steps == config.run.steps
        assert last.updates == config.run.steps // config.learning.steps_per_update
        assert stats.sampled >= last.updates * 16


def steps_of(config: Config) -> int:
    """All steps that `fill` plays."""
    from tests.actor.test_outbox import SEGMENTS, T

    return PUSHES * SEGMENTS * T


def test_told_to_stop_all_end_with_one_checkpoint(tmp_path: Path) -> None:
    with running() as server:
        config = settings(server, tmp_path / "run", replay={"priority": 0.6})
        with learning(config, tmp_path) as started:
            processes = [pid_of(config, rank) for rank in (0, 1)]
            until(lambda: open_replay(config).stats().sampled >= 10 * 16, 60.0)
            started.send_signal(signal.SIGTERM)
            started.wait(60.0)
        until(lambda: all(gone(pid) for pid in processes))
        assert "lost the others" not in (tmp_path / "output").read_text()
        assert newest(config).updates >= 1
        assert len(list((tmp_path / "run" / "checkpoints").glob("*.safetensors"))) == 1


def test_told_to_stop_while_redis_is_away_all_end_with_a_checkpoint(tmp_path: Path) -> None:
    with running() as server:
        config = settings(server, tmp_path / "run", redis={"patience": 120.0})
        with learning(config, tmp_path) as started:
            processes = [pid_of(config, rank) for rank in (0, 1)]
            until(lambda: open_replay(config).stats().sampled >= 10 * 16, 60.0)
            server.kill()
            started.send_signal(signal.SIGTERM)
            until(lambda: all(gone(pid) for pid in processes), KILLED_SECONDS - 5.0)
            started.wait(60.0)
        assert newest(config).updates >= 1


def test_processes_with_unlike_settings_refuse_to_learn(tmp_path: Path) -> None:
    """Two hosts, that is two `torchrun`s which meet at one address."""
    with running() as server:
        address, hosts = meeting(), []
        for rank, gamma in enumerate((0.99, 0.9)):
            config = settings(server, tmp_path / f"run-{rank}", learning={"gamma": gamma})
            file = tmp_path / f"config-{rank}.toml"
            file.write_text(to_toml(config, preset="paper"), encoding="utf-8")
            place = ("--nnodes", "2", "--node-rank", str(rank))
            command = [*torchrun(tmp_path), *address, *place, "-m", "learner", "--config", str(file)]
            hosts.append(subprocess.Popen(command, text=True, stderr=subprocess.PIPE))
        for host in hosts:
            _, said = host.communicate(timeout=90)
            assert host.returncode != 0
            assert "were not started with the same settings of learning" in said
        assert not (tmp_path / "run-0" / "checkpoints").exists()


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path: Path) -> None:
    with running() as server:
        config = settings(server, tmp_path / "run", learning={"batch": 15})
        file = tmp_path / "config.toml"
        file.write_text(to_toml(config, preset="paper"), encoding="utf-8")
        command = [*torchrun(tmp_path), *meeting(), "--nproc-per-node", "2", "-m", "learner", "--config", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "learning.batch = 15 segments cannot be shared by 2 processes evenly" in done.stderr
