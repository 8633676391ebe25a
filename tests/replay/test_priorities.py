"""Draws by priority: how often, how much each counts, and what becomes of slots that are written again."""

import numpy as np
import pytest

from copa.replay import Draw, Replay, Sampler
from copa.replay.priorities import LEAST, Priorities
from tests.replay.conftest import MakeReplay
from tests.replay.examples import some_segments
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
    np.testing.assert_allclose(chances_of(draws, 20), expected / expected.sum(), rtol=0.1)


@pytest.mark.parametrize("importance", [0.0, 0.4, 1.0])
def test_what_is_drawn_oftener_counts_less(make_replay: MakeReplay, importance: float) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.05, 2.0, 20)
    draw = informed(replay, errors, priority=1.0, importance=importance).draw(granted(replay), 8)
    expected = errors[draw.segments.episodes] ** -importance
    np.testing.assert_allclose(draw.weights, expected / expected.max(), rtol=1e-4)


def test_weighted_means_are_those_of_a_uniform_draw(make_replay: MakeReplay) -> None:
    """With an importance of 1, where the largest weight of a batch does not hide it."""
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    errors = np.linspace(0.5, 2.0, 20)
    sampler = informed(replay, errors, priority=1.0, importance=1.0)
    draws = [sampler.draw(granted(replay), 8) for _ in range(1000)]
    weights = np.concatenate([1 / errors[draw.segments.episodes] for draw in draws])
    values = np.concatenate([draw.segments.episodes for draw in draws])
    assert (weights * values).sum() / weights.sum() == pytest.approx(9.5, abs=0.3)


def test_new_segments_have_the_highest_priority_until_something_is_known_of_them(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    filler = Filler(replay)
    filler.push(20)
    sampler = informed(replay, np.where(np.arange(20) == 0, 1.0, 0.01), priority=1.0)
    filler.push(4)
    chances = chances_of([sampler.draw(granted(replay), 8) for _ in range(200)], 24)
    np.testing.assert_allclose(chances[[0, 20, 21, 22, 23]], 1 / 5.19, rtol=0.1)


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
    replay.link.command("DEL", *replay.keys.slots(range(5)))
    sampler = Sampler(replay, np.random.default_rng(0), priority=0.6)
    drawn = np.concatenate([sampler.draw(granted(replay), 8).segments.episodes for _ in range(50)])
    assert set(drawn.tolist()) == set(range(5, 20))
    assert replay.corrupt == 5


def test_an_uninformed_sampler_is_uniform_and_all_count_alike(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = Sampler(replay, np.random.default_rng(0), priority=0.6, importance=0.4)
    draws = [sampler.draw(granted(replay), 8) for _ in range(1000)]
    np.testing.assert_allclose(chances_of(draws, 20), 1 / 20, rtol=0.1)
    assert all((draw.weights == 1.0).all() for draw in draws if draw.weights is not None)


def test_without_a_priority_there_are_no_weights_and_nothing_is_told(make_replay: MakeReplay) -> None:
    replay = make_replay(minimum=1, free_running=True)
    Filler(replay).push(20)
    sampler = Sampler(replay, np.random.default_rng(0))
    draw = sampler.draw(granted(replay), 8)
    assert (draw.weights, draw.origin) == (None, None)
    sampler.learned(draw.origin, np.ones(8))


def test_slots_that_a_restarted_server_lost_are_not_drawn() -> None:
    priorities = Priorities(4, 1.0)
    priorities.follow(np.array([1, 1, 1, 1], np.uint32))
    priorities.follow(np.array([1, 0, 1, 0], np.uint32))
    slots, chances = priorities.choose(np.random.default_rng(0), 100)
    assert set(slots.tolist()) == {0, 2}
    assert (chances == 1.0).all()


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
