"""A replay over several servers: where records go, who counts them, what each refuses."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from copa.config.schema import RedisSettings
from copa.errors import ConfigError, MismatchError
from copa.replay import (
    ActorLease,
    LeaseLostError,
    Limits,
    RecordLayout,
    Replay,
    Sampler,
    ShardedReplay,
    connect,
    reset_run,
)
from copa.replay.server import running
from copa.replay.shards import EPISODE_JUMP
from tests.replay.examples import small_limits
from tests.replay.test_draw import Filler, granted
from tests.replay.test_exactly_once import push_of

MakeSharded = Callable[..., ShardedReplay]


@pytest.fixture(scope="module")
def clients() -> Iterator[list[redis.Redis]]:
    """Connections to three servers: a home and two shards."""
    with ExitStack() as stack:
        servers = [stack.enter_context(running()) for _ in range(3)]
        yield [stack.enter_context(connect(RedisSettings(url=server.url, patience=2.0))) for server in servers]


@pytest.fixture
def make_sharded(clients: list[redis.Redis], run_name: str, layout: RecordLayout) -> MakeSharded:
    """Replays of one run; keyword arguments are limits, `order` tells the shards' order in the list."""

    def make(claim: bool = True, order: tuple[int, ...] = (1, 2), **limits: Any) -> ShardedReplay:
        shards = [clients[number] for number in order]
        replay = ShardedReplay(clients[0], shards, run_name, layout, small_limits(**limits), patience=2.0)
        if claim:
            replay.claim("tests")
        return replay

    return make


def push(replay: Replay, lease: ActorLease, sequence: int, count: int = 5, first: int = 0) -> bool:
    pushed = push_of(replay.layout, sequence, first + count * sequence, count, count * (sequence + 1))
    return replay.push(lease, pushed).acknowledged


def episodes_in(replay: ShardedReplay) -> list[int]:
    """Episode numbers of all segments in all rings, by which tests know them."""
    share = replay.shards[0].limits.capacity
    slots = [number * share + np.arange(shard.ring().segments) for number, shard in enumerate(replay.shards)]
    records = replay.read(np.concatenate(slots))
    found: list[int] = replay.layout.decode([record for record in records if record is not None]).episodes.tolist()
    return found


def inserted(replay: ShardedReplay) -> list[int]:
    """Segments ever inserted, as home and shards count them."""
    return [Replay.stats(server).inserted for server in replay.servers]


def test_each_actor_writes_to_one_shard_and_the_home_counts(make_sharded: MakeSharded) -> None:
    replay = make_sharded()
    leases = [replay.lease_actor() for _ in range(3)]
    for lease in leases:
        for sequence in range(2):
            assert push(replay, lease, sequence, first=100 * lease.actor)
    assert inserted(replay) == [30, 20, 10]
    assert sorted(episodes_in(replay)) == [*range(10), *range(100, 110), *range(200, 210)]
    stats = replay.stats()
    assert (stats.segments, stats.capacity, stats.steps, stats.actors) == (30, 64, 120, 3)
    assert (stats.lost, stats.duplicates) == (0, 0)
    assert stats.bytes == pytest.approx(sum(shard.stats().bytes for shard in replay.shards), rel=0.1)
    replay.release_actor(leases[0])
    assert replay.lease_actor().actor == 0


def test_a_repeated_push_changes_nothing_anywhere(make_sharded: MakeSharded, layout: RecordLayout) -> None:
    replay = make_sharded(capacity=1000)
    lease = replay.lease_actor()
    pushed = push_of(layout, 0, first=0, count=300, total=300)
    first, again = replay.push(lease, pushed), replay.push(lease, pushed)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.total_steps == again.total_steps == 1200
    assert inserted(replay) == [300, 300, 0]
    assert episodes_in(replay) == list(range(300))


def test_what_an_actor_did_not_live_to_tell_is_drawn_and_not_counted(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=1)
    lease = replay.lease_actor()
    push(replay, lease, 0)
    push(replay.shards[0], lease, 1)
    assert inserted(replay) == [5, 10, 0]
    assert replay.stats().steps == 20
    assert episodes_in(replay) == list(range(10))
    replay.release_actor(lease)
    push(replay, replay.lease_actor(), 0, first=50)
    assert inserted(replay) == [10, 15, 0]
    assert replay.stats().lost == 0


