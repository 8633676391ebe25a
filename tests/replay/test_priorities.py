"""Draws by priority: how often, how much each counts, and what becomes of slots that are written again."""

from pathlib import Path

import numpy as np
import pytest

from copa.config.schema import RedisSettings
from copa.errors import DataError
from copa.replay import Draw, RecordLayout, Replay, Sampler, connect
from copa.replay.priorities import LEAST, Priorities
from copa.replay.server import running
from tests.durable import DURABLE
from tests.replay.conftest import MakeReplay
from tests.replay.examples import small_limits, some_segments
from tests.replay.test_draw import Filler, granted


def chances_of(draws: list[Draw], episodes: int) -> np.ndarray:
    drawn = np.concatenate([draw.segments.episodes for draw in draws])
    return np.bincount(drawn, minlength=episodes) / len(drawn)


def tell(sampler: Sampler, draw: Draw, error_of: np.ndarray) -> None:
    sampler.learned(draw.origin, error_of[draw.segments.episodes])


def informed(replay: Replay, errors: np.ndarray, **settings: float) -> Sampler:
    """A sampler that was told the error of every segment, `errors` by episode."""
    sampler = Sampler(replay, np.random.default_rng(3), **settings)
    seen: set[int] = set()
    while len(seen) < len(errors):
        draw = sampler.draw(granted(replay), 8)
        tell(sampler, draw, errors)
        seen |= set(draw.segments.episodes.tolist())
    return sampler


def test_a_segment_is_drawn_in_proportion_to_its_error_to_the_power_of_the_exponent(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.5, 2.0, 20)
    sampler = informed(replay, errors, priority=0.5)
    draws = [sampler.draw(granted(replay), 8) for _ in range(2000)]
    expected = (errors + LEAST) ** 0.5
    np.testing.assert_allclose(chances_of(draws, 20), expected / expected.sum(), rtol=0.2)


@pytest.mark.parametrize("importance", [0.0, 0.4, 1.0])
def test_what_is_drawn_oftener_counts_less(make_replay: MakeReplay, importance: float) -> None:
    """In proportion to its chance to the power of -importance, and 1 on average over what is drawn."""
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.05, 2.0, 20)
    draw = informed(replay, errors, priority=1.0, importance=importance).draw(granted(replay), 8)
    assert draw.weights is not None
    mean = (errors * errors**-importance).sum() / errors.sum()
    np.testing.assert_allclose(draw.weights, errors[draw.segments.episodes] ** -importance / mean, rtol=1e-3)


def test_with_an_importance_of_one_weighted_means_are_those_of_a_uniform_draw(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.5, 2.0, 20)
    sampler = informed(replay, errors, priority=1.0, importance=1.0)
    draws = [sampler.draw(granted(replay), 8) for _ in range(1000)]
    weights = np.concatenate([draw.weights for draw in draws if draw.weights is not None])
    values = np.concatenate([draw.segments.episodes for draw in draws])
    assert weights.mean() == pytest.approx(1.0, abs=0.02)
    assert (weights * values).mean() == pytest.approx(np.arange(20).mean(), abs=0.3)
    assert values.mean() > 11.0, "unweighted, it would be another"


def test_a_new_segment_comes_in_with_the_highest_priority(
    make_replay: MakeReplay,
) -> None:
    replay = make_replay(minimum=1, free_running=True)
    filler = Filler(replay)
    filler.push(20)
    sampler = informed(replay, np.where(np.arange(20) == 0, 1.0, 0.01), priority=1.0)
    filler.push(4)
    chances = chances_of([sampler.draw(granted(replay), 8) for _ in range(200)], 24)
    np.testing.assert_allclose(chances[[0, 20, 21, 22, 23]], 1 / 5.19, rtol=0.2)


def test_errors_of_a_segment_that_was_overwritten_are_not_the_new_ones(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True, capacity=8)
    filler = Filler(replay)
    filler.push(8)
    sampler = Sampler(replay, np.random.default_rng(0), priority=1.0)
    old = sampler.draw(granted(replay), 8)
    filler.push(4)
    new = sampler.draw(granted(replay), 8)
    sampler.learned(old.origin, np.full(8, 1e-3))
    later = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(50)])
    assert set(new.segments.episodes.tolist()) <= set(range(4, 12))
    assert (later >= 8).mean() > 0.95, "those still unknown keep the highest priority"


def test_errors_that_are_not_finite_change_nothing(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.5, 2.0, 20)
    sampler = informed(replay, errors, priority=1.0)
    draw = sampler.draw(granted(replay), 8)
    sampler.learned(draw.origin, np.tile([np.nan, np.inf], 4))
    draws = [sampler.draw(granted(replay), 8) for _ in range(2000)]
    np.testing.assert_allclose(chances_of(draws, 20), errors / errors.sum(), rtol=0.15)


def test_an_error_of_zero_is_drawn_again(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = informed(replay, np.zeros(20), priority=0.6)
    drawn = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(40)])
    assert set(drawn.tolist()) == set(range(20))


