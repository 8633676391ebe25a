"""What is found wrong with Redis, the coach, secrets and the machine: real ones."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.doctor import Finding
from copa.doctor.coach import check_coach
from copa.doctor.machine import check_machine
from copa.doctor.redis_server import check_redis
from copa.doctor.secrets import check_secrets
from copa.replay.server import RunningServer, running
from copa.security.acl import ROLES, users
from copa.security.certificates import Authority, read_certificate
from tests.coach.parts import FIRST, Loop, make_config, wait_until
from tests.security.parts import issue


def settings(**sections: dict[str, Any]) -> Config:
    return Config.model_validate(sections)


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running() as server:
        yield server


def test_a_server_that_is_well_and_its_run(server: RunningServer) -> None:
    config = settings(redis={"url": server.url}, run={"name": "well"})
    assert "holds no run 'well' yet" in by_subject(check_redis(config))["run"].text
    replay = open_replay(config)
    replay.claim("tests")
    replay.lease_actor()
    found = by_subject(check_redis(config))
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "0 of 5,000,000 steps, 0 segments, 1 actors alive; its learner is alive" in found["run"].text
    replay.release()
    assert by_subject(check_redis(config))["run"].state == "warning"


def test_a_replay_of_other_settings_is_told_with_the_field_that_differs(server: RunningServer) -> None:
    config = settings(redis={"url": server.url}, run={"name": "other"})
    open_replay(config).claim("tests")
    longer = config.model_copy(update={"method": config.method.model_copy(update={"T": 8})})
    found = by_subject(check_redis(longer))["schema"]
    assert found.state == "problem"
    assert "T" in found.text


def test_a_run_whose_keys_are_not_what_they_should_be(server: RunningServer) -> None:
    config = settings(redis={"url": server.url}, run={"name": "damaged"})
    replay = open_replay(config)
    replay.claim("tests")
    client = replay.link.client
    client.delete(replay.keys.state)
    assert "Run 'damaged' is not in Redis" in by_subject(check_redis(config))["run"].text
    client.set(replay.keys.state, "no hash")
    assert "WRONGTYPE" in by_subject(check_redis(config))["run"].text
    for junk in ("no JSON", "[1]"):
        client.set(replay.keys.schema, junk)
        found = by_subject(check_redis(config))
        assert found["schema"].state == "problem"
        assert "run" not in found


def test_who_is_alive_is_told_by_the_clock_of_redis(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings(redis={"url": server.url}, run={"name": "clocks"})
    replay = open_replay(config)
    replay.claim("tests")
    dead = replay.lease_actor()
    replay.link.client.zadd(replay.keys.actors, {str(dead.actor): 1})
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    found = by_subject(check_redis(config))
    assert found["redis clock"].state == "warning"
    assert "3600.0 s" in found["redis clock"].text
    assert "0 actors alive; its learner is alive" in found["run"].text


@pytest.mark.parametrize("role", [name for name in ROLES if name != "operator"])
def test_the_user_of_a_role_finds_no_problem_in_a_run_that_is_well(
    server: RunningServer, tmp_path: Path, role: str
) -> None:
    name = f"as-{role}"
    config = settings(redis={"url": server.url}, run={"name": name})
    replay = open_replay(config)
    replay.claim("tests")
    password = tmp_path / "password"
    password.write_text("p" * 32)
    password.chmod(0o600)
    rule = users()[role].rule("p" * 32).split()[1:]
    replay.link.command("ACL", "SETUSER", *rule)
    redis = {"url": server.url, "username": role, "password_file": password}
    found = by_subject(check_redis(settings(redis=redis, run={"name": name})))
    assert {finding.state for finding in found.values()} <= {"ok", "skipped"}
    assert (found["run"].state == "skipped") == (role in ("actor", "coach"))


def test_a_run_over_shards_fits_on_every_server(server: RunningServer) -> None:
    with running() as first, running() as second:
        config = settings(redis={"url": server.url, "shards": [first.url, second.url]}, run={"name": "sharded"})
        open_replay(config).claim("tests")
        found = check_redis(config)
        assert {finding.state for finding in found} == {"ok"}
        assert [finding.subject for finding in found].count("schema") == 3
        assert f"0 of {config.replay.capacity // 2:,} segments" in by_subject(found)["redis.shards[1] run"].text


def test_a_server_that_may_evict_is_a_problem() -> None:
    with running(options={"maxmemory-policy": "allkeys-lru"}) as server:
        (found,) = check_redis(settings(redis={"url": server.url}))
    assert found.state == "problem"
    assert "noeviction" in found.text


def test_a_server_without_an_append_only_file_is_warned_of() -> None:
    with running(options={"appendonly": "no"}) as server:
        assert by_subject(check_redis(settings(redis={"url": server.url})))["redis durability"].state == "warning"


def test_a_replay_that_does_not_fit_is_a_problem(server: RunningServer) -> None:
    config = settings(redis={"url": server.url}, replay={"capacity": 1_000_000, "max_bytes": 2**40})
    assert by_subject(check_redis(config))["redis memory"].state == "problem"


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    (found,) = check_redis(settings(redis={"url": "redis://:hidden@127.0.0.1:1"}))
    assert found.state == "problem"
    assert "127.0.0.1:1" in found.text
    assert "hidden" not in found.text


def test_shards_are_looked_at_by_number(server: RunningServer) -> None:
    config = settings(redis={"url": server.url, "shards": ["redis://127.0.0.1:1", "redis://127.0.0.1:2"]})
    found = by_subject(check_redis(config))
    assert found["redis"].state == "ok"
    assert found["redis.shards[0]"].state == found["redis.shards[1]"].state == "problem"


def test_a_coach_is_described_and_differences_are_named(loop: Loop) -> None:
    with loop.serving(make_config("127.0.0.1:0"), FIRST) as (service, address):
        wait_until(lambda: service.version == 1)
        config = make_config(address)
        assert {finding.state for finding in check_coach(config)} == {"ok"}
        longer = config.model_copy(update={"method": config.method.model_copy(update={"T": 8})})
        assert "method.T is 4 at the coach and 8 here" in by_subject(check_coach(longer))["coach settings"].text


def test_a_coach_that_is_away_or_wants_another_token(loop: Loop, tmp_path: Path) -> None:
    (away,) = check_coach(make_config("127.0.0.1:1"))
    assert away.state == "problem"
    assert "UNAVAILABLE" in away.text
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_text("a" * 32)
    theirs.write_text("b" * 32)
    with loop.serving(make_config("127.0.0.1:0", token_file=theirs), FIRST) as (_, address):
        (refused,) = check_coach(make_config(address, token_file=ours))
        (unknown,) = check_coach(make_config(address))
    assert unknown.state == "skipped"
    assert refused.state == "problem"
    assert "coach.token_file here and at the coach must hold the same token" in refused.text
    assert "aaaa" not in refused.text


def test_a_method_without_a_coach_has_none_to_ask() -> None:
    assert check_coach(settings(method={"name": "aqmix"}))[0].state == "skipped"


@pytest.mark.parametrize(("life", "state"), [(-1, "problem"), (5, "warning"), (100, "ok")])
def test_certificates_end(tmp_path: Path, life: int, state: str) -> None:
    files = issue(tmp_path, "actor", life=timedelta(days=life), authority=Authority.create(tmp_path / "ca"))
    names = {"ca_file": files / "ca.crt", "certificate_file": files / "tls.crt", "key_file": files / "tls.key"}
    found = by_subject(check_secrets(settings(coach={"transport": "mutual", **names})))
    assert found["coach.certificate_file"].state == state
    if state == "ok":
        assert f"issued by {read_certificate(files / 'ca.crt').subject.rfc4514_string()}" in (
            found["coach.certificate_file"].text
        )
    assert found["coach.ca_file"].state == found["coach.key_file"].state == "ok"


def test_files_that_others_can_read_or_nobody_can(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 32)
    token.chmod(0o644)
    found = by_subject(check_secrets(settings(coach={"token_file": token})))
    assert found["coach.token_file"].state == "warning"
    assert f"chmod 600 {token}" in found["coach.token_file"].text
    token.chmod(0o600)
    assert by_subject(check_secrets(settings(coach={"token_file": token})))["coach.token_file"].state == "ok"
    token.unlink()
    assert by_subject(check_secrets(settings(coach={"token_file": token})))["coach.token_file"].state == "problem"
    assert check_secrets(settings())[0].state == "skipped"


def test_the_machine(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    found = by_subject(check_machine(settings(run={"folder": tmp_path / "run"}, actor={"count": 1})))
    assert found["software"].state == found["memory"].state == found["disk"].state == "ok"
    crowded = by_subject(check_machine(settings(actor={"count": 4 * cores})))
    assert crowded["cores"].state == "warning"
    huge = settings(replay={"capacity": 50_000_000, "max_bytes": 2**50})
    assert by_subject(check_machine(huge))["memory"].state == "problem"
    assert by_subject(check_machine(huge))["disk"].state == "problem"


def test_a_gpu_that_is_not_here_is_a_problem() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert by_subject(check_machine(settings(learner={"device": "cuda"})))["device"].state == "problem"