def test_an_older_incarnation_is_refused_by_home_and_shard(make_sharded: MakeSharded, layout: RecordLayout) -> None:
    replay = make_sharded()
    old = replay.lease_actor()
    push(replay, old, 0)
    replay.release_actor(old)
    new = replay.lease_actor()
    assert (new.actor, new.incarnation) == (0, 2)
    for server in (replay, *replay.servers[:2]):
        with pytest.raises(LeaseLostError, match="leases again"):
            push(server, old, 1)
    assert inserted(replay) == [5, 5, 0]
    assert push(replay, new, 0, first=50)
    assert episodes_in(replay) == [*range(5), *range(50, 55)]


def test_an_incarnation_that_a_shard_knows_is_not_issued_again(make_sharded: MakeSharded) -> None:
    replay = make_sharded()
    known = replay.lease_actor()
    replay.release_actor(known)
    replay.link.command("DEL", replay.keys.actor(0))
    lease = replay.lease_actor()
    assert (lease.actor, lease.incarnation) == (0, known.incarnation + 1)
    assert push(replay, lease, 0)


def test_draws_are_in_proportion_to_fill(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=1, free_running=True, capacity=100)
    for count, first in ((37, 0), (13, 37)):
        replay.push(replay.lease_actor(), push_of(replay.layout, 0, first=first, count=count, total=count))
    rng = np.random.default_rng(7)
    counts = np.zeros(50)
    for _ in range(400):
        episodes = Sampler(replay, rng).draw(granted(replay, 10), 10).segments.episodes
        assert len(set(episodes.tolist())) == 10
        counts[episodes] += 1
    expected = counts.sum() / 50
    chi_square = ((counts - expected) ** 2 / expected).sum() / (1 - 10 / 50)
    assert chi_square < 85.4, "0.1 % of the chi-square distribution with 49 degrees of freedom lie above"


def test_rings_turn_by_themselves_and_rewarded_segments_are_found_in_all(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=1, free_running=True, capacity=40)
    fillers = [Filler(replay), Filler(replay)]
    rng = np.random.default_rng(0)
    fillers[0].push(50, rewarded=48)
    fillers[1].push(9, rewarded=2)
    permit = granted(replay)
    assert permit.segments == replay.stats().segments == 29
    batch = Sampler(replay, rng, rewarded_share=0.5).draw(permit, 8).segments
    assert (batch.rewards.max(axis=1) > 0).sum() >= 4
    slots = replay.rewarded()
    assert len(slots) == 20
    assert slots[-2:].tolist() == [20, 21], "the second shard's slots begin behind the first's 20"
    only = Sampler(replay, rng, rewarded_share=1.0)
    drawn = np.concatenate([only.draw(granted(replay), 8).segments.episodes for _ in range(100)])
    assert set(drawn.tolist()) == {0, 1, *range(30, 48)}


def test_priorities_are_those_of_all_shards_together(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=1, free_running=True, capacity=40)
    fillers = [Filler(replay), Filler(replay)]
    fillers[0].push(25)
    fillers[1].push(5)
    sampler = Sampler(replay, np.random.default_rng(0), priority=1.0)
    errors = np.where(np.arange(25) == 24, 5.0, 1.0)
    drawn = [sampler.draw(granted(replay), 8) for _ in range(50)]
    for draw in drawn:
        assert draw.origin is not None
        sampler.learned(draw.origin, np.where(draw.origin.slots >= 20, 4.0, errors[draw.segments.episodes]))
    origins = [draw.origin for _ in range(500) if (draw := sampler.draw(granted(replay), 8)).origin is not None]
    slots = np.concatenate([origin.slots for origin in origins])
    total = 19 + 5 + 5 * 4
    assert set(slots.tolist()) == {*range(20), *range(20, 25)}
    assert (slots >= 20).mean() == pytest.approx(20 / total, rel=0.1)
    assert (slots == 4).mean() == pytest.approx(5 / total, rel=0.2), "episode 24 is where the ring had turned to"


def test_damaged_records_of_a_shard_are_replaced_and_counted(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=1, free_running=True)
    for first in (0, 10):
        push(replay, replay.lease_actor(), 0, count=10, first=first)
    replay.shards[1].link.command("DEL", *replay.shards[1].keys.slots(range(5)))
    sampler = Sampler(replay, np.random.default_rng(0))
    drawn = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(20)])
    assert set(drawn.tolist()).isdisjoint(range(10, 15))
    assert replay.stats().corrupt > 0


