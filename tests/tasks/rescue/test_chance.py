"""Draws for different purposes, robots, fires and steps have nothing to do with each other."""

import numpy as np

from copa.tasks.rescue.chance import Draws
from copa.tasks.rescue.state import State

GAMES = 4000
ROWS = np.arange(GAMES)


def drawn(seed: int, clock: int) -> np.ndarray:
    """[12, GAMES], all that is drawn in one step of each game for two robots and two fires."""
    draws, state = Draws(seed), State.empty(GAMES, clock=clock)
    state.episode[:] = ROWS
    columns = [*draws.opening(state, (0, 999), (0, 999)), draws.outbreak(state), draws.coins(state, ROWS)]
    for index in (np.zeros_like(ROWS), np.ones_like(ROWS)):
        columns += draws.robots(state, index, ROWS, (0.0, 1.0))
        columns += draws.fires(state, ROWS, index)
    return np.stack(columns).astype(np.float64)


def test_no_draw_tells_of_another() -> None:
    together = np.concatenate([drawn(0, 0), drawn(0, 1), drawn(1, 0)])
    related = np.corrcoef(together) - np.eye(len(together))
    assert np.abs(related).max() < 5 / np.sqrt(GAMES)


def test_skills_of_training_do_not_tell_where_a_robot_stands() -> None:
    draws, state = Draws(0), State.empty(GAMES, clock=0)
    state.episode[:] = ROWS
    where, skill = draws.robots(state, np.zeros_like(ROWS), ROWS, None)
    assert abs(np.corrcoef(where, skill)[0, 1]) < 5 / np.sqrt(GAMES)
