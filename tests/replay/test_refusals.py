"""Every refusal: owner, schema, policy, version, memory, password, absence; one clear message each."""

import json
import threading
import time
from pathlib import Path

import pytest
import redis

from copa.config.schema import RedisSettings
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.replay import (
    LeaseLostError,
    RecordLayout,
    Replay,
    connect,
    inspect_run,
    list_runs,
    reset_run,
    ring_bytes,
)
from copa.replay.connection import check_server
from copa.replay.server import running
from tests.replay.conftest import MakeReplay
from tests.replay.examples import small_limits, small_spec, some_segments


def push_some(replay: Replay) -> None:
    segments = some_segments(replay.layout.spec, 4, 4)
    replay.push(replay.lease_actor(), replay.layout.push(segments, sequence=0, steps_total=16, segments_total=4))


def test_another_owner_is_refused_while_alive(make_replay: MakeReplay, run_name: str) -> None:
    make_replay()
    with pytest.raises(MismatchError, match=rf"Run '{run_name}' at unix://.* belongs to tests, .*copa replay reset"):
        make_replay(claim=False).claim("someone else")


def test_data_of_an_owner_that_is_gone_are_taken_over_on_request_only(make_replay: MakeReplay) -> None:
    first = make_replay()
    push_some(first)
    first.release()
    other = make_replay(claim=False)
    with pytest.raises(MismatchError, match="holds 4 segments and 16 steps of tests, which is gone"):
        other.claim("someone else")
    assert not other.claim("someone else", take_over=True).created
    assert other.stats().owner == "someone else"


def test_an_empty_run_of_an_owner_that_is_gone_is_free(make_replay: MakeReplay) -> None:
    make_replay().release()
    make_replay(claim=False).claim("someone else")


def test_a_restarted_owner_goes_on_and_the_old_process_is_refused(make_replay: MakeReplay) -> None:
    old = make_replay()
    push_some(old)
    new = make_replay(claim=False)
    claim = new.claim("tests")
    assert (claim.term, claim.created) == (2, False)
    with pytest.raises(LeaseLostError, match=r"Another process \(tests\)"):
        old.permit(8)
    new.permit(8)


def test_what_a_checkpoint_does_not_have_is_owed_again(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1)
    push_some(replay)
    assert replay.permit(8).granted
    assert replay.permit(8).sampled == 16
    replay.claim("tests", sampled=8)
    assert replay.stats().sampled == 8
    replay.claim("tests", sampled=100)
    assert replay.stats().sampled == 8


@pytest.mark.parametrize("how", ["claim", "join"])
def test_a_foreign_schema_is_refused_by_field(
    client: redis.Redis, run_name: str, make_replay: MakeReplay, how: str
) -> None:
    make_replay()
    other = Replay(client, run_name, RecordLayout(small_spec(slots=3), 4), small_limits())
    with pytest.raises(MismatchError, match=r"another schema \(slots: here 3, in Redis 2\).*copa replay reset"):
        getattr(other, how)(*(("tests",) if how == "claim" else ()))
    larger = Replay(client, run_name, RecordLayout(small_spec(), 4), small_limits(capacity=65))
    with pytest.raises(MismatchError, match="capacity: here 65, in Redis 64"):
        larger.join()


@pytest.mark.parametrize("junk", [b"no json", json.dumps([1]).encode()])
def test_a_schema_that_is_none_is_refused_and_reset_is_the_way_out(
    client: redis.Redis, make_replay: MakeReplay, junk: bytes
) -> None:
    replay = make_replay(claim=False)
    client.set(replay.keys.schema, junk)
    with pytest.raises(MismatchError, match="another schema"):
        replay.claim("tests")
    inspect_run(client, replay.run)
    reset_run(client, replay.run)
    assert replay.claim("tests").created


def test_reset_is_refused_while_the_owner_lives_and_leaves_nothing(
    client: redis.Redis, make_replay: MakeReplay
) -> None:
    replay = make_replay()
    push_some(replay)
    assert replay.run in list_runs(client)
    assert inspect_run(client, replay.run)["state"]["inserted"] == 4
    with pytest.raises(MismatchError, match="belongs to tests, whose lease lasts"):
        reset_run(client, replay.run)
    replay.release()
    assert reset_run(client, replay.run) > 4
    assert not list(client.scan_iter(match=replay.keys.prefix + "*"))
    with pytest.raises(UnavailableError, match=f"holds no run '{replay.run}'"):
        inspect_run(client, replay.run)


def test_joining_waits_for_the_run_and_gives_up_in_words(make_replay: MakeReplay) -> None:
    joiner, learner = make_replay(claim=False), make_replay(claim=False)
    with pytest.raises(UnavailableError, match=r"did not appear .* within 0\.1 s: start its learner"):
        joiner.join(0.1)
    timer = threading.Timer(0.2, learner.claim, ("tests",))
    timer.start()
    joiner.join(5.0)
    timer.join()
    joiner.lease_actor()