def test_the_minimum_is_of_all_shards_together(make_sharded: MakeSharded) -> None:
    replay = make_sharded(minimum=20)
    leases = [replay.lease_actor(), replay.lease_actor()]
    replay.push(leases[0], push_of(replay.layout, 0, first=0, count=12, total=12))
    replay.push(leases[1], push_of(replay.layout, 0, first=50, count=7, total=7))
    assert replay.permit(8).reason == "warming up"
    replay.push(leases[1], push_of(replay.layout, 1, first=57, count=1, total=8))
    assert replay.permit(8).granted


def test_a_list_in_another_order_is_refused(make_sharded: MakeSharded) -> None:
    replay = make_sharded()
    swapped = make_sharded(claim=False, order=(2, 1))
    address = replay.shards[1].link.address
    with pytest.raises(MismatchError, match=rf"at {address} has another schema \(shard: here 0, in Redis 1\)"):
        swapped.claim("tests")
    swapped.join()
    with pytest.raises(MismatchError, match=r"shard: here 0, in Redis 1"):
        swapped.lease_actor()
    assert replay.lease_actor().actor == 0, "what the refused process had leased was given back"


def test_a_list_that_is_too_short_or_missing_is_refused(
    make_sharded: MakeSharded, clients: list[redis.Redis], layout: RecordLayout
) -> None:
    replay = make_sharded()
    with pytest.raises(MismatchError, match=r"\(shards: here 1, in Redis 2\)"):
        make_sharded(claim=False, order=(1,)).join()
    for client in clients:
        alone = Replay(client, replay.run, layout, small_limits(capacity=64 if client is clients[0] else 32))
        with pytest.raises(MismatchError, match=r"\(shards?: here None, in Redis [012]\)"):
            alone.claim("tests")


def test_a_shard_of_another_owner_is_refused_and_the_home_is_given_back(
    make_sharded: MakeSharded, clients: list[redis.Redis]
) -> None:
    replay = make_sharded()
    push(replay, replay.lease_actor(), 0)
    replay.release()
    reset_run(clients[0], replay.run)
    other = make_sharded(claim=False)
    with pytest.raises(MismatchError, match=rf"at {replay.shards[0].link.address} holds 5 segments"):
        other.claim("someone else", restore=True)
    assert not other.stats().owner_alive


def test_a_home_that_forgot_a_run_whose_shards_did_not_is_refused(
    make_sharded: MakeSharded, clients: list[redis.Redis]
) -> None:
    replay = make_sharded()
    push(replay, replay.lease_actor(), 0)
    replay.lease_episodes(7)
    counters = replay.counters()
    reset_run(clients[0], replay.run, take_over=True)
    again = make_sharded(claim=False)
    with pytest.raises(MismatchError, match=r"is not in its home, .* holds 5 segments: resume"):
        again.claim("tests")
    assert again.claim("tests", restore=True).created
    again.restore_counters(counters)
    stats = again.stats()
    assert (stats.steps, stats.inserted, stats.segments, stats.lost) == (20, 5, 5, 0)
    assert again.lease_episodes(1) == 7 + EPISODE_JUMP, "the shards may know games that the counters do not"


def test_segments_must_be_shared_equally(make_sharded: MakeSharded) -> None:
    with pytest.raises(ConfigError, match=r"replay\.capacity = 65 cannot be shared .* 2 servers .* set it to 64 or 66"):
        make_sharded(claim=False, capacity=65)
    with pytest.raises(ConfigError, match=r"replay\.minimum = 33 is more than the 32 segments of each of 2"):
        make_sharded(claim=False, minimum=33)


def test_a_shard_checks_its_own_share_of_memory(make_sharded: MakeSharded, layout: RecordLayout) -> None:
    with pytest.raises(ConfigError, match=r"replay\.capacity = 32 segments need"):
        make_sharded(max_bytes=32 * layout.record_bytes)
    with pytest.raises(ConfigError, match=r"replay\.capacity = 64 segments need"):
        Replay(make_sharded().link.client, "one", layout, small_limits(max_bytes=40 * layout.record_bytes)).claim("a")


