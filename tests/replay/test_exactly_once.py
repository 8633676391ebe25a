"""Pushes: repeats, gaps, old incarnations, split pushes, a killed actor."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import redis

from copa.errors import DataError
from copa.replay import LeaseLostError, Push, RecordLayout, Replay, ReplayGoneError, reset_run
from tests.replay.conftest import MakeReplay
from tests.replay.examples import some_segments


def push_of(layout: RecordLayout, sequence: int, first: int, count: int, total: int) -> Push:
    segments = some_segments(layout.spec, 4, count, first_episode=first)
    return layout.push(segments, sequence=sequence, steps_total=4 * total, segments_total=total)


def episodes_in(replay: Replay) -> list[int]:
    """Episode numbers of all segments in the ring, by which tests know them."""
    records = replay.read(np.arange(replay.stats().segments))
    episodes: list[int] = replay.layout.decode([record for record in records if record is not None]).episodes.tolist()
    return episodes


def test_a_repeated_push_changes_nothing(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    push = push_of(layout, 5, first=0, count=6, total=6)
    first, again = replay.push(lease, push), replay.push(lease, push)
    assert (first.acknowledged, first.repeated) == (True, False)
    assert (again.acknowledged, again.repeated) == (True, True)
    assert first.total_steps == again.total_steps == 24
    assert episodes_in(replay) == list(range(6))
    stats = replay.stats()
    assert (stats.inserted, stats.steps, stats.duplicates, stats.lost) == (6, 24, 1, 0)


def test_a_gap_is_accepted_and_counted(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    replay.push(lease, push_of(layout, 0, first=0, count=2, total=2))
    replay.push(lease, push_of(layout, 3, first=7, count=2, total=9))
    stats = replay.stats()
    assert (stats.inserted, stats.lost, stats.steps) == (4, 5, 36)
    assert episodes_in(replay) == [0, 1, 7, 8]


def test_steps_alone_can_be_pushed(make_replay: MakeReplay) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    assert replay.push(lease, Push(0, [], b"", 17, 0)).total_steps == 17
    assert replay.push(lease, Push(0, [], b"", 17, 0)).total_steps == 17
    assert replay.push(lease, Push(1, [], b"", 20, 0)).total_steps == 20


def test_a_large_push_is_split_and_stays_one(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay(capacity=1000)
    lease = replay.lease_actor()
    push = push_of(layout, 0, first=0, count=700, total=700)
    assert replay.push(lease, push).total_steps == 2800
    assert replay.push(lease, push).repeated
    assert episodes_in(replay) == list(range(700))
    assert replay.stats().lost == 0


def test_the_ring_overwrites_the_oldest(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay(capacity=10, minimum=2)
    lease = replay.lease_actor()
    for sequence in range(5):
        replay.push(lease, push_of(layout, sequence, first=7 * sequence, count=7, total=7 * (sequence + 1)))
    assert sorted(episodes_in(replay)) == list(range(25, 35))
    replay.refresh_side(replay.permit(8))
    assert replay.side.generations.tolist() == [4] * 5 + [3] * 5


def test_an_older_incarnation_is_refused(
    client: redis.Redis, run_name: str, make_replay: MakeReplay, layout: RecordLayout
) -> None:
    replay = make_replay()
    short = Replay(client, run_name, layout, replay.limits, actor_lease_seconds=0.05)
    old = short.lease_actor()
    replay.push(old, push_of(layout, 0, first=0, count=1, total=1))
    short.push(old, push_of(layout, 1, first=1, count=1, total=2))
    time.sleep(0.1)
    new = replay.lease_actor()
    assert (new.actor, new.incarnation) == (old.actor, old.incarnation + 1)
    with pytest.raises(LeaseLostError, match="leases again"):
        replay.push(old, push_of(layout, 2, first=2, count=1, total=3))
    with pytest.raises(LeaseLostError):
        replay.admission(old)
    replay.push(new, push_of(layout, 0, first=9, count=1, total=1))
    assert episodes_in(replay) == [0, 1, 9]


def test_an_expired_lease_that_nobody_took_goes_on(
    client: redis.Redis, run_name: str, make_replay: MakeReplay, layout: RecordLayout
) -> None:
    replay = make_replay()
    lease = Replay(client, run_name, layout, replay.limits, actor_lease_seconds=0.01).lease_actor()
    time.sleep(0.05)
    assert replay.push(lease, push_of(layout, 0, first=0, count=1, total=1)).acknowledged
    assert replay.lease_actor().actor == lease.actor + 1


def test_actor_ids_are_small_and_used_again(make_replay: MakeReplay) -> None:
    replay = make_replay()
    leases = [replay.lease_actor() for _ in range(4)]
    assert [lease.actor for lease in leases] == [0, 1, 2, 3]
    assert replay.stats().actors == 4
    replay.release_actor(leases[1])
    replay.release_actor(leases[1])
    again = replay.lease_actor()
    assert (again.actor, again.incarnation) == (1, 2)


def test_episode_numbers_are_leased_once(make_replay: MakeReplay) -> None:
    replay = make_replay()
    assert [replay.lease_episodes(count) for count in (10, 1, 100, 5)] == [0, 10, 11, 111]


def test_pushes_that_contradict_themselves_are_refused(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    records = layout.encode(some_segments(layout.spec, 4, 2))
    for push, message in (
        (Push(0, records, b"\0", 8, 2), "flags has 1 bytes for 2 records"),
        (Push(0, [records[0], records[1][:-1]], b"\0\0", 8, 2), r"records\[1\] has"),
        (Push(0, records, b"\0\0", 8, 1), "segments_total = 1 with 2 records"),
    ):
        with pytest.raises(DataError, match=message):
            replay.push(lease, push)
    assert replay.stats().inserted == 0


def test_a_run_that_was_reset_takes_nothing(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    reset_run(replay.link.client, replay.run, take_over=True)
    with pytest.raises(ReplayGoneError, match="is not in Redis"):
        replay.push(lease, push_of(layout, 0, first=0, count=1, total=1))
    with pytest.raises(ReplayGoneError):
        replay.permit(8)


DAMAGES = {
    "all keys are deleted": lambda replay: reset_run(replay.link.client, replay.run, take_over=True),
    "the counters are deleted": lambda replay: replay.link.client.delete(replay.keys.state),
    "half of the counters are there": lambda replay: (
        replay.link.client.delete(replay.keys.state),
        replay.link.client.hset(replay.keys.state, "position", 3),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_call_to_a_run_that_is_gone_says_so(make_replay: MakeReplay, layout: RecordLayout, damage: str) -> None:
    replay = make_replay()
    lease = replay.lease_actor()
    kept = replay.counters()
    DAMAGES[damage](replay)
    for call in (
        lambda: replay.push(lease, push_of(layout, 0, first=0, count=1, total=1)),
        lambda: replay.permit(8),
        lambda: replay.admission(),
        lambda: replay.admission(lease),
        lambda: replay.lease_actor(),
        lambda: replay.lease_episodes(4),
        lambda: replay.stats(),
        lambda: replay.counters(),
        lambda: replay.restore_counters(kept),
    ):
        with pytest.raises(ReplayGoneError, match=f"Run '{replay.run}' is not in Redis"):
            call()
    replay.release_actor(lease)
    replay.release()


ROOT = Path(__file__).parents[2]
PUSHER = """
import sys
from copa.config.schema import RedisSettings
from copa.replay import RecordLayout, Replay, connect
from tests.replay.examples import small_limits, small_spec
from tests.replay.test_exactly_once import push_of

