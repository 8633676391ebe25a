"""The stack on a real engine: it starts, it trains, its parts are killed, it stops and goes on.

Takes minutes, so that `make compose-test` runs it and `make test` does not.
"""

import itertools
import json
import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, docker, say, wait, without_engine

ASKED = "COPA_COMPOSE_TEST"
ROLES = ("actor", "coach", "learner", "evaluator")
GAMES, T, EPISODE_STEPS = 64, 4, 145
"""Of the preset quick and of Resource Collection, whose episodes all have the same length."""

DRAWN_AHEAD = 3
"""Batches between the replay and an update at most: two of `replay.prefetch`, and one on its way there."""

KILLS_AT_MOST = 16
"""Deaths and stops in this module, each of which may cost the unfinished segments of one actor."""

_reason = without_engine() if os.environ.get(ASKED) else "takes minutes: make compose-test"
pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(_reason is not None, reason=_reason or ""),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    found = Stack("copa-test")
    try:
        found.forget()
        began = time.monotonic()
        found.compose("build", "--quiet")
        say(f"docker compose build: {time.monotonic() - began:.0f} s")
        for line in docker("images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}").splitlines():
            if line.startswith("copa/"):
                say(f"  {line}")
        began = time.monotonic()
        say(f"docker compose up -d --wait: {found.up():.0f} s")
        wait(lambda: found.number("copa_updates_total") > 0, "the first update")
        say(f"first update, as Prometheus saw it: {time.monotonic() - began:.0f} s after `up`")
        yield found
    finally:
        found.forget()


def add_up(state: dict[str, int]) -> None:
    """Whether the counters of the replay fit each other, whatever happened before.

    An episode of 145 steps is 36 segments of 4 and a last step; a death costs what its actor's games had begun.
    """
    say(
        "  replay: "
        + ", ".join(f"{name} {state[name]}" for name in ("steps", "inserted", "lost", "sampled", "restarts"))
    )
    over = state["steps"] - T * (state["inserted"] + state["lost"])
    assert 0 <= over <= state["steps"] / EPISODE_STEPS + GAMES * T * KILLS_AT_MOST
    assert state["sampled"] % state["batch"] == 0
    due = state["steps"] / state["steps_per_update"] + state["tolerance"]
    assert state["sampled"] / state["batch"] <= due


def goes_on(stack: Stack) -> None:
    """Wait for more play and learning than there is now."""
    seen: list[float] = []

    def more(query: str, by: float) -> bool:
        seen.extend(stack.ask(query).values())
        return bool(seen) and seen[-1] > seen[0] + by

    wait(lambda: more("copa_run_env_steps{job='learner'}", 2_000), "more steps")
    wait(lambda: stack.number("increase(copa_updates_total[20s])") > 0, "more updates")


def test_the_default_is_protected(stack: Stack) -> None:
    assert "(mutual, with a token)" in stack.logs("coach")
    plain = stack.execute("redis", "redis-cli ping 2>&1 || true")
    assert "PONG" not in plain
    nobody = "redis-cli --tls --cacert /secrets/ca.crt --cert /secrets/tls.crt --key /secrets/tls.key ping 2>&1"
    assert "NOAUTH" in stack.execute("redis", nobody)
    stranger = "redis-cli --tls --cacert /secrets/ca.crt --user health --pass x ping 2>&1 || true"
    assert "PONG" not in stack.execute("redis", stranger)
    say("Redis: no answer without TLS, none without a certificate, NOAUTH without a user")


def test_no_role_reads_anothers_secrets(stack: Stack) -> None:
    own = {"tls.key", "tls.crt", "ca.crt", "redis.password"}
    expected = dict.fromkeys(ROLES, own) | {"redis": {*(own - {"redis.password"}), "users.acl"}}
    for role in ("actor", "coach"):
        expected[role] = own | {"token"}
    secrets = {}
    for role, names in expected.items():
        assert set(stack.execute(role, "ls -A /secrets").split()) == names
        assert stack.execute(role, "id -u").strip() == "10001"
        mounted = {mount.get("Name", mount["Source"]) for mount in stack.inspect(role)["Mounts"]}
        assert {name for name in mounted if "secrets" in name} == {f"{stack.project}_secrets-{role}"}
        for name in names - {"ca.crt", "tls.crt"}:
            secrets[role, name] = stack.execute(role, f"cat /secrets/{name}").strip()
    assert len({text for (_, name), text in secrets.items() if name != "token"}) == len(expected) * 2
    told = "".join(json.dumps(stack.inspect(role)) + stack.logs(role) for role in ("init", *expected))
    assert not [place for place, text in secrets.items() if text in told]
    say(f"{len(secrets)} secrets: each role sees its own; none in a log, a variable or an argument of a container")


