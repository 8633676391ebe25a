"""Thousands of random steps, held against the rules written down once more as loops."""

import numpy as np
import pytest

from copa.tasks import make_task
from copa.tasks.base import Option
from tests.tasks.rescue.referee import Referee, Rules

GAMES = 16

CASES: list[tuple[str, dict[str, Option], Rules]] = [
    ("train", {}, Rules()),
    ("train", {"fire_probability": 0.02}, Rules()),
    ("8", {"fire_probability": 0.2}, Rules()),
    ("6", {"edges": "wrap", "fire_probability": 0.01}, Rules(wrap=True)),
    ("8", {"shared_cells": False, "fire_probability": 0.01}, Rules(shared_cells=False)),
    ("8", {"shared_cells": False, "edges": "wrap"}, Rules(shared_cells=False, wrap=True)),
    ("8", {"add_up": False, "fire_probability": 0.01}, Rules(add_up=False)),
    ("4", {"sight": 0}, Rules(sight=0)),
    ("4", {"sight": 9}, Rules(sight=9)),
    ("varying", {}, Rules(period=10)),
    ("varying", {"team_period": 1, "fire_probability": 0.01}, Rules(period=1)),
    ("varying", {"team_period": 3, "smallest_team": 1, "largest_team": 2}, Rules(period=3, smallest=1, largest=2)),
    ("varying", {"team_period": 1, "shared_cells": False}, Rules(period=1, shared_cells=False)),
]


@pytest.mark.parametrize(("team", "options", "rules"), CASES, ids=lambda case: str(case))
def test_every_step_is_what_the_rules_say(team: str, options: dict[str, Option], rules: Rules) -> None:
    task = make_task("rescue", games=GAMES, seed=4, team=team, options=options)
    rng = np.random.default_rng(0)
    view = task.reset(np.arange(GAMES), np.arange(GAMES))
    referees = [Referee(view, game, rules) for game in range(GAMES)]
    for _ in range(task.spec.horizon):
        wander = rng.random((GAMES, 8)) < 0.5
        actions = np.where(wander, rng.integers(0, 5, (GAMES, 8)), task.greedy())
        step = task.step(actions)
        for game, referee in enumerate(referees):
            referee.follow(actions[game].tolist(), step.view, float(step.reward[game]))
    assert options.get("fire_probability", 0.001) == 0.001 or sum(one.fires_seen for one in referees) > 100