def test_a_shard_out_of_memory_holds_its_actors_back(make_sharded: MakeSharded, clients: list[redis.Redis]) -> None:
    replay = make_sharded()
    leases = [replay.lease_actor(), replay.lease_actor()]
    assert push(replay, leases[1], 0)
    pushed = push_of(replay.layout, 0, first=20, count=5, total=5)
    before = clients[1].config_get("maxmemory")["maxmemory"]
    clients[1].config_set("maxmemory", 1)
    try:
        refused = replay.push(leases[0], pushed)
        assert (refused.acknowledged, refused.reason) == (False, "redis out of memory")
        assert refused.total_steps == 20, "the run's, as the home counts them"
        assert push(replay, leases[1], 1), "the other shard goes on"
    finally:
        clients[1].config_set("maxmemory", before)
    accepted = replay.push(leases[0], pushed)
    assert (accepted.acknowledged, accepted.repeated, accepted.total_steps) == (True, False, 60)


def test_a_replay_survives_as_one_file(make_sharded: MakeSharded, clients: list[redis.Redis], tmp_path: Path) -> None:
    replay = make_sharded(capacity=600)
    leases = [replay.lease_actor(), replay.lease_actor()]
    for sequence in range(4):
        push(replay, leases[0], sequence, count=100)
    push(replay, leases[1], 0, count=100, first=1000)
    before, episodes, counters = replay.stats(), episodes_in(replay), replay.counters()
    path = tmp_path / "replay.bin"
    assert replay.export(path) == 400
    for client in clients:
        reset_run(client, replay.run, take_over=True)
    again = make_sharded(claim=False, capacity=600)
    assert again.claim("tests", restore=True).created
    assert again.import_(path) == 400
    assert episodes_in(again) == episodes
    after = again.stats()
    for name in ("segments", "steps", "inserted", "sampled", "lost", "episodes"):
        assert getattr(after, name) == getattr(before, name), name
    for lease in leases:
        pushed = push_of(again.layout, 0, first=0, count=100, total=100)
        assert again.push(lease, pushed).repeated
    with pytest.raises(MismatchError, match="is not empty"):
        make_sharded(capacity=600).import_(path)
    with pytest.raises(MismatchError, match="is not empty"):
        make_sharded(capacity=600).restore_counters(counters)


def test_a_shard_that_lost_everything_is_filled_from_the_file(
    make_sharded: MakeSharded, clients: list[redis.Redis], tmp_path: Path
) -> None:
    replay = make_sharded()
    leases = [replay.lease_actor(), replay.lease_actor()]
    for sequence in range(2):
        for lease in leases:
            push(replay, lease, sequence, first=100 * lease.actor)
        if sequence == 0:
            replay.export(tmp_path / "replay.bin")
    reset_run(clients[2], replay.run, take_over=True)
    again = make_sharded(claim=False)
    assert again.claim("tests", restore=True).created
    assert again.import_(tmp_path / "replay.bin") == 15
    assert sorted(episodes_in(again)) == [*range(10), *range(100, 105)]
    assert push(again, leases[1], 2, first=100)
    stats = again.stats()
    assert (stats.inserted, stats.segments, stats.lost) == (25, 20, 5), "five came after the file was written"
    assert stats.steps == 100


def test_counters_of_another_number_of_servers_are_refused(
    make_sharded: MakeSharded, clients: list[redis.Redis], layout: RecordLayout
) -> None:
    replay = make_sharded()
    alone = Replay(clients[0], f"{replay.run}-alone", layout, small_limits())
    alone.claim("tests")
    with pytest.raises(MismatchError, match=r"read with 2 shards, and it goes on with no shards: set redis\.shards"):
        alone.restore_counters(replay.counters())
    with pytest.raises(MismatchError, match="read with no shards, and it goes on with 2 shards"):
        replay.restore_counters(alone.counters())


def test_the_lease_of_a_silent_actor_runs_out_at_the_home(
    make_sharded: MakeSharded, clients: list[redis.Redis], layout: RecordLayout
) -> None:
    limits: Limits = make_sharded().limits
    name = make_sharded().run
    short = ShardedReplay(clients[0], clients[1:], name, layout, limits, actor_lease_seconds=0.05)
    old = short.lease_actor()
    assert push(short, old, 0)
    time.sleep(0.1)
    new = make_sharded().lease_actor()
    assert (new.actor, new.incarnation) == (old.actor, old.incarnation + 1)
    with pytest.raises(LeaseLostError):
        push(short, old, 1)
