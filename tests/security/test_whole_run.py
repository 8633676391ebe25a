"""A run as on several machines: every role its own process, user, certificate and token; and its secrets nowhere."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from copa.errors import UnavailableError
from copa.replay import connect
from copa.security.certificates import Authority
from copa.security.store import SecretStore
from tests.security.parts import (
    GuardedRedis,
    free_port,
    guarded_redis,
    issue,
    needs_tls,
    passwords,
    role_environment,
    tls_server,
)

ROLES = {"learner": "learner", "coach": "coach_service", "evaluator": "evaluator", "actor": "actor"}
STEPS = 3_000


class Roles:
    """The processes of one run, watched for secrets while they live."""

    def __init__(self, guarded: GuardedRedis, folder: Path) -> None:
        self.folder = folder
        self.seen: list[bytes] = []
        address, common = f"localhost:{free_port()}", folder.parent / "common.toml"
        common.write_text(f'preset = "smoke"\n[run]\nsteps = {STEPS}\nfolder = "{folder}"\n')
        self.ports = {role: free_port() for role in ROLES}
        self.output = folder.parent / "output"
        self.output.mkdir()
        self.processes = {
            role: subprocess.Popen(
                [sys.executable, "-m", module, "--config", str(common)],
                env=role_environment(
                    guarded.environment(role)
                    | {"COPA_COACH_ADDRESS": address, "COPA_TELEMETRY_PORT": str(self.ports[role])}
                ),
                stdout=(self.output / f"{role}.out").open("wb"),
                stderr=subprocess.STDOUT,
            )
            for role, module in ROLES.items()
        }

    def said(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.output.iterdir()))

    def look(self) -> None:
        """Take note of every argument list and of every metric."""
        for role, process in self.processes.items():
            if process.poll() is not None:
                continue
            self.seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[role]}/metrics", timeout=5) as answer:
                    self.seen.append(answer.read())
            except OSError:
                continue

    def wait(self, role: str, seconds: float) -> int:
        until = time.monotonic() + seconds
        while (code := self.processes[role].poll()) is None:
            assert time.monotonic() < until, self.said()
            self.look()
            time.sleep(0.2)
        return code

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All that the run said or wrote, by place."""
        for path in [*self.folder.rglob("*"), *self.output.iterdir()]:
            if path.is_file():
                yield str(path), path.read_bytes()
        for number, seen in enumerate(self.seen):
            yield f"seen {number}", seen


@contextmanager
def roles(guarded: GuardedRedis, folder: Path) -> Iterator[Roles]:
    found = Roles(guarded, folder)
    try:
        yield found
    finally:
        found.stop()


@pytest.mark.parametrize("scheme", ["redis", pytest.param("rediss", marks=needs_tls)])
def test_a_whole_run_with_everything_locked(store: SecretStore, tmp_path: Path, scheme: str) -> None:
    folder = tmp_path / "run"
    with guarded_redis(store, tls=scheme == "rediss") as guarded, roles(guarded, folder) as run:
        assert run.wait("learner", 150) == 0, run.said()
        assert run.wait("actor", 30) == 0, run.said()
        run.look()
        run.stop()
        assert run.processes["coach"].returncode == 0
        assert run.processes["evaluator"].returncode == 0
        said = run.said()
        assert "Traceback" not in said
        assert "permission" not in said
        assert "(mutual, with a token)" in said
        assert b'copa_coach_requests_total{code="OK"}' in b"".join(run.seen)
        assert list((folder / "checkpoints").glob("checkpoint-*.safetensors"))
        places = list(run.everything())
    assert any(b"password_file" in content for _, content in places)
    secrets = passwords(store)
    assert len(secrets) > 10
    leaked = [place for place, content in places for secret in secrets if secret.encode() in content]
    assert leaked == []


def test_training_on_one_machine_with_a_redis_that_is_locked(store: SecretStore, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "copa.cli", "train", "--preset", "smoke", "--plain", "--run-dir", str(folder)]
    short = ["--run.steps", "2000", "--evaluator.final_episodes", "0", "--telemetry.tensorboard", "false"]
    with guarded_redis(store, tls=tls_server() is not None) as guarded:
        coach = {name: value for name, value in guarded.environment("coach").items() if "COPA_COACH" in name}
        environment = role_environment(guarded.environment("operator") | coach)
        done = subprocess.run(
            [*command, *short], env=environment, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    logs = (folder / "logs" / "coach-0.log").read_text()
    assert "(mutual, with a token)" in logs
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert str(store.folder / "coach" / "token").encode() in written
    assert not any(secret.encode() in written + (done.stdout + done.stderr).encode() for secret in passwords(store))


@needs_tls
def test_redis_with_tls_takes_its_own_and_no_others(store: SecretStore, tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path / "stranger")
    ours = Authority.open(store.folder / "ca")
    theirs = issue(tmp_path, "theirs", authority=stranger)
    expired = issue(tmp_path, "expired", life=timedelta(seconds=-5), authority=ours)
    with guarded_redis(store, tls=True) as guarded:
        connect(guarded.settings("actor")).close()
        plain = guarded.url.replace("rediss", "redis")
        for change in (
            {"ca_file": tmp_path / "stranger" / "ca.crt"},
            {"ca_file": None},
            {"certificate_file": None, "key_file": None},
            {"certificate_file": theirs / "tls.crt", "key_file": theirs / "tls.key"},
            {"certificate_file": expired / "tls.crt", "key_file": expired / "tls.key"},
            dict.fromkeys(("ca_file", "certificate_file", "key_file")) | {"url": plain},
        ):
            with pytest.raises(UnavailableError):
                connect(guarded.settings("actor", patience=0.5, timeout=1.0, **change))


def test_a_role_that_nobody_let_in_says_why(store: SecretStore, guarded: GuardedRedis, tmp_path: Path) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password")
    own = guarded.environment("actor") | {"COPA_REDIS_PASSWORD_FILE": str(wrong)}
    done = subprocess.run(
        [sys.executable, "-m", "actor", "--preset", "smoke"],
        env=role_environment(own),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("error: Redis at 127.0.0.1:")
    assert "refuses" in done.stderr
    assert "not-the-password" not in done.stderr + done.stdout
    assert os.environ.get("COPA_REDIS_PASSWORD_FILE") is None
