"""A group of games: what it records is what was played."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from actor.group import Group
from copa.acting import Exploration, Players
from copa.coaching import CoachClient
from copa.config.schema import Config
from copa.learning import UpdateRule
from copa.segments import NO_ACTION, Segments
from copa.tasks import make_task, task_spec
from copa.tasks.base import Bools, Floats, Ints, Step, View
from tests.coach.parts import FIRST, WIDTH, Loop, wait_until

GAMES = 6


class Numbers:
    """Episode numbers from a counter of this process."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> Ints:
        self._next += count
        return np.arange(self._next - count, self._next)


def settings(**learning: object) -> Config:
    nets = {"width": 8, "heads": 2, "attention": "masked", "memory": "gru"}
    return Config.model_validate(
        {
            "actor": {"games": GAMES, "groups": 1},
            "method": {"T": learning.pop("T", 4)},
            "nets": nets | {"memory_span": learning.pop("memory_span", "episode")},
            "learning": learning,
        }
    )


def build(config: Config, seed: int = 0, team: str | None = None) -> Group:
    spec = task_spec("resource_collection")
    players = Players(spec, config, GAMES)
    torch.manual_seed(1)
    players.load(UpdateRule(spec, config, torch.device("cpu")).weights())
    exploration = Exploration(config.exploration, GAMES, spec.slots, np.random.default_rng(seed))
    task = make_task("resource_collection", games=GAMES, seed=seed, team=team)
    return Group(0, config, task, players, exploration, Numbers())  # type: ignore[arg-type]


def no_advice(view: View, newcomers: Bools) -> Floats:
    raise AssertionError("nobody joins inside a training episode")


def stretches(config: Config, group: Group, count: int, epsilon: float = 0.5) -> Iterator[tuple[Segments, int, Floats]]:
    strategies = np.zeros((GAMES, 6, config.nets.width), dtype=np.float32)
    for _ in range(count):
        for version in range(config.learning.periods):
            group.begin(epsilon)
            played = group.play(strategies, no_advice, epsilon, player_version=3 + version, coach_version=2 + version)
            if played is not None:
                break
        assert played is not None
        yield played.segments, played.steps, played.returns


