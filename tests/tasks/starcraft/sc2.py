"""The engine `sc2` with the stand-in in place of the game, through each client that is here."""

import os
import sys
from collections.abc import Callable

import numpy as np
import pytest

from copa.tasks.starcraft.sc2.engine import GameEngine
from copa.tasks.starcraft.units import NONE, Orders

SMAC_PYTHON = "SMAC_PYTHON"
"""Environment variable that names an interpreter which has `smac`."""
CLIENTS = ["direct", pytest.param("smac", marks=pytest.mark.starcraft)]
ZEALOTS = np.array([[0, 0, 0, 3, 0]])
BIOLOGICAL = np.array([[2, 1, 1, 0, 0]])

Make = Callable[..., GameEngine]
"""Makes engines; the fixture `make`."""


def python_of(client: str) -> str:
    if client == "direct":
        return sys.executable
    if SMAC_PYTHON not in os.environ:
        pytest.skip(f"{SMAC_PYTHON} does not name an interpreter that has smac")
    return os.environ[SMAC_PYTHON]


def orders(kind: int = NONE, slots: range = range(8), **given: np.ndarray | int) -> Orders:
    """The same for the allies `slots` of one battle."""
    told = Orders(np.zeros((1, 8), np.int8), np.zeros((1, 8, 2), np.float32), np.zeros((1, 8), np.int8))
    told.kind[0, list(slots)] = kind
    for name, value in given.items():
        getattr(told, name)[:] = value
    return told


def first_rows(engine: GameEngine, army: np.ndarray, episode: int = 0) -> None:
    engine.start(np.array([0]), np.array([episode]), army)
