"""Telemetry and command lines: nothing is exposed, and no secret accepted where everybody sees it, without a word."""

import subprocess
import sys
from pathlib import Path

import pytest

from copa.config.load import resolve, split_flags
from copa.config.schema import TelemetrySettings
from copa.errors import ConfigError
from copa.telemetry.http import check_exposure
from tests.security.parts import role_environment
from tests.system.conftest import copa


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])
def test_telemetry_beyond_this_machine_must_be_allowed(host: str) -> None:
    with pytest.raises(ConfigError, match=r"telemetry\.host: .*--insecure"):
        check_exposure(TelemetrySettings(host=host))
    check_exposure(TelemetrySettings(host=host, insecure=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_telemetry_of_this_machine_is_served(host: str) -> None:
    check_exposure(TelemetrySettings(host=host))


def test_a_role_refuses(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "learner", "--telemetry.host", "0.0.0.0", "--run.folder", str(tmp_path / "run")]
    done = subprocess.run(command, env=role_environment({}), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: telemetry.host: '0.0.0.0' reaches beyond this machine")


def test_training_refuses_before_it_begins(tmp_path: Path) -> None:
    done = copa("train", "--preset", "smoke", "--telemetry.host", "0.0.0.0", "--run-dir", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "telemetry.host" in done.stderr
    assert not list((tmp_path / "run" / "logs").iterdir())


def test_insecure_is_short_for_both() -> None:
    flags = split_flags(["--insecure", "--run.name", "x"])
    config = resolve(flags=flags).config
    assert config.coach.insecure
    assert config.telemetry.insecure
    assert not resolve(flags={}).config.coach.insecure


@pytest.mark.parametrize(
    "words", [["--redis.url", "redis://:secret@host"], ["--redis.url=rediss://host/0?password=secret"]]
)
def test_a_password_on_the_command_line_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"redis\.password_file") as caught:
        split_flags(words)
    assert "secret" not in str(caught.value)
    assert split_flags(["--redis.url", "redis://me@host"]) == {"redis.url": "redis://me@host"}


@pytest.mark.parametrize("form", [(), ("--json",), ("--origins",)])
def test_a_password_in_a_variable_is_not_shown(form: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copa.cli", "config", "show", *form],
        env=role_environment({"REDIS_URL": "redis://me:hidden@host:1"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "redis://me@host:1" in done.stdout
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"redis.url": "redis://h", "redis.ca_file": "ca"}, ["redis.ca_file", "rediss://"]),
        ({"redis.url": "rediss://h", "redis.key_file": "k"}, ["redis.certificate_file is not set", "'k'"]),
        ({"redis.url": "redis://:p@h", "redis.password_file": "f"}, ["redis.url", "redis.password_file"]),
        ({"coach.certificate_file": "c"}, ["coach.certificate_file", "coach.key_file"]),
        ({"coach.ca_file": "c"}, ["coach.ca_file", "coach.transport is plain"]),
        ({"coach.transport": "ssl"}, ["coach.transport", "plain, tls, mutual"]),
    ],
)
def test_settings_that_protect_less_than_they_look(flags: dict[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(flags=flags)
    assert all(word in str(caught.value) for word in words), str(caught.value)
