"""What a rehearsal notes is what players lose."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.acting import Players, joined
from copa.checkpoint import Checkpoint
from copa.config.change import with_setting
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation.playing import play
from copa.need.rehearsal import Cases, Rehearsal, rehearse
from copa.nets import Need, build_coach, load_weights
from copa.tasks import make_task, task_spec
from copa.tasks.base import Bools, Floats, Ints, View
from tests.need.teams import skilled

GAMES = 14


class Played:
    """A rehearsal, and all that is needed to go through it again."""

    def __init__(self, saved: Checkpoint, team: str, beta: float, weights: Mapping[str, torch.Tensor]) -> None:
        config = saved.config
        spec = task_spec(config.task.name)
        self.policy = Rehearsal(
            spec, config, weights, np.full(GAMES, beta, np.float32), 10 + np.arange(GAMES), np.random.default_rng(4)
        )
        self.views: list[View] = []
        self.running: list[Bools] = []
        self.actions: list[Ints] = []
        self.held: list[Floats] = []
        task = make_task(spec.name, games=GAMES, seed=3, team=team)
        for moment in play(task, self.policy, np.arange(GAMES), np.ones(GAMES, np.bool_)):
            self.views.append(moment.view)
            self.running.append(moment.running.copy())
            self.actions.append(moment.actions)
            assert self.policy.held is not None
            self.held.append(self.policy.held.copy())
        self.cases = Cases.joined(self.policy.cases())


def means(config: Config, weights: Mapping[str, torch.Tensor], view: View) -> Floats:
    coach = build_coach(task_spec(config.task.name), config)
    load_weights(coach, weights, "coach.")
    with torch.inference_mode():
        plan = coach(*(torch.from_numpy(getattr(view, name)) for name in ("agents", "traits", "entities", "present")))
    found: Floats = plan.mean.numpy()
    return found


def lost_by_acting(played: Played, config: Config, weights: Mapping[str, torch.Tensor]) -> list[tuple[int, float]]:
    """The game, and what is lost, for each agent that held a strategy at a coach step, in order."""
    players = Players(task_spec(config.task.name), config, GAMES)
    players.load(weights)
    T, count = config.method.T, len(played.views)
    found: list[tuple[int, float]] = []
    memories = []
    for step, view in enumerate(played.views):
        if step % config.segment_steps == 0:
            players.begin_segment()
        memories.append((players.memory, players.previous.copy()))
        players.values(view, step % T, played.held[step])
        players.remember(played.actions[step], view.members())
    for first in range(T, count, T):
        new, old = means(config, weights, played.views[first]), played.held[first - 1]
        here = played.views[first].members() & played.running[first][:, None]
        for step in range(first - T, first):
            here &= ~joined(played.views[step], played.views[step + 1])
        lost = np.zeros(here.shape, np.float64)
        there = here.copy()
        for step in range(first, min(first + T, count)):
            view = played.views[step]
            there &= view.members() & played.running[step][:, None]
            if step > first:
                there &= ~joined(played.views[step - 1], view)
            players.memory, players.previous = memories[step]
            memory = players.memory
            with_new = players.values(view, step % T, new)
            players.memory = memory
            with_old = players.values(view, step % T, old)
            for game, slot in np.argwhere(there):
                best = with_new[game, slot]
                lost[game, slot] += best.max() - best[with_old[game, slot].argmax()]
        found += [(int(game), float(lost[game, slot])) for game, slot in np.argwhere(here)]
    return found


@pytest.mark.parametrize(
    ("name", "team", "span"),
    [
        ("resource_collection", "train", "segment"),
        ("resource_collection", "grow", "episode"),
        ("rescue", "varying", "segment"),
        ("starcraft-3-8sz", "3-8", "segment"),
    ],
)
def test_it_notes_what_acting_on_the_old_strategy_loses(name: str, team: str, span: str) -> None:
    saved = skilled(name)
    saved = replace(saved, config=with_setting(saved.config, "nets.memory_span", span))
    played = Played(saved, team, 0.5, saved.tensors)
    games, lost = zip(*lost_by_acting(played, saved.config, saved.tensors), strict=True)
    assert np.count_nonzero(np.array(lost) > 1e-3) > 20, "strategies matter"
    np.testing.assert_array_equal(played.cases.episode, 10 + np.array(games))
    np.testing.assert_allclose(played.cases.lost, lost, atol=1e-4)
    assert (played.cases.lost >= 0.0).all()


def test_beta_is_the_chance_to_keep_a_strategy() -> None:
    saved = skilled()
    for beta in (0.2, 0.9):
        policy = Played(saved, "5", beta, saved.tensors).policy
        assert 1.0 - policy.sent / policy.eligible == pytest.approx(beta, abs=0.06)


def test_an_estimate_decides_instead_of_chance() -> None:
    saved = skilled()
    need = Need(64)
    with torch.no_grad():
        for parameter in need.parameters():
            parameter.zero_()
        need.out.bias.fill_(0.3)
    weights = saved.tensors | {f"need.{name}": tensor for name, tensor in need.named_parameters()}
    assert (policy := Played(saved, "5", 0.29, weights).policy).sent == policy.eligible
    silent = Played(saved, "5", 0.31, weights)
    assert silent.policy.sent == 5 * GAMES, "the first strategies of the episodes"
    again = silent.cases.held.reshape(-1, 5 * GAMES, 64)
    assert (again == again[0]).all()


def test_episodes_are_as_many_as_asked_for_and_the_same_again() -> None:
    saved = skilled()
    options = {"teams": ["train", "5"], "episodes": 3, "seed": 8, "highest": 0.9}
    spec = task_spec("resource_collection")
    one, other = (rehearse(spec, saved.config, saved.tensors, **options) for _ in range(2))  # type: ignore[arg-type]
    one, other = Cases.joined(one), Cases.joined(other)
    assert set(one.episode.tolist()) == set(range(6))
    for name in Cases.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    with pytest.raises(ConfigError, match="Unknown team of resource_collection"):
        rehearse(spec, saved.config, saved.tensors, **(options | {"teams": ["nobody"]}))  # type: ignore[arg-type]