def test_a_server_that_evicts_is_refused(layout: RecordLayout) -> None:
    with (
        running(options={"maxmemory-policy": "allkeys-lru"}) as server,
        connect(RedisSettings(url=server.url)) as client,
    ):
        replay = Replay(client, "run", layout, small_limits())
        with pytest.raises(MismatchError, match=r"maxmemory-policy allkeys-lru.*noeviction"):
            replay.claim("tests")
        with pytest.raises(MismatchError, match="maxmemory-policy allkeys-lru"):
            replay.join()
        assert list_runs(client) == []


def test_an_old_server_is_refused() -> None:
    check_server({"redis_version": "7.0.15"}, "here")
    with pytest.raises(UnavailableError, match=r"Redis at here is version 6\.2\.14, which has no Functions"):
        check_server({"redis_version": "6.2.14"}, "here")


def test_a_ring_that_would_not_fit_is_refused(client: redis.Redis, layout: RecordLayout) -> None:
    with pytest.raises(
        ConfigError, match=r"more than replay\.max_bytes = 10000: raise that, or lower the capacity to 20"
    ):
        Replay(client, "big", layout, small_limits(max_bytes=10_000)).claim("tests")
    capacity = 2**33 // layout.record_bytes
    limits = small_limits(capacity=capacity, max_bytes=2**40)
    assert ring_bytes(layout, capacity) > 2**33
    with pytest.raises(MismatchError, match="more than the maxmemory of Redis"):
        Replay(client, "big", layout, limits).claim("tests")


def test_a_server_out_of_memory_holds_pushes_back(layout: RecordLayout) -> None:
    with running() as server, connect(RedisSettings(url=server.url)) as client:
        replay = Replay(client, "run", layout, small_limits())
        replay.claim("tests")
        lease = replay.lease_actor()
        push = layout.push(some_segments(layout.spec, 4, 10), sequence=0, steps_total=40, segments_total=10)
        client.config_set("maxmemory", 1)
        refused = replay.push(lease, push)
        assert (refused.acknowledged, refused.reason, refused.finished) == (False, "redis out of memory", False)
        assert refused.wait_seconds > 0
        assert not replay.permit(8).granted
        client.config_set("maxmemory", 0)
        accepted = replay.push(lease, push)
        assert accepted.acknowledged
        assert not accepted.repeated
        assert replay.stats().inserted == 10


def test_a_password_comes_from_its_file_and_a_wrong_one_is_refused_at_once(tmp_path: Path) -> None:
    with running() as server:
        with connect(RedisSettings(url=server.url)) as admin:
            admin.config_set("requirepass", "secret")
        secret = tmp_path / "password"
        secret.write_text("secret\n")
        with connect(RedisSettings(url=server.url, password_file=secret)) as client:
            assert client.ping()
        secret.write_text("guess")
        for settings in (RedisSettings(url=server.url, password_file=secret), RedisSettings(url=server.url)):
            start = time.monotonic()
            with pytest.raises(UnavailableError, match=r"refuses: .*Check redis\.username, the password"):
                connect(settings)
            assert time.monotonic() - start < 30
    with pytest.raises(ConfigError, match=r"redis\.password_file = .* cannot be read"):
        connect(RedisSettings(url="redis://localhost:1", password_file=tmp_path / "absent"))


def test_redis_absent_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(UnavailableError, match=r"No Redis to connect to: set redis\.url"):
        connect(RedisSettings())
    url = f"unix://{tmp_path}/none.sock"
    with pytest.raises(UnavailableError, match=r"none\.sock could not be reached for 0\.2 s"):
        connect(RedisSettings(url=url, patience=0.2))
    with pytest.raises(ConfigError, match="'http://host' cannot be used"):
        connect(RedisSettings(url="http://host"))


def test_redis_url_is_read(monkeypatch: pytest.MonkeyPatch, server_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", server_url)
    with connect(RedisSettings()) as client:
        assert client.ping()


def test_waiting_for_redis_ends_when_the_process_is_asked_to_stop(tmp_path: Path) -> None:
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    start = time.monotonic()
    with pytest.raises(UnavailableError, match="Stopped while waiting for Redis"):
        connect(RedisSettings(url=f"unix://{tmp_path}/none.sock", patience=60), stopping=stopping)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("url", ["http://me:secret@host", "http://host?password=secret", "redis://:secret/x@host"])
def test_a_url_that_cannot_be_used_does_not_show_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"redis\.url = .* cannot be used") as refused:
        connect(RedisSettings(url=url))
    assert "secret" not in str(refused.value)
