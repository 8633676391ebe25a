"""Counter-based random numbers: every draw is a pure function of what it is for.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), vectorised
over draws. The key is (run seed, episode number); the counter says which draw of the episode is meant. So a game
does not depend on the games beside it, on their number or on the order of stepping.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]
"""Random words of 32 bits, held in 64, so that products need no cast."""

ROUNDS = 10
MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], dtype=np.uint64)
KEY_STEPS = np.array([[0x9E3779B9], [0xBB67AE85]], dtype=np.uint64)
WORD = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)


def philox(counter: Words, key: Words) -> Words:
    """Philox4x32-10 of `counter` [4, N] under `key` [2, N] or [2, 1], words below 2**32; gives [4, N]."""
    keys = (key + np.arange(ROUNDS, dtype=np.uint64)[:, None, None] * KEY_STEPS) & LOW
    even, odd = counter[0::2], counter[1::2]
    for round_key in keys:
        product = even * MULTIPLIERS
        even = product >> WORD
        even = even[::-1] ^ odd
        even ^= round_key
        product &= LOW
        odd = product[::-1]
    return np.stack((even[0], odd[0], even[1], odd[1]))


def words(seed: int, episodes: NDArray[np.int64], step: ArrayLike, purpose: ArrayLike, index: ArrayLike) -> Words:
    """Four words for each of N draws [4, N]; every argument but `seed` is [N], or one for all but `episodes`.

    `seed` is below 2**32, a global episode number below 2**63; `step`, `purpose` and `index`, each below 2**32,
    tell apart the draws of an episode.
    """
    unsigned = episodes.astype(np.uint64)
    counter = np.empty((4, len(unsigned)), np.uint64)
    counter[0], counter[1], counter[2], counter[3] = index, purpose, step, unsigned >> WORD
    key = np.empty((2, len(unsigned)), np.uint64)
    key[0], key[1] = seed, unsigned & LOW
    return philox(counter, key)


def uniform(draws: Words, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
    """Real numbers strictly between `low` and `high`, on a grid of 2**32 values."""
    unit: NDArray[np.float64] = (draws.astype(np.float64) + 0.5) * 2.0**-32
    return low + (high - low) * unit


def integers(draws: Words, low: int, high: int) -> NDArray[np.int64]:
    """Whole numbers from `low` to `high`, both included."""
    return low + ((draws * np.uint64(high - low + 1)) >> WORD).astype(np.int64)


def choice(draws: Words, values: ArrayLike) -> NDArray[Any]:
    """Members of `values` [K], each equally likely."""
    members = np.asarray(values)
    return members[integers(draws, 0, len(members) - 1)]