def test_containers_can_do_little(stack: Stack) -> None:
    published = set()
    for service in (*ROLES, "redis", "prometheus", "tensorboard"):
        found = stack.inspect(service)
        limits = found["HostConfig"]
        assert limits["ReadonlyRootfs"]
        assert limits["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in limits["SecurityOpt"]
        assert limits["Memory"] > 0
        assert limits["NanoCpus"] > 0
        assert limits["PidsLimit"] > 0
        for port, places in found["NetworkSettings"]["Ports"].items():
            published |= {(port, place["HostIp"]) for place in places or ()}
    assert published == {("9090/tcp", "127.0.0.1"), ("6006/tcp", "127.0.0.1")}


def test_more_actors(stack: Stack) -> None:
    for actors in (1, 2, 4):
        stack.up("--scale", f"actor={actors}", "--no-recreate")
        wait(lambda n=actors: stack.number("sum(up{job='actor'})") == n, f"{actors} actors")  # type: ignore[misc]
        wait(lambda n=actors: stack.number("count(rate(copa_env_steps_total[15s]) > 0)") == n, "play")  # type: ignore[misc]
        time.sleep(35)
        rate = stack.number("sum(rate(copa_env_steps_total[30s]))")
        updates = stack.number("rate(copa_updates_total[30s])")
        say(f"actor={actors}: {rate:.0f} environment steps/s, {updates:.1f} updates/s")
        assert rate > 0
    stack.up("--scale", "actor=2", "--no-recreate")
    wait(lambda: stack.number("sum(up{job='actor'})") == 2, "two actors")
    add_up(stack.replay())


def test_the_evaluator_has_played_and_was_never_started_again(stack: Stack) -> None:
    wait(lambda: bool(stack.ask("copa_eval_return")), "an evaluation")
    found = stack.inspect("evaluator")
    assert (found["State"]["Status"], found["RestartCount"]) == ("running", 0), stack.logs("evaluator")


@pytest.mark.parametrize(
    ("service", "way"), list(itertools.product(("actor", "coach", "learner", "redis"), ("inside", "kill")))
)
def test_a_death_while_it_trains(stack: Stack, service: str, way: str) -> None:
    """The process dies inside its container, and the engine starts it again; or `docker kill`, and somebody does."""
    reached = "min(copa_redis_up)" if service == "redis" else f"sum(up{{job='{service}'}})"
    usual = 1.0 if service != "actor" else 2.0
    scale = ("--scale", "actor=2", "--no-recreate")
    goes_on(stack)
    before, restarts = stack.replay(), stack.inspect(service)["RestartCount"]
    began, seen = time.time(), [usual]

    def look() -> bool:
        if str(found := stack.number(reached)) != str(seen[-1]):
            seen.append(found)
        return found == usual

    if way == "inside":
        stack.kill_inside(service)
        wait(lambda: stack.inspect(service)["RestartCount"] > restarts, "the engine starting it again")
        until = time.monotonic() + 15
        wait(lambda: look() and time.monotonic() > until, "everybody being there again")
    else:
        docker("kill", stack.containers(service)[0])
        wait(lambda: not look(), "Prometheus seeing that it is gone")
        alerts = {re.findall("alertname=([A-Za-z]+)", one)[0] for one in stack.ask("ALERTS")}
        stack.up(*scale)
        wait(look, "everybody being there again")
        say(f"  alerts meanwhile, pending or firing: {sorted(alerts) or 'none'}")
    say(
        f"{service}, {'killed inside its container' if way == 'inside' else 'docker kill, then up'}: "
        f"{reached} showed {seen}, back after {time.time() - began:.0f} s"
    )
    goes_on(stack)
    after = stack.replay()
    add_up(after)
    assert after["steps"] > before["steps"]
    assert after["inserted"] + after["lost"] > before["inserted"] + before["lost"]
    if service != "redis":
        assert after["lost"] == before["lost"]


def test_down_keeps_everything_and_up_goes_on(stack: Stack) -> None:
    began = time.monotonic()
    stack.compose("down")
    say(f"docker compose down: {time.monotonic() - began:.0f} s")
    stack.compose("up", "-d", "--wait", "--pull", "never", "redis")
    rest = stack.replay()
    add_up(rest)
    say(f"docker compose up -d --wait again: {stack.up():.0f} s")
    found = re.search(r"resumed from \S+: (\d+) updates, (\d+) steps", stack.logs("learner"))
    assert found, stack.logs("learner")
    say(f"the learner {found[0]}")
    assert int(found[2]) == rest["steps"]
    drawn_ahead = rest["sampled"] - int(found[1]) * rest["batch"]
    assert drawn_ahead % rest["batch"] == 0
    assert 0 <= drawn_ahead <= DRAWN_AHEAD * rest["batch"], "batches that were drawn and not learned are owed again"
    goes_on(stack)
    after = stack.replay()
    add_up(after)
    assert after["inserted"] > rest["inserted"]
    assert after["lost"] == rest["lost"]
    assert "nothing was missing" in stack.logs("init")


def test_unprotected_says_so_and_a_finished_run_stays_finished() -> None:
    stack = Stack("copa-test-insecure", ["docker-compose.insecure.yml"], {"COPA_PRESET": "smoke"})
    try:
        stack.forget()
        stack.compose("up", "-d", "--pull", "never", "learner", "coach", "actor")
        assert "INSECURE: passwords, tokens and TLS are OFF" in stack.logs("init")
        assert "coach.insecure is set" in stack.logs("coach")
        assert "PONG" in stack.execute("redis", "redis-cli ping")
        for role in ("learner", "actor"):
            wait(lambda role=role: stack.inspect(role)["State"]["Status"] == "exited", f"the {role}'s end")  # type: ignore[misc]
            assert stack.inspect(role)["State"]["ExitCode"] == 0
            assert stack.inspect(role)["RestartCount"] == 0
        assert stack.replay()["steps"] >= 12_000
        say("insecure: init and coach say so in their logs; the run of 12,000 steps ended and was not started again")
    finally:
        stack.forget()
