"""Lessons are what was played, and what the teachers hold of it."""

from dataclasses import replace

import numpy as np
import pytest

from copa.config.change import with_setting
from copa.distilling.practice import GUIDED, WANDERING, Practice
from copa.distilling.teachers import Teachers, spread_of
from copa.evaluation.playing import play
from copa.evaluation.policies import TeamPolicy
from copa.tasks import make_task
from tests.distilling.teams import GAMES, lessons_of, spec_of
from tests.need.teams import skilled, unskilled


def test_advice_is_what_each_teacher_would_have_seen_and_thought_in_units_of_the_first() -> None:
    """Recomputed from the lessons alone, by a team that goes along with them."""
    learner, other = unskilled(), skilled()
    spec, steps = spec_of(learner), learner.config.segment_steps
    lessons = lessons_of(learner, [learner, other], "train", spreads=[1.0, 4.0])
    assert len(lessons) == GAMES * -(-spec.horizon // steps)
    task = make_task(spec.name, games=GAMES, seed=3, team="train")
    view = task.reset(np.arange(GAMES), 7 + np.arange(GAMES))
    teams = [TeamPolicy(spec, each.config, each.playing, GAMES, 0.0) for each in (learner, other)]
    everybody, fresh = np.ones(GAMES, np.bool_), view.members()
    for step in range(spec.horizon):
        page, place = step // steps, step % steps
        page_lessons = lessons.take(page * GAMES + np.arange(GAMES))
        one, two = (team.values(view, step, fresh, everybody) for team in teams)
        there = view.members()
        expected = (one / 1.0 + two / 4.0) / 2.0
        np.testing.assert_allclose(page_lessons.advice[:, place][there], expected[there], atol=1e-5)
        np.testing.assert_array_equal(page_lessons.segments.agents[:, place], view.agents)
        actions = page_lessons.segments.actions[:, place]
        for team in teams:
            team.remember(actions, view)
        view, fresh = task.step(actions).view, np.zeros_like(fresh)
    assert (lessons.segments.lengths[-GAMES:] == (spec.horizon % steps or steps)).all()


def test_some_games_go_by_the_teachers_word_and_the_others_by_its_own() -> None:
    """But for the time that it wanders."""
    spec, learner, teacher = spec_of(skilled()), unskilled(), skilled()
    rng = np.random.default_rng(5)
    games = 60
    policy = Practice(
        spec, learner.config, learner.tensors, Teachers(spec, [teacher], games, [1.0]), np.arange(games), 0.0, rng
    )
    task = make_task(spec.name, games=games, seed=3, team="5")
    for _ in play(task, policy, np.arange(games), np.ones(games, np.bool_)):
        pass
    lessons = policy.lessons()
    theirs = lessons.advice.argmax(-1) == lessons.segments.actions
    there = lessons.segments.present[:, :-1].any(-1)
    by_game = np.array(
        [
            theirs[lessons.segments.episodes == game][there[lessons.segments.episodes == game]].mean()
            for game in range(games)
        ]
    )
    guided = by_game > 1.0 - 3 * WANDERING
    assert GUIDED / 2 < guided.mean() < GUIDED * 2
    assert (by_game[~guided] < 0.7).all()
    assert (by_game[guided] < 1.0).any(), "it wanders there too"


@pytest.mark.parametrize(("hold", "least", "most"), [(0.0, 1.0, 1.0), (1.0, 0.4, 0.6)])
def test_the_coach_is_silent_as_often_as_asked_for(hold: float, least: float, most: float) -> None:
    learner = unskilled()
    spec = spec_of(learner)
    policy = Practice(
        spec,
        learner.config,
        learner.tensors,
        Teachers(spec, [learner], 200, [1.0]),
        np.arange(200),
        hold,
        np.random.default_rng(5),
    )
    task = make_task(spec.name, games=200, seed=3, team="5")
    for _ in play(task, policy, np.arange(200), np.ones(200, np.bool_)):
        pass
    assert least <= policy.sent / policy.eligible <= most


def test_games_that_end_early_give_no_lessons_after_their_end() -> None:
    saved = skilled("starcraft-3-8sz")
    lessons = lessons_of(saved, [saved], "3-8")
    lengths = lessons.segments.lengths
    assert (lengths > 0).all()
    assert (lengths < saved.config.segment_steps).any()
    total = np.bincount(lessons.segments.episodes - 7, weights=lengths)
    assert len(set(total)) > 3
    assert np.isneginf(lessons.advice).any(), "actions that are not available"


def test_a_memory_that_spans_the_episode_is_kept() -> None:
    saved = unskilled()
    config = with_setting(saved.config, "nets.memory_span", "episode")
    lessons = lessons_of(replace(saved, config=config), [saved], "train")
    later = lessons.take(GAMES + np.arange(GAMES))
    assert lessons.segments.memory.shape[-1] == later.segments.memory.shape[-1] > 0
    assert (lessons.segments.memory[:GAMES] == 0.0).all()
    assert np.abs(later.segments.memory).max() > 0.0
    before = lessons.segments.actions[:GAMES, -1]
    there = later.segments.present[:, 0].any(-1)
    np.testing.assert_array_equal(later.segments.previous[there], before[there])


@pytest.mark.parametrize(("name", "team"), [("resource_collection", "train"), ("starcraft-3-8sz", "3-8")])
def test_spread_is_how_much_better_the_best_action_is_until_a_game_ends(name: str, team: str) -> None:
    saved = skilled(name)
    spec = spec_of(saved)
    task = make_task(spec.name, games=GAMES, seed=3, team=team, options=saved.config.task.options)
    spread = spread_of(saved, spec, task, np.arange(GAMES))
    policy = TeamPolicy(spec, saved.config, saved.playing, GAMES, 0.0)
    view = task.reset(np.arange(GAMES), np.arange(GAMES))
    fresh, running, gaps = view.members(), np.ones(GAMES, np.bool_), []
    while running.any():
        step = len(gaps)
        values = policy.values(view, step, fresh, running)
        choosing = view.members() & (view.available.sum(-1) > 1) & running[:, None]
        gaps.append([each[np.isfinite(each)].max() - each[np.isfinite(each)].mean() for each in values[choosing]])
        policy.remember(values.argmax(-1), view)
        result = task.step(values.argmax(-1))
        view, fresh = result.view, np.zeros_like(fresh)
        running = running & ~result.terminated & ~result.truncated
    assert spread == pytest.approx(np.concatenate(gaps).mean(), rel=1e-4)