@pytest.mark.parametrize("periods", [1, 3])
def test_an_episode_gives_144_steps_in_segments_and_one_more(periods: int) -> None:
    config = settings(periods=periods)
    group = build(config)
    segments, steps, ends, length = [], 0, 0, 4 * periods
    for part, count, returns in stretches(config, group, 36 // periods + 1):
        segments.append(part)
        steps += count
        ends += len(returns)
    whole = Segments.concatenate(segments)
    assert steps == 145 * GAMES
    assert ends == GAMES
    assert group.coach_steps == 37, "the last step begins a segment of its own, with nothing in it"
    assert len(whole) == 36 // periods * GAMES
    assert (whole.lengths == length).all()
    assert not whole.terminated.any()
    assert sorted(set(whole.first_steps.tolist())) == list(range(0, 144, length))
    assert whole.episode_end.sum() == GAMES
    assert (whole.first_steps[whole.episode_end] == 144 - length).all()
    assert set(whole.episodes.tolist()) == set(range(GAMES))
    assert (whole.player_versions == 3).all(), "those that the segment began with"
    assert (whole.coach_versions == 2).all()


@pytest.mark.parametrize("T", [5, 8, 20])
def test_other_periods_record_every_step_up_to_the_last(T: int) -> None:
    config = settings(T=T)
    group = build(config)
    parts = [part for part, _, _ in stretches(config, group, -(-145 // T))]
    whole = Segments.concatenate(parts)
    assert whole.lengths.sum() == 144 * GAMES
    assert whole.episode_end.sum() == GAMES
    assert not whole.terminated.any()


@pytest.mark.parametrize("periods", [1, 4])
def test_views_and_rewards_follow_the_recorded_actions(periods: int) -> None:
    """Playing the recorded actions again from the same games gives the recorded views and rewards."""
    config = settings(periods=periods)
    group = build(config, seed=5)
    parts = [part for part, _, _ in stretches(config, group, 36 // periods)]
    task = make_task("resource_collection", games=GAMES, seed=5)
    view = task.reset(np.arange(GAMES), np.arange(GAMES))
    for part in parts:
        for t in range(4 * periods):
            np.testing.assert_array_equal(part.agents[:, t], view.agents)
            np.testing.assert_array_equal(part.visible[:, t], view.visible)
            np.testing.assert_array_equal(part.entities[:, t], view.entities)
            result = task.step(part.actions[:, t])
            np.testing.assert_array_equal(part.rewards[:, t], result.reward)
            view = result.view
        np.testing.assert_array_equal(part.agents[:, -1], view.agents)


@pytest.mark.parametrize(("span", "forgets"), [("segment", [True, False, True]), ("episode", [True, False, False])])
def test_a_memory_that_spans_a_segment_outlives_the_coach_steps_inside(span: str, forgets: list[bool]) -> None:
    config = settings(periods=2, memory_span=span)
    group = build(config)
    strategies = np.zeros((GAMES, 6, config.nets.width), dtype=np.float32)
    for forgotten in forgets:
        group.begin(0.5)
        members = group.view.members()
        assert (group.players.previous[members] == NO_ACTION).all() == forgotten
        assert (group.players.memory.numpy()[members] == 0).all() == forgotten
        group.play(strategies, no_advice, 0.5, player_version=1, coach_version=1)


def test_a_new_episode_starts_at_the_next_coach_step_with_nothing_remembered() -> None:
    config = settings(segment_start="stored")
    group = build(config)
    parts = [part for part, _, _ in stretches(config, group, 38)]
    first, second, new = parts[0], parts[1], parts[37]
    assert (first.previous == NO_ACTION).all()
    assert (first.memory == 0).all()
    members = second.present[:, 0].any(axis=2)
    assert (second.previous[members] == first.actions[:, 3][members]).all()
    assert np.abs(second.memory[members]).sum() > 0
    assert (new.first_steps == 0).all()
    assert (new.episodes == np.arange(GAMES, 2 * GAMES)).all()
    assert (new.previous == NO_ACTION).all()
    assert (new.memory == 0).all()


def test_returns_are_the_sums_of_all_rewards_of_the_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings()
    group = build(config, seed=2)
    rewards = np.zeros(GAMES)
    step = group._task.step

    def counted(actions: Ints) -> Step:
        result = step(actions)
        rewards[:] += result.reward
        return result

    monkeypatch.setattr(group._task, "step", counted)
    returns = np.concatenate([ended for _, _, ended in stretches(config, group, 37)])
    assert np.abs(rewards).sum() > 0
    np.testing.assert_allclose(returns, rewards, rtol=1e-5)


def members(segments: Segments, step: int) -> Bools:
    return cast(Bools, segments.present[:, step].any(axis=2))


def test_joiners_are_advised_at_once_and_know_nothing() -> None:
    config = settings()
    group = build(config, seed=3, team="varying")
    held = np.zeros((GAMES, 6, config.nets.width), dtype=np.float32)
    asked: list[tuple[View, Bools]] = []
    at_once = at_coach_steps = 0

    def advise(view: View, newcomers: Bools) -> Floats:
        asked.append((view, newcomers))
        assert (group.players.previous[newcomers] == NO_ACTION).all()
        assert (group.players.memory.numpy()[newcomers] == 0).all()
        return held

    for stretch in range(36):
        group.begin(0.1)
        if stretch > 0:
            assert (group.players.previous[group.arrived] == NO_ACTION).all()
            assert (group.players.memory.numpy()[group.arrived] == 0).all()
            at_coach_steps += group.arrived.sum()
        asked.clear()
        played = group.play(held, advise, 0.1, player_version=1, coach_version=1)
        assert played is not None
        segments = played.segments
        expected = [members(segments, t) & ~members(segments, t - 1) for t in range(1, config.method.T)]
        steps = [t for t, newcomers in enumerate(expected, 1) if newcomers.any()]
        assert len(asked) == len(steps)
        for t, (view, newcomers) in zip(steps, asked, strict=True):
            np.testing.assert_array_equal(newcomers, expected[t - 1])
            np.testing.assert_array_equal(view.agents, segments.agents[:, t])
            at_once += newcomers.sum()
        np.testing.assert_array_equal(group.arrived, members(segments, 4) & ~members(segments, 3))
    assert at_once > 0
    assert at_coach_steps > 0


def test_the_coach_is_told_of_all_who_began_or_joined_since_it_was_asked(tmp_path: Path) -> None:
    """Above all distances `beta` keeps everything back but the strategies of those whom the service was told of."""
    config = settings()
    values = config.model_dump()
    values["nets"] |= {"width": WIDTH}
    values["coach"] |= {"address": f"unix:{tmp_path / 'coach'}", "beta": 1e6}
    config = Config.model_validate(values)
    group = build(config, seed=3, team="varying")
    loop = Loop()
    with loop.serving(config, FIRST) as (server, address), CoachClient(address, config) as coach:
        wait_until(lambda: server.version == 1)
        new = np.zeros((GAMES, 6), dtype=bool)

        def advise(view: View, newcomers: Bools) -> Floats:
            assert coach.advise(0, view, newcomers, 10.0)
            assert (coach.held(0)[newcomers] != 0).any(axis=1).all()
            new[newcomers] = True
            return coach.held(0)

        for _ in range(40):
            group.begin(0.1)
            new |= group.arrived
            before = coach.held(0).copy() if group.coach_steps > 1 else np.zeros((GAMES, 6, WIDTH))
            coach.ask(0, group.coach_steps, group.view, group.arrived)
            np.testing.assert_array_equal(coach.held(0)[~group.arrived], before[~group.arrived])
            assert (coach.held(0)[group.arrived] == 0).all()
            answer = coach.collect(0, 10.0)
            assert answer is not None
            np.testing.assert_array_equal(answer.changed, new & group.view.members())
            new[:] = False
            group.play(answer.held, advise, 0.1, player_version=1, coach_version=1)
    loop.close()