def test_a_share_of_rewarded_segments_is_drawn_by_priority_too(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20, rewarded=4)
    errors = np.ones(20)
    errors[0] = 7.0
    sampler = informed(replay, errors, priority=1.0, rewarded_share=0.5)
    chances = chances_of([sampler.draw(granted(replay), 8) for _ in range(1000)], 20)
    assert chances[0] == pytest.approx(0.5 * 7 / 10 + 0.5 * 7 / 26, rel=0.1)
    assert chances[:4].sum() == pytest.approx(0.5 + 0.5 * 10 / 26, rel=0.1)


def test_damaged_records_are_drawn_once(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = Sampler(replay, np.random.default_rng(0), priority=0.6)
    before = [sampler.draw(granted(replay), 8) for _ in range(10)]
    replay.link.command("DEL", *replay.keys.slots(range(5)))
    drawn = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(50)])
    assert set(drawn.tolist()) == set(range(5, 20))
    for draw in before:
        sampler.learned(draw.origin, np.ones(8))
    drawn = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(50)])
    assert set(drawn.tolist()) == set(range(5, 20)), "what was drawn before the damage does not bring it back"
    assert replay.corrupt == 5


def test_others_are_drawn_where_all_rewarded_segments_are_damaged(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20, rewarded=2)
    replay.link.command("DEL", *replay.keys.slots(range(2)))
    sampler = Sampler(replay, np.random.default_rng(0), priority=0.6, rewarded_share=1.0)
    for _ in range(4):
        assert sampler.draw(granted(replay), 8).segments.episodes.min() >= 2
    replay.link.command("DEL", *replay.keys.slots(range(20)))
    with pytest.raises(DataError, match="damaged or missing records, for instance in slots"):
        sampler.draw(granted(replay), 8)


def test_after_the_death_of_the_server_all_segments_count_as_new(tmp_path: Path, layout: RecordLayout) -> None:
    """Slots that it lost and that were written again have the generations that the lost ones had."""
    with running(tmp_path / "data", options=DURABLE) as server:
        client = connect(RedisSettings(url=server.url, patience=20.0))
        replay = Replay(client, "run", layout, small_limits(minimum=1, free_running=True), patience=20.0)
        replay.claim("tests")
        Filler(replay).push(20)
        errors = np.where(np.arange(20) < 10, 1.0, 1e-3)
        sampler = informed(replay, errors, priority=1.0)
        late = sampler.draw(granted(replay), 8)
        assert chances_of([sampler.draw(granted(replay), 8) for _ in range(50)], 20)[10:].sum() < 0.05
        server.kill()
        server.start()
        draws = [sampler.draw(granted(replay), 8)]
        tell(sampler, late, errors)
        draws += [sampler.draw(granted(replay), 8) for _ in range(500)]
        np.testing.assert_allclose(chances_of(draws, 20), 1 / 20, rtol=0.25)


def test_an_uninformed_sampler_is_uniform_and_all_count_alike(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = Sampler(replay, np.random.default_rng(0), priority=0.6, importance=0.4)
    draws = [sampler.draw(granted(replay), 8) for _ in range(1000)]
    np.testing.assert_allclose(chances_of(draws, 20), 1 / 20, rtol=0.2)
    assert all(np.allclose(draw.weights, 1.0) for draw in draws if draw.weights is not None)


def test_without_a_priority_there_are_no_weights_and_nothing_is_told(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = Sampler(replay, np.random.default_rng(0))
    draw = sampler.draw(granted(replay), 8)
    assert (draw.weights, draw.origin) == (None, None)
    sampler.learned(draw.origin, np.ones(8))


def test_slots_that_a_restarted_server_lost_are_not_drawn() -> None:
    priorities = Priorities(4, 1.0, 0.4)
    priorities.follow(np.array([1, 1, 1, 1], np.uint64))
    priorities.follow(np.array([1, 0, 1, 0], np.uint64))
    slots, weights = priorities.choose(np.random.default_rng(0), 100)
    assert set(slots.tolist()) == {0, 2}
    assert (weights == 1.0).all()


def test_a_record_keeps_its_error_when_others_are_written(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True, capacity=8)
    filler = Filler(replay)
    filler.push(8)
    errors = np.where(np.arange(12) == 7, 1.0, 0.1)
    sampler = informed(replay, errors[:8], priority=1.0)
    filler.push(4)
    tell(sampler, draw := sampler.draw(granted(replay), 64), errors)
    assert set(range(8, 12)) <= set(draw.segments.episodes.tolist())
    chances = chances_of([sampler.draw(granted(replay), 8) for _ in range(500)], 12)
    np.testing.assert_allclose(chances[4:], errors[4:] / errors[4:].sum(), rtol=0.15)


def test_a_batch_larger_than_the_ring_repeats_segments(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    segments = some_segments(replay.layout.spec, 4, 3)
    replay.push(
        replay.lease_actor(), replay.layout.push(segments, sequence=0, steps_total=12, segments_total=len(segments))
    )
    draw = Sampler(replay, np.random.default_rng(0), priority=0.6).draw(granted(replay, 60), 60)
    assert np.bincount(draw.segments.episodes).tolist() == [20, 20, 20]
