"""Counter-based random numbers."""

import numpy as np
import pytest

from copa.tasks import random

KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
"""Counter, key and result of Philox4x32-10 in Random123's published test vectors."""


def column(text: str) -> random.Words:
    return np.array([int(word, 16) for word in text.split()], np.uint64)[:, None]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter: str, key: str, result: str) -> None:
    np.testing.assert_array_equal(random.philox(column(counter), column(key)), column(result))


def test_philox_is_the_same_for_many_counters_at_once() -> None:
    counters = np.concatenate([column(counter) for counter, _, _ in KNOWN_ANSWERS], axis=1)
    keys = np.concatenate([column(key) for _, key, _ in KNOWN_ANSWERS], axis=1)
    results = np.concatenate([column(result) for _, _, result in KNOWN_ANSWERS], axis=1)
    np.testing.assert_array_equal(random.philox(counters, keys), results)


def test_every_part_of_the_address_changes_the_draw() -> None:
    episodes = np.array([5, 6, 5 + 2**32, 5, 5, 5])
    draws = random.words(
        1, episodes, np.array([0, 0, 0, 1, 0, 0]), np.array([0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 0, 1])
    )
    assert len({tuple(draw) for draw in draws.T.tolist()}) == len(episodes)
    assert (random.words(2, episodes[:1], 0, 0, 0) != draws[:, :1]).all()


def test_a_draw_does_not_depend_on_its_neighbours() -> None:
    episodes = np.arange(100)
    together = random.words(3, episodes, 7, 2, episodes % 5)
    alone = [random.words(3, episodes[i : i + 1], 7, 2, int(episodes[i] % 5)) for i in range(100)]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_numbers_have_their_range_and_distribution() -> None:
    draws = random.words(0, np.arange(50_000), 0, 0, 0)
    values = random.uniform(draws, -1.0, 3.0)
    assert values.min() > -1.0
    assert values.max() < 3.0
    assert abs(values.mean() - 1.0) < 0.02
    assert abs(values.std() - 4 / np.sqrt(12)) < 0.02
    whole = random.integers(draws, 1, 10)
    np.testing.assert_allclose(np.bincount(whole.ravel(), minlength=11)[1:] / whole.size, 0.1, atol=0.005)
    assert set(random.choice(draws[0], (0.1, 0.5, 0.9)).tolist()) == {0.1, 0.5, 0.9}
    assert np.abs(np.corrcoef(values) - np.eye(4)).max() < 0.03


def test_extreme_words_stay_inside_the_interval() -> None:
    extremes = np.array([0, 2**32 - 1], np.uint64)
    low, high = random.uniform(extremes)
    assert low > 0.0
    assert high < 1.0
    assert random.integers(extremes, 1, 10).tolist() == [1, 10]
