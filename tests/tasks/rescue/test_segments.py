"""Episodes of 50 steps as segments of 4: the last one is half as long, and nothing is left out."""

import numpy as np
import torch

from actor.group import Group
from copa.acting import Exploration, Players
from copa.config.load import resolve
from copa.learning import UpdateRule
from copa.segments import Segments
from copa.tasks import make_task, task_spec
from tests.actor.test_group import Numbers, no_advice

GAMES = 5


def test_an_episode_gives_13_segments_and_all_50_steps_can_be_learned() -> None:
    config = resolve(preset="smoke", flags={"task.name": "rescue"}).config
    spec = task_spec("rescue")
    players = Players(spec, config, GAMES)
    players.load(UpdateRule(spec, config, torch.device("cpu")).weights())
    exploration = Exploration(config.exploration, GAMES, spec.slots, np.random.default_rng(0))
    task = make_task("rescue", games=GAMES, seed=0)
    group = Group(0, config, task, players, exploration, Numbers())  # type: ignore[arg-type]
    strategies = np.zeros((GAMES, spec.slots, config.nets.width), dtype=np.float32)
    parts: list[Segments] = []
    steps, returns = 0, []
    for _ in range(13):
        group.begin(0.5)
        played = group.play(strategies, no_advice, 0.5, player_version=1, coach_version=1)
        parts.append(played.segments)
        steps += played.steps
        returns.append(played.returns)
    whole = Segments.concatenate(parts)
    last = parts[-1]
    assert steps == whole.lengths.sum() == 50 * GAMES
    assert sorted(set(whole.first_steps.tolist())) == list(range(0, 52, 4))
    assert (last.lengths == 2).all()
    assert last.episode_end.all()
    assert whole.episode_end.sum() == GAMES
    assert not whole.terminated.any(), "a time limit does not cut the bootstrap"
    for array in (last.agents, last.entities, last.visible, last.present):
        np.testing.assert_array_equal(array[:, 3], array[:, 2])
        np.testing.assert_array_equal(array[:, 4], array[:, 2])
    np.testing.assert_allclose(whole.rewards.sum(), np.concatenate(returns).sum(), atol=1e-4)
