"""Draws: permits, uniformity, stratified batches, damaged records."""

from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from copa.errors import DataError
from copa.replay import Permit, RecordLayout, Replay, Sampler
from tests.replay.conftest import MakeReplay
from tests.replay.examples import some_segments


class Filler:
    """Pushes segments whose episode numbers rise; a share of them has a positive reward."""

    def __init__(self, replay: Replay) -> None:
        self.replay, self.lease, self.total = replay, replay.lease_actor(), 0

    def push(self, count: int, rewarded: int = 0) -> None:
        segments = some_segments(self.replay.layout.spec, 4, count, first_episode=self.total)
        segments.rewards[:] = -1.0
        segments.rewards[:rewarded, 0] = 1.0
        self.total += count
        push = self.replay.layout.push(
            segments, sequence=self.total, steps_total=4 * self.total, segments_total=self.total
        )
        self.replay.push(self.lease, push)


def granted(replay: Replay, batch: int = 8) -> Permit:
    permit = replay.permit(batch)
    assert permit.granted
    return permit


def test_a_permit_is_counted_once_however_often_it_is_asked_for(make_replay: MakeReplay) -> None:
    replay = make_replay()
    Filler(replay).push(20)
    seen: list[tuple[Any, ...]] = []
    call = replay.call
    arguments: tuple[Any, ...] = ()

    def remember(name: str, *given: Any, write: bool = True) -> Any:
        nonlocal arguments
        arguments = (name, *given)
        return call(name, *given, write=write)

    replay.call = remember  # type: ignore[method-assign]
    granted(replay)
    for _ in range(3):
        seen.append(tuple(call(*arguments)))
    assert {answer[2] for answer in seen} == {b""}
    assert replay.stats().sampled == 8


def test_draws_are_uniform(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(50)
    rng = np.random.default_rng(7)
    counts = np.zeros(50)
    for _ in range(400):
        episodes = Sampler(replay, rng).draw(granted(replay, 10), 10).segments.episodes
        assert len(set(episodes.tolist())) == 10
        counts[episodes] += 1
    expected = counts.sum() / 50
    chi_square = ((counts - expected) ** 2 / expected).sum() / (1 - 10 / 50)
    assert chi_square < 85.4, "0.1 % of the chi-square distribution with 49 degrees of freedom lie above"


def test_a_batch_larger_than_the_ring_repeats_segments(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(3)
    draw = Sampler(replay, np.random.default_rng(0)).draw(granted(replay, 60), 60)
    assert set(draw.segments.episodes.tolist()) == {0, 1, 2}


def test_half_of_a_batch_from_rewarded_segments_as_the_ring_turns(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True, capacity=40)
    filler, rng = Filler(replay), np.random.default_rng(0)
    rewarded: list[int] = []
    for turn in range(12):
        rewarded += range(filler.total, filler.total + turn % 3)
        filler.push(7, rewarded=turn % 3)
        inside = [episode for episode in rewarded if episode >= filler.total - 40]
        batch = Sampler(replay, rng, rewarded_share=0.5).draw(granted(replay), 8).segments
        assert (batch.rewards.max(axis=1) > 0).sum() >= (4 if inside else 0)
        slots = replay.side.rewarded()
        assert len(slots) == len(inside)
    counts = dict.fromkeys(inside, 0)
    for _ in range(200):
        batch = Sampler(replay, rng, rewarded_share=1.0).draw(granted(replay), 8).segments
        for episode in batch.episodes.tolist():
            counts[episode] += 1
    assert min(counts.values()) > 0


def test_the_side_index_reads_only_what_is_new(make_replay: MakeReplay) -> None:
    replay = make_replay(capacity=10, minimum=2)
    filler = Filler(replay)
    side = replay.side
    for count, expected in ((4, [(0, 4)]), (3, [(4, 7)]), (5, [(7, 10), (0, 2)]), (8, [(2, 10)]), (12, [(0, 10)])):
        filler.push(count)
        permit = replay.permit(8)
        assert side.stale_ranges(permit.position, permit.life) == expected
        replay.refresh_side(permit)
        assert side.stale_ranges(permit.position, permit.life) == []
    assert side.stale_ranges(permit.position, "another life") == [(0, 10)]
    assert side.stale_ranges(permit.position - 1, permit.life) == [(0, 10)]


def test_damaged_and_missing_records_are_replaced_and_counted(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    keys = replay.keys.slots(range(20))
    for key in keys[:5]:
        replay.link.command("SETRANGE", key, 11, b"\xff\xfe\xfd")
    replay.link.command("DEL", *keys[5:8])
    rng = np.random.default_rng(0)
    before = REGISTRY.get_sample_value("copa_replay_corrupt_records_total")
    for _ in range(20):
        episodes = Sampler(replay, rng).draw(granted(replay), 8).segments.episodes
        assert len(episodes) == 8
        assert episodes.min() >= 8
    assert replay.stats().corrupt == replay.corrupt > 0
    after = REGISTRY.get_sample_value("copa_replay_corrupt_records_total")
    assert after is not None
    assert after - (before or 0.0) == replay.corrupt


def test_a_ring_of_damaged_records_is_an_error_that_names_slots(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(3)
    replay.link.command("DEL", *replay.keys.slots(range(3)))
    with pytest.raises(DataError, match=r"damaged or missing records, for instance in slots \[0, 1, 2\]"):
        Sampler(replay, np.random.default_rng(0)).draw(granted(replay), 8)


def test_an_empty_replay_gives_no_permit_and_no_batch(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay()
    permit = replay.permit(8)
    assert (permit.granted, permit.reason, permit.finished) == (False, "warming up", False)
    assert permit.wait_seconds > 0
    with pytest.raises(DataError, match="empty"):
        Sampler(replay, np.random.default_rng(0)).draw(permit, 8)
