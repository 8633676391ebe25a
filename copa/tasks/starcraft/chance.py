"""What the task draws for an episode: pure functions of the run's seed and the episode's number."""

from enum import IntEnum

import numpy as np

from copa.tasks import random
from copa.tasks.base import Ints
from copa.tasks.starcraft.units import ALLIES, ENEMIES


class Purpose(IntEnum):
    """What a draw is for; part of its counter. Engines draw for purposes of their own, from `ENGINE` on."""

    SCENARIO = 0
    TAG = 1
    SPAWN = 2
    ENGINE = 16


def draw_armies(seed: int, episodes: Ints, armies: Ints) -> Ints:
    """[N, 5], one of `armies` [L, 5] for each of `episodes` [N], every one as likely."""
    words = random.words(seed, episodes, 0, Purpose.SCENARIO, 0)[0]
    return armies[random.integers(words, 0, len(armies) - 1)]


def draw_tags(seed: int, episodes: Ints) -> Ints:
    """[N, 16], the tag of every slot: a permutation of 8..15 for allies, of 0..7 for enemies."""
    slots = np.tile(np.arange(ALLIES + ENEMIES), len(episodes))
    words = random.words(seed, np.repeat(episodes, ALLIES + ENEMIES), 0, Purpose.TAG, slots)[0]
    sides: Ints = words.reshape(len(episodes), 2, ENEMIES).argsort(axis=2, kind="stable")
    sides[:, 0] += ENEMIES
    tags: Ints = sides.reshape(len(episodes), ALLIES + ENEMIES)
    return tags
