"""Players act as learning replays them, through joins and new episodes."""

import numpy as np
import pytest
import torch

from copa.acting import Players, joined
from copa.config.schema import Config, LearningSettings, NetSettings
from copa.learning import to_device
from copa.learning.scene import build_scene
from copa.methods import method_named
from copa.nets import Player, build_player
from copa.segments import NO_ACTION, Segments
from copa.tasks.base import Bools, View
from tests.learning.segments import SPEC, changing, steady, without_previous

W, GAMES, T = 8, 6, 4
FORMS: dict[str, dict[str, object]] = {
    "published": {},
    "recurrent": {"memory": "gru", "attention": "masked"},
    "recurrent, published attention": {"memory": "gru"},
}


def config_of(**nets: object) -> Config:
    return Config(
        nets=NetSettings.model_validate({"width": W, "heads": 2} | nets),
        learning=LearningSettings(segment_start="stored"),
    )


def players_of(config: Config) -> tuple[Players, Player]:
    player = build_player(SPEC, config)
    players = Players(SPEC, config, GAMES)
    players.load({f"player.{name}": tensor for name, tensor in player.named_parameters()})
    return players, player


def view_at(segments: Segments, step: int) -> View:
    return View(*(getattr(segments, name)[:, step] for name in View.__slots__))


def play(players: Players, segments: Segments, strategies: np.ndarray) -> np.ndarray:
    """Q [T, B, A, U] along the recorded steps, the first of which is a coach step."""
    values = []
    for step in range(T):
        view = view_at(segments, step)
        values.append(players.values(view, step, strategies))
        players.remember(segments.actions[:, step], view.members())
    return np.stack(values)


def learned(player: Player, config: Config, segments: Segments, strategies: np.ndarray) -> torch.Tensor:
    """The same by what learning computes for the whole segment at once."""
    (part,) = to_device(segments, torch.device("cpu"), cut=False).parts
    scene = build_scene(SPEC, config, method_named("copa"), part, SPEC.slots)
    with torch.no_grad():
        encoded = player.encode(scene.rows.steps(0, T), scene.sight[:T])
        remembered = player.remember(encoded, scene.memory, scene.members[:T])
        return player.action_values(remembered, torch.from_numpy(strategies)[None])


def compare(acted: np.ndarray, expected: torch.Tensor, segments: Segments) -> None:
    counted = (segments.present.any(-1)[..., None] & segments.available).swapaxes(0, 1)[:T]
    np.testing.assert_allclose(acted[counted], expected.numpy()[counted], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_acting_is_what_learning_replays(form: str) -> None:
    """Two episodes of one segment, the second after the first; an agent joins inside each, another leaves."""
    config = config_of(**FORMS[form])
    players, player = players_of(config)
    strategies = np.random.default_rng(0).standard_normal((GAMES, SPEC.slots, W)).astype(np.float32)
    for seed in (0, 1):
        segments = without_previous(changing(GAMES, T, seed=seed, width=W))
        players.begin_segment()
        players.begin_agents(view_at(segments, 0).members())
        compare(play(players, segments, strategies), learned(player, config, segments, strategies), segments)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("span", ["episode", "segment"])
def test_memory_span(form: str, span: str) -> None:
    """The second segment of an episode starts from the first's end, or from nothing."""
    config = config_of(**FORMS[form], memory_span=span)
    players, player = players_of(config)
    strategies = np.random.default_rng(0).standard_normal((GAMES, SPEC.slots, W)).astype(np.float32)
    first, second = (steady(GAMES, T, seed=seed, width=W) for seed in (0, 1))
    members: Bools = view_at(first, 0).members()
    players.begin_segment()
    players.begin_agents(members)
    play(players, first, strategies)
    carried, before = players.memory.clone(), players.previous.copy()
    assert (carried[torch.from_numpy(members)] != 0).any()
    assert (before[members] != NO_ACTION).all()
    players.begin_segment()
    if span == "segment":
        assert (players.memory == 0).all()
        assert (players.previous == NO_ACTION).all()
        second = without_previous(second)
    else:
        assert torch.equal(players.memory, carried)
        np.testing.assert_array_equal(players.previous, before)
        second.memory[:] = carried.numpy()
        second.previous[:] = before
    compare(play(players, second, strategies), learned(player, config, second, strategies), second)


def test_joined() -> None:
    segments = changing(GAMES, T)
    arrived = [joined(view_at(segments, step), view_at(segments, step + 1)) for step in range(T)]
    expected = np.zeros((GAMES, SPEC.slots), np.bool_)
    for step, found in enumerate(arrived):
        expected[:, 2] = step == 1
        np.testing.assert_array_equal(found, expected)