url, run = sys.argv[1:]
layout = RecordLayout(small_spec(), 4)
replay = Replay(connect(RedisSettings(url=url)), run, layout, small_limits(capacity=100_000))
replay.join()
lease = replay.lease_actor()
for sequence in range(100_000):
    push = push_of(layout, sequence, first=5 * sequence, count=5, total=5 * (sequence + 1))
    replay.push(lease, push)
    replay.push(lease, push)
    print(sequence, flush=True)
"""


def test_a_killed_actor_loses_and_doubles_nothing_that_was_acknowledged(
    server_url: str, run_name: str, make_replay: MakeReplay
) -> None:
    replay = make_replay(capacity=100_000)
    pushers = [
        subprocess.Popen(
            [sys.executable, "-c", PUSHER, server_url, run_name], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(2)
    ]
    try:
        acknowledged = []
        for pusher in pushers:
            assert pusher.stdout is not None
            while int(pusher.stdout.readline()) < 40:
                pass
            pusher.send_signal(signal.SIGKILL)
            rest = pusher.stdout.read().split()
            acknowledged.append(int(rest[-1]) + 1 if rest else 41)
            pusher.wait()
    finally:
        for pusher in pushers:
            pusher.kill()
            pusher.wait()
            assert pusher.stdout is not None
            pusher.stdout.close()
    found = np.bincount(episodes_in(replay))
    stats = replay.stats()
    assert found.max() <= 2, "each of two actors pushed each number once"
    assert found.sum() == stats.inserted
    assert stats.lost == 0
    pushed = sorted([(found >= 2).sum(), (found >= 1).sum()])
    for least, here in zip(sorted(acknowledged), pushed, strict=True):
        assert 5 * least <= here <= 5 * (least + 1)
    assert stats.steps == 4 * stats.inserted
