"""Checks of what a task is given, worded alike for all tasks."""

from copa.errors import ConfigError, DataError
from copa.tasks.base import Ints, TaskSpec
from copa.tasks.suggest import unknown


def check_start(spec: TaskSpec, *, games: int, seed: int, team: str) -> None:
    """Raises ConfigError for a number of games, a seed or a team that `spec` cannot have."""
    if team not in spec.teams:
        raise ConfigError(unknown(f"team of {spec.name}", team, spec.teams))
    if games < 1:
        raise ConfigError(f"games is {games}; a task needs at least 1.")
    if not 0 <= seed < 2**32:
        raise ConfigError(f"seed is {seed}; allowed are 0 to 2**32 - 1.")


def check_reset(games: int, rows: Ints, episode_numbers: Ints) -> None:
    """Raises DataError where `rows` are not rows of `games` games, or the numbers not one for each."""
    if rows.shape != episode_numbers.shape or rows.ndim != 1:
        raise DataError(f"reset of {list(rows.shape)} rows by {list(episode_numbers.shape)} episode numbers.")
    if len(rows) and not (rows.min() >= 0 and rows.max() < games and episode_numbers.min() >= 0):
        raise DataError(f"reset needs rows from 0 to {games - 1} and episode numbers from 0.")


def check_actions(spec: TaskSpec, games: int, actions: Ints) -> None:
    """Raises DataError where `actions` are not whole numbers [B, A] of actions of `spec`."""
    expected = (games, spec.slots)
    if actions.shape != expected or actions.dtype.kind not in "iu":
        raise DataError(f"actions are {actions.dtype}{list(actions.shape)}; needed are integers{list(expected)}.")
    if actions.min() < 0 or actions.max() >= len(spec.actions):
        raise DataError(
            f"actions run from {actions.min()} to {actions.max()}; allowed are 0 to {len(spec.actions) - 1}."
        )
