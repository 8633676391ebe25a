"""Options of the task, and what is refused."""

import pytest

from copa.errors import ConfigError
from copa.tasks import make_task, task_spec
from copa.tasks.base import Option
from copa.tasks.rescue.options import read_options

TINY = 1e-300
RANGES: dict[str, tuple[Option, Option]] = {
    "fire_probability": (0.0, 1.0),
    "sight": (0, 10),
    "horizon": (1, 1_000_000),
    "skill_low": (TINY, 1.0),
    "skill_high": (TINY, 1.0),
    "most_fires": (3, 10),
    "team_period": (1, 1_000_000),
    "smallest_team": (1, 8),
    "largest_team": (1, 8),
}
LOW: dict[str, dict[str, Option]] = {"skill_high": {"skill_low": TINY}, "largest_team": {"smallest_team": 1}}
"""What must not exceed the option."""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigth": 2}, ["'sigth'", "did you mean 'sight'"]),
        ({"sight": 11}, ["'sight'", "11", "less than or equal to 10"]),
        ({"sight": 1.5}, ["'sight'", "1.5", "integer"]),
        ({"fire_probability": -0.1}, ["'fire_probability'", "-0.1", "greater than or equal to 0"]),
        ({"fire_probability": True}, ["'fire_probability'", "True", "number"]),
        ({"edges": "round"}, ["'edges'", "'round'", "'stay' or 'wrap'"]),
        ({"shared_cells": 1}, ["'shared_cells'", "1", "boolean"]),
        ({"skill_low": 0.0}, ["'skill_low'", "0.0", "greater than 0"]),
        ({"skill_low": 0.9, "skill_high": 0.8}, ["skill_low is 0.9", "skill_high 0.8"]),
        ({"smallest_team": 5, "largest_team": 4}, ["smallest_team is 5", "largest_team 4"]),
        ({"largest_team": 9}, ["'largest_team'", "9", "less than or equal to 8"]),
        ({"horizon": 0}, ["'horizon'", "0", "greater than or equal to 1"]),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Option], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        task_spec("rescue", options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    with pytest.raises(ConfigError):
        make_task("rescue", games=1, seed=0, options=options)


def test_the_defaults_are_the_documented_ones() -> None:
    assert read_options({}).model_dump() == {
        "fire_probability": 0.001,
        "edges": "stay",
        "shared_cells": True,
        "add_up": True,
        "sight": 2,
        "horizon": 50,
        "skill_low": 0.2,
        "skill_high": 1.0,
        "most_fires": 8,
        "team_period": 10,
        "smallest_team": 3,
        "largest_team": 8,
    }


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_what_is_allowed_can_be_had_and_nothing_beyond(name: str) -> None:
    for value in RANGES[name]:
        assert getattr(read_options(LOW.get(name, {}) | {name: value}), name) == value
    least, most = RANGES[name]
    for value in (0.0 if least == TINY else least - 1, most + 1):
        with pytest.raises(ConfigError, match=f"{name!r} of rescue is {value}"):
            read_options(LOW.get(name, {}) | {name: value})


def test_a_whole_number_does_for_a_real_one() -> None:
    assert task_spec("rescue", {"fire_probability": 0, "skill_high": 1}) == task_spec("rescue")


@pytest.mark.parametrize(("setting", "word"), [({"team": "3"}, "'8'"), ({"games": 0}, "games"), ({"seed": -1}, "seed")])
def test_what_does_not_exist_is_refused(setting: dict, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        make_task("rescue", **({"games": 1, "seed": 0} | setting))
