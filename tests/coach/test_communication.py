"""Eq. 3: which strategies travel."""

import numpy as np
import pytest

from copa.communication import Communication

B, A, W = 3, 4, 5


def members() -> np.ndarray:
    mask = np.ones((B, A), bool)
    mask[0, 2:] = False
    return mask


def fresh(*places: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((B, A), bool)
    for place in places:
        mask[place] = True
    return mask


def held_once(version: int = 1) -> tuple[Communication, np.ndarray]:
    talk = Communication(B, A, W)
    new = np.random.default_rng(0).normal(size=(B, A, W)).astype(np.float32)
    talk.update(new, members(), members(), 1.0, version)
    return talk, new


def test_first_strategies_all_travel_whatever_beta() -> None:
    talk, new = held_once()
    np.testing.assert_array_equal(talk.known, members())
    np.testing.assert_array_equal(talk.held[members()], new[members()])
    assert (talk.held[~members()] == 0.0).all()
    assert (talk.eligible, talk.sent, talk.rate) == (10, 10, 1.0)


def test_only_what_moved_further_than_beta_travels() -> None:
    talk, new = held_once()
    moved = new.copy()
    moved[1, 1, 0] += 0.999
    moved[2, 3, 4] -= 1.001
    mask = talk.update(moved, members(), fresh(), 1.0, 1)
    assert np.argwhere(mask).tolist() == [[2, 3]]
    np.testing.assert_array_equal(talk.held[1, 1], new[1, 1])
    np.testing.assert_array_equal(talk.held[2, 3], moved[2, 3])


def test_distance_is_to_what_is_held_not_to_the_last_one_computed() -> None:
    talk, new = held_once()
    sent = []
    for step in range(1, 6):
        moved = new.copy()
        moved[1, 0, 0] += 0.4 * step
        sent.append(bool(talk.update(moved, members(), fresh(), 1.0, 1)[1, 0]))
    assert sent == [False, False, True, False, False]


def test_beta_zero_sends_all_even_what_did_not_move() -> None:
    talk, new = held_once()
    np.testing.assert_array_equal(talk.update(new, members(), fresh(), 0.0, 1), members())


def test_joiners_and_new_weights_travel_always() -> None:
    talk, new = held_once()
    mask = talk.update(new, members(), fresh((2, 1)), 1e9, 1)
    assert np.argwhere(mask).tolist() == [[2, 1]]
    np.testing.assert_array_equal(talk.update(new, members(), fresh(), 1e9, 2), members())
    assert talk.version == 2
    assert not talk.update(new, members(), fresh(), 1e9, 2).any()


def test_what_is_not_committed_is_not_held() -> None:
    talk, new = held_once()
    mask = talk.select(new + 1.0, members(), fresh(), 0.5, 1)
    np.testing.assert_array_equal(mask, members())
    np.testing.assert_array_equal(talk.held[members()], new[members()])
    np.testing.assert_array_equal(talk.select(new + 1.0, members(), fresh(), 0.5, 1), members())


@pytest.mark.parametrize("idle", [0, 2])
def test_a_game_that_waits_gets_nothing(idle: int) -> None:
    talk = Communication(B, A, W)
    present = np.ones((B, A), bool)
    present[idle] = False
    mask = talk.update(np.ones((B, A, W), np.float32), present, present, 0.0, 1)
    assert not mask[idle].any()
    assert talk.eligible == (B - 1) * A


def test_more_beta_never_sends_more() -> None:
    random = np.random.default_rng(3)
    walk = np.cumsum(random.normal(size=(30, B, A, W)).astype(np.float32), axis=0)
    rates = []
    for beta in (0.0, 1.0, 2.0, 4.0, 8.0, 16.0):
        talk = Communication(B, A, W)
        for step, new in enumerate(walk):
            talk.update(new, members(), members() if step == 0 else fresh(), beta, 1)
        rates.append(talk.rate)
    assert rates[0] == 1.0
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.2


def test_each_game_may_have_its_own_beta() -> None:
    talk, new = held_once()
    moved = new.copy()
    moved[..., 0] += 0.5
    beta = np.array([0.0, 0.4, 0.6], np.float32)
    expected = members()
    expected[2] = False
    np.testing.assert_array_equal(talk.update(moved, members(), fresh(), beta, 1), expected)
    still = talk.update(moved, members(), fresh(), beta, 1)
    np.testing.assert_array_equal(still, members() & (beta == 0.0)[:, None])


def test_another_measure_decides_where_something_is_held_back() -> None:
    talk, held = held_once()
    asked: list[tuple[np.ndarray, np.ndarray]] = []

    def measure(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        asked.append((new, old))
        needed = np.zeros((B, A), np.float32)
        needed[0, 1] = 0.3
        return needed

    mask = talk.select(held + 9.0, members(), fresh(), 0.2, 1, measure)
    assert np.argwhere(mask).tolist() == [[0, 1]]
    (new, old), *more = asked
    np.testing.assert_array_equal(new, held + 9.0)
    np.testing.assert_array_equal(old, talk.held)
    talk.select(held, members(), fresh(), 0.0, 1, measure)
    talk.select(held, members(), fresh(), 0.2, 2, measure)
    assert not more
    assert len(asked) == 1, "where all is told, nothing is measured"


def test_what_has_no_measure_travels() -> None:
    talk, held = held_once()
    mask = talk.select(held, members(), fresh(), 0.2, 1, lambda new, old: np.full((B, A), np.nan, np.float32))
    np.testing.assert_array_equal(mask, members())
