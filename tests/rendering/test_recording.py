"""A recording is what evaluation plays, and what the task and the coach say."""

import numpy as np
import pytest

from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation import evaluate
from copa.evaluation.sweep import Player, untrained
from copa.rendering import Recording, record
from copa.tasks.resource_collection import ResourceCollection
from copa.tasks.resource_collection.drawing import COLOURS
from copa.tasks.resource_collection.rules import AGENTS
from tests.rendering.conftest import BETA, EPISODE, SEED, TEAM, team_of

T = Config().method.T
GAME = np.zeros(1, np.int64)


def test_the_episode_is_that_of_evaluation(coached: Player) -> None:
    played = record(coached, team="5", seed=SEED, episode=0, beta=BETA)
    (weights,) = coached.sources
    result = evaluate(coached.config, weights, teams=["5"], episodes=1, seed=SEED, beta=BETA)["5"]
    last = played.frames[-1]
    assert played.steps == result.steps == 145
    assert last.total == pytest.approx(result.returns[0])
    assert (last.sent, last.eligible) == (result.sent, result.eligible)
    assert last.rate == result.communication_rate
    assert 0 < last.sent < last.eligible


def test_marks_of_the_coach_are_what_was_sent(recording: Recording) -> None:
    so_far = 0
    for frame in recording.frames:
        so_far += int(frame.spoken.sum())
        assert so_far == frame.sent
        assert not frame.spoken[~frame.members].any()
    assert 0 < so_far < recording.frames[-1].eligible


def test_strategies_change_only_where_the_coach_speaks(recording: Recording) -> None:
    """And it speaks to an agent that is not new only where its strategy moved by more than beta (Eq. 3)."""
    frames, moves = recording.frames, 0
    for number, frame in enumerate(frames[:-1]):
        assert list(frame.strategies) == np.flatnonzero(frame.members).tolist()
        for slot, strategy in frame.strategies.items():
            stayed = number > 0 and all(one.members[slot] for one in frames[max(0, number - T) : number])
            if not stayed:
                continue
            moved = float(np.linalg.norm(strategy - frames[number - 1].strategies[slot]))
            assert moved > BETA if frame.spoken[slot] else moved == 0.0
            moves += moved > 0.0
    assert moves > 10


def test_drawings_are_the_state_of_the_task() -> None:
    """The expert's episode, played beside the recording by hand."""
    recording = record(untrained("greedy", Config()), team=TEAM, seed=SEED, episode=EPISODE)
    task = ResourceCollection(games=1, seed=SEED, team=TEAM)
    view = task.reset(GAME, np.array([EPISODE]))
    loads = 0
    for frame in recording.frames:
        state = task.state
        bodies = {body.row: body for body in frame.drawing.bodies}
        there = np.flatnonzero(view.present[0].any(axis=0))
        assert sorted(bodies) == there.tolist()
        np.testing.assert_array_equal(frame.members, view.members()[0])
        np.testing.assert_array_equal(frame.seen, view.visible[0])
        for row, body in bodies.items():
            place = state.position[:, row, 0] if row < AGENTS else state.landmark[:, row - AGENTS, 0]
            assert (body.x, body.y) == tuple(place.tolist())
            assert body.slot == (row if row < AGENTS else None)
            if body.slot is not None:
                assert list(body.abilities.values()) == state.traits[:, row, 0].tolist()
                carried = int(state.carried[row, 0])
                assert body.carries == (COLOURS[carried - 1] if carried else None)
                loads += carried > 0
        if frame is not recording.frames[-1]:
            view = task.step(task.greedy()).view
    assert loads > 20


def test_returns_are_sums_of_rewards(silent: Recording) -> None:
    rewards = [frame.reward for frame in silent.frames]
    np.testing.assert_allclose([frame.total for frame in silent.frames], np.cumsum(rewards))
    assert rewards[0] == 0.0
    assert silent.frames[-1].total > 0.0


def test_without_a_coach_nothing_is_said(silent: Recording) -> None:
    assert silent.beta is None
    for frame in silent.frames:
        assert not frame.spoken.any()
        assert not frame.strategies
        assert frame.rate is None


@pytest.mark.parametrize(("method", "everything"), [("aqmix", 0), ("aqmix-periodic", 37), ("aqmix-full", 146)])
def test_what_players_see_is_what_the_method_lets_them_see(method: str, everything: int) -> None:
    played = record(team_of(method), team="6", seed=SEED, episode=0)
    full = [number for number, frame in enumerate(played.frames) if frame.seen.sum() == 6 * len(frame.drawing.bodies)]
    assert len(full) == everything
    assert method != "aqmix-periodic" or full == list(range(0, 146, 4))


def test_an_unknown_team_is_named(coached: Player) -> None:
    with pytest.raises(ConfigError, match="seven"):
        record(coached, team="seven", seed=0, episode=0)
