"""Users of Redis: each role can do its work, and nothing of what it must not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
import torch

from copa.errors import ConfigError, UnavailableError
from copa.replay import RecordLayout, Replay, Sampler, ShardedReplay, connect, inspect_run, reset_run
from copa.replay.functions import load_functions
from copa.replay.keys import Keys
from copa.security.acl import ROLES, acl_file
from copa.weights import WeightStore
from tests.replay.examples import small_limits, small_spec, some_segments
from tests.security.parts import GuardedRedis

LAYOUT = RecordLayout(small_spec(), 4)


def replay_as(guarded: GuardedRedis, role: str, run: str) -> Replay:
    return Replay(guarded.client(role), run, LAYOUT, small_limits(), patience=2.0)


@pytest.fixture
def claimed(guarded: GuardedRedis, run_name: str) -> Replay:
    """The run as its learner sees it, with a version of weights."""
    replay = replay_as(guarded, "learner", run_name)
    replay.claim("tests")
    WeightStore(guarded.settings("learner"), run_name).publish({"player.x": torch.ones(3)}, updates=1)
    return replay


def test_every_role_does_its_work(guarded: GuardedRedis, claimed: Replay, tmp_path: Path) -> None:
    run, ring = claimed.run, claimed.limits.capacity
    actor = replay_as(guarded, "actor", run)
    actor.join()
    lease = actor.lease_actor()
    assert actor.lease_episodes(4) == 0
    segments = some_segments(LAYOUT.spec, 4, 40)
    for sequence in range(2):
        push = LAYOUT.push(
            segments, sequence=sequence, steps_total=160 * (sequence + 1), segments_total=40 * (sequence + 1)
        )
        assert actor.push(lease, push).acknowledged
    actor.admission(lease)
    actor.admission()
    for role in ("actor", "coach", "evaluator"):
        reader = WeightStore(guarded.settings(role), run)
        published = reader.pull()
        assert published is not None
        assert published.version == 1
        reader.close()
    replay_as(guarded, "coach", run).join()
    evaluator = replay_as(guarded, "evaluator", run)
    evaluator.join()
    assert evaluator.stats().steps == 320
    assert inspect_run(guarded.client("monitor"), run)["state"]["steps"] == 320
    assert replay_as(guarded, "monitor", run).stats().inserted == 80
    permit = claimed.permit(8)
    assert permit.granted
    assert len(Sampler(claimed, np.random.default_rng(0), rewarded_share=0.5).draw(permit, 8).segments) == 8
    assert claimed.export(tmp_path / "replay") == ring
    counters = claimed.counters()
    actor.release_actor(lease)
    claimed.release()
    operator = guarded.client("operator")
    assert reset_run(operator, run) > ring
    claimed.claim("tests", restore=True)
    assert claimed.import_(tmp_path / "replay") == ring
    assert claimed.stats().steps == counters["steps"]
    for version in range(2, 12):
        WeightStore(guarded.settings("learner"), run, kept=2).publish({"player.x": torch.ones(3)}, updates=version)


def test_who_only_looks_may_ask_for_the_run_while_actors_are_ahead(guarded: GuardedRedis, claimed: Replay) -> None:
    actor = replay_as(guarded, "actor", claimed.run)
    actor.join()
    lease = actor.lease_actor()
    segments = some_segments(LAYOUT.spec, 4, 40)
    for sequence in range(100):
        push = LAYOUT.push(
            segments, sequence=sequence, steps_total=160 * (sequence + 1), segments_total=40 * (sequence + 1)
        )
        if actor.push(lease, push).reason == "actors ahead":
            break
    assert actor.admission().reason == "actors ahead"
    for role in ("evaluator", "monitor"):
        replay_as(guarded, role, claimed.run).check_present()


def test_every_role_does_its_work_with_shards(guarded: GuardedRedis, run_name: str, tmp_path: Path) -> None:
    """The shards are further databases of the same server, with the same users."""

    def sharded(role: str) -> ShardedReplay:
        home, *shards = (connect(guarded.settings(role, url=f"{guarded.url}/{number}")) for number in range(3))
        return ShardedReplay(home, shards, run_name, LAYOUT, small_limits(), patience=2.0)

    learner, actor = sharded("learner"), sharded("actor")
    learner.claim("tests")
    actor.join()
    for number in range(2):
        lease = actor.lease_actor()
        push = LAYOUT.push(some_segments(LAYOUT.spec, 4, 30), sequence=0, steps_total=120, segments_total=30)
        assert actor.push(lease, push).acknowledged
        assert actor.push(lease, push).repeated
        assert lease.actor == number
    actor.admission(lease)
    assert sharded("monitor").stats().segments == 60
    permit = learner.permit(8)
    assert len(Sampler(learner, np.random.default_rng(0), rewarded_share=0.5).draw(permit, 8).segments) == 8
    assert learner.export(tmp_path / "replay") == 60
    learner.release()
    operator = [connect(guarded.settings("operator", url=f"{guarded.url}/{number}")) for number in range(3)]
    for client in operator:
        reset_run(client, run_name)
    learner.claim("tests", restore=True)
    assert learner.import_(tmp_path / "replay") == 60
    for client in operator:
        reset_run(client, run_name, take_over=True)


Attempt = Callable[[redis.Redis, Keys], Any]

WRITES_WEIGHTS: list[Attempt] = [
    lambda client, keys: client.set(keys.version(1), b"mine"),
    lambda client, keys: client.set(keys.latest, 7),
    lambda client, keys: client.hset(keys.weights, "version", 99),
    lambda client, keys: client.zadd(keys.versions, {"99": 99}),
    lambda client, keys: client.publish(keys.notices, "99"),
    lambda client, keys: client.execute_command("FCALL", "copa_1_next_version", 1, keys.weights, 1),
    lambda client, keys: client.mset({keys.version(1): b"mine"}),
    lambda client, keys: client.execute_command("SETRANGE", keys.version(1), 0, b"mine"),
]
WRITES_REPLAY: list[Attempt] = [
    lambda client, keys: client.mset({keys.slots([0])[0]: b"mine"}),
    lambda client, keys: client.set(keys.slots([0])[0], b"mine"),
    lambda client, keys: client.setrange(keys.flags, 0, b"\1"),
    lambda client, keys: client.hset(keys.state, "steps", 10**9),
    lambda client, keys: client.zadd(keys.actors, {"0": 0}),
    lambda client, keys: client.execute_command("FCALL", "copa_1_lease_episodes", 1, keys.state, 5),
    lambda client, keys: client.execute_command("FCALL", "copa_1_lease_actor", 1, keys.state, "token", 1000),
]
OWNS: list[Attempt] = [
    lambda client, keys: client.hset(keys.owner, "owner", "me"),
    lambda client, keys: client.set(keys.schema, b"{}"),
    lambda client, keys: client.execute_command("FCALL", "copa_1_forget", 1, keys.state, 1),
    lambda client, keys: client.execute_command(
        *("FCALL", "copa_1_claim", 1, keys.state, "me", "t", client.get(keys.schema), 1000, 1, 0, -1, "capacity", 1)
    ),
    lambda client, keys: client.execute_command("FCALL", "copa_1_permit", 1, keys.state, "me", 9, "t", 1000, 8, 8),
    lambda client, keys: client.execute_command("FUNCTION", "LOAD", "REPLACE", "#!lua name=copa_1\n"),
    lambda client, keys: client.unlink(keys.schema),
]
READS_SEGMENTS: list[Attempt] = [
    lambda client, keys: client.get(keys.slots([0])[0]),
    lambda client, keys: client.mget(keys.slots([0])),
    lambda client, keys: client.getrange(keys.flags, 0, 10),
]
RULES_THE_SERVER: list[Attempt] = [
    lambda client, keys: client.flushall(),
    lambda client, keys: client.flushdb(),
    lambda client, keys: client.config_set("maxmemory-policy", "allkeys-lru"),
    lambda client, keys: client.config_get("*"),
    lambda client, keys: client.execute_command("ACL", "SETUSER", "actor", "+@all", "allkeys"),
    lambda client, keys: client.execute_command("ACL", "LIST"),
    lambda client, keys: client.execute_command("FUNCTION", "FLUSH"),
    lambda client, keys: client.execute_command("FUNCTION", "DELETE", "copa_1"),
    lambda client, keys: client.execute_command("EVAL", "return redis.call('FLUSHALL')", 0),
    lambda client, keys: client.execute_command("SHUTDOWN", "NOSAVE"),
    lambda client, keys: client.execute_command("REPLICAOF", "127.0.0.1", "1"),
    lambda client, keys: client.execute_command("DEBUG", "SLEEP", "0"),
    lambda client, keys: client.execute_command("CLIENT", "KILL", "TYPE", "normal"),
    lambda client, keys: client.execute_command("MONITOR"),
    lambda client, keys: client.keys("*"),
    lambda client, keys: client.set("elsewhere", b"mine"),
    lambda client, keys: client.get("elsewhere"),
    lambda client, keys: client.execute_command("MIGRATE", "127.0.0.1", "1", keys.state, 0, 10),
    lambda client, keys: client.execute_command("DEL", keys.state),
    lambda client, keys: client.execute_command("EXPIRE", keys.state, 1),
]
FORBIDDEN: dict[str, list[Attempt]] = {
    "actor": [*WRITES_WEIGHTS, *OWNS, *READS_SEGMENTS, *RULES_THE_SERVER],
    "coach": [*WRITES_WEIGHTS, *WRITES_REPLAY, *OWNS, *READS_SEGMENTS, *RULES_THE_SERVER],
    "evaluator": [*WRITES_WEIGHTS, *WRITES_REPLAY, *OWNS, *READS_SEGMENTS, *RULES_THE_SERVER],
    "monitor": [*WRITES_WEIGHTS, *WRITES_REPLAY, *OWNS, *READS_SEGMENTS, *RULES_THE_SERVER],
    "learner": RULES_THE_SERVER,
}


INSIDE_FUNCTIONS = ("The user executing the script can't", "ACL failure in script")
"""How servers, by version, say that a command inside a function was refused."""


@pytest.mark.parametrize("role", FORBIDDEN)
def test_a_role_cannot_do_what_it_must_not(guarded: GuardedRedis, claimed: Replay, role: str) -> None:
    operator, keys = guarded.client("operator"), Keys(claimed.run)
    before = _dump(operator, keys)
    with guarded.client(role) as client:
        got_in = []
        for number, attempt in enumerate(FORBIDDEN[role]):
            try:
                attempt(client, keys)
            except redis.exceptions.NoPermissionError:
                continue
            except redis.ResponseError as error:
                if not any(words in str(error) for words in INSIDE_FUNCTIONS):
                    got_in.append((number, str(error)))
            else:
                got_in.append((number, "done"))
        assert got_in == []
    assert _dump(operator, keys) == before
    assert operator.get("elsewhere") is None
    assert claimed.permit(8).reason == "warming up"


def _dump(client: redis.Redis, keys: Keys) -> dict[bytes, Any]:
    """All keys of the run with their content, but for times of leases."""
    found = {key: client.dump(key) for key in client.scan_iter(match=keys.prefix + "*")}
    found.pop(keys.owner.encode(), None)
    return found


def test_the_operator_may_do_everything(guarded: GuardedRedis) -> None:
    with guarded.client("operator") as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] in (b"noeviction", "noeviction")
        client.set("elsewhere", b"mine")
        assert client.delete("elsewhere") == 1


def test_a_user_of_one_run_cannot_touch_another(guarded: GuardedRedis, claimed: Replay) -> None:
    rule = acl_file({"actor": "a-password-of-one-run"}, run=claimed.run).splitlines()[-1].split()
    operator = guarded.client("operator")
    operator.execute_command("ACL", "SETUSER", "one-run", "reset", *rule[2:])
    host = guarded.url.removeprefix("redis://")
    try:
        with redis.Redis.from_url(f"redis://one-run:a-password-of-one-run@{host}") as client:
            Replay(client, claimed.run, LAYOUT, small_limits(), patience=2.0).lease_actor()
            other = Replay(client, "another", LAYOUT, small_limits(), patience=2.0)
            with pytest.raises(UnavailableError, match="refuses"):
                other.join()
    finally:
        operator.execute_command("ACL", "DELUSER", "one-run")


@pytest.mark.parametrize("changes", [{"username": None, "password_file": None}, {"username": "nobody"}])
def test_nobody_gets_in_without_a_name_or_under_another(guarded: GuardedRedis, changes: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError, match=r"refuses: .*redis\.username"):
        connect(guarded.settings("actor", **changes))


def test_the_password_of_one_role_is_not_that_of_another(guarded: GuardedRedis) -> None:
    theirs = guarded.store.folder / "actor" / "redis.password"
    with pytest.raises(UnavailableError, match="refuses") as caught:
        connect(guarded.settings("operator", password_file=theirs))
    assert theirs.read_text().strip() not in str(caught.value)


def test_a_probe_may_ask_whether_the_server_is_there_and_nothing_else(guarded: GuardedRedis) -> None:
    host = guarded.url.removeprefix("redis://")
    with redis.Redis.from_url(f"redis://health:any@{host}") as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.info()


def test_only_who_owns_a_run_loads_functions(guarded: GuardedRedis, claimed: Replay) -> None:
    operator = guarded.client("operator")
    operator.execute_command("FUNCTION", "FLUSH")
    actor = replay_as(guarded, "actor", claimed.run)
    with pytest.raises(UnavailableError, match="is not in Redis"):
        actor.lease_actor()
    with pytest.raises(UnavailableError, match=r"no permissions to run the .function\|load"):
        load_functions(actor.link)
    claimed.claim("tests")
    actor.lease_actor()


def test_a_user_of_another_role_is_told_what_is_wrong(guarded: GuardedRedis, claimed: Replay) -> None:
    rights = acl_file({"actor": "an-actor-without-slots"}, run=claimed.run).splitlines()[-1].split()
    operator = guarded.client("operator")
    operator.execute_command("ACL", "SETUSER", "half", "reset", *(rule for rule in rights[2:] if "slot" not in rule))
    host = guarded.url.removeprefix("redis://")
    try:
        with redis.Redis.from_url(f"redis://half:an-actor-without-slots@{host}") as client:
            replay = Replay(client, claimed.run, LAYOUT, small_limits(), patience=2.0)
            lease = replay.lease_actor()
            push = LAYOUT.push(some_segments(LAYOUT.spec, 4, 4), sequence=0, steps_total=16, segments_total=4)
            with pytest.raises(UnavailableError, match=r"refuses: .*redis\.username"):
                replay.push(lease, push)
    finally:
        operator.execute_command("ACL", "DELUSER", "half")


def test_the_list_of_users_holds_no_password(guarded: GuardedRedis) -> None:
    text = guarded.store.users.read_text()
    assert len(text.splitlines()) == len(ROLES) + 2
    for role in ROLES:
        assert (guarded.store.folder / role / "redis.password").read_text().strip() not in text


def test_a_user_that_is_no_role_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no role 'actr'; there are actor, coach"):
        acl_file({"actr": "x"})
