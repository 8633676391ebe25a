"""Games that end, or break off, before their segment does; the battles are recorded ones, whose ends are known."""

import numpy as np
import pytest
import torch

from actor.group import Group, Played
from copa.acting import Exploration, Players
from copa.config.schema import Config
from copa.learning import UpdateRule
from copa.segments import Segments
from copa.tasks.base import Bools, Floats, Ints, View
from copa.tasks.starcraft import ZealotsAndStalkers
from tests.tasks.starcraft.recorded import EPISODES, Recorded, lengths_of, recording

NAME = "3-8sz"
LENGTHS = lengths_of(NAME)


class Numbers:
    """Episode numbers from a counter of this process."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def take(self, count: int) -> Ints:
        first = len(self.given)
        self.given.extend(range(first, first + count))
        return np.arange(first, first + count)


def no_advice(view: View, newcomers: Bools) -> Floats:
    raise AssertionError("nobody joins a battle")


def group_of(
    T: int, games: int, crashes: dict[int, int] | None = None, periods: int = 1, **options: str
) -> tuple[Group, Numbers]:
    config = Config.model_validate(
        {
            "task": {"name": f"starcraft/{NAME}", "options": options},
            "nets": {"width": 8, "heads": 2, "attention": "masked", "memory": "gru"},
            "actor": {"games": games, "groups": 1},
            "method": {"T": T, "name": "aqmix"},
            "learning": {"segment_start": "stored", "periods": periods},
        }
    )
    task = ZealotsAndStalkers(games=games, seed=0, options=options, engine=Recorded(games, NAME, crashes))
    players = Players(task.spec, config, games)
    torch.manual_seed(1)
    players.load(UpdateRule(task.spec, config, torch.device("cpu")).weights())
    exploration = Exploration(config.exploration, games, task.spec.slots, np.random.default_rng(0))
    numbers = Numbers()
    return Group(0, config, task, players, exploration, numbers), numbers  # type: ignore[arg-type]


def stretch(group: Group) -> Played:
    while True:
        group.begin(0.5)
        played = group.play(None, no_advice, 0.5, player_version=1, coach_version=0)
        if played is not None:
            return played


def every_episode(T: int, periods: int = 1, **options: str) -> tuple[Segments, int, Floats]:
    """All recorded episodes once, their steps and their returns."""
    group, _ = group_of(T, EPISODES, None, periods, **options)
    parts = [stretch(group) for _ in range(-(-int(LENGTHS.max()) // (T * periods)))]
    whole = Segments.concatenate([part.segments for part in parts])
    assert sum(part.lost for part in parts) == 0
    first = whole.episodes < EPISODES
    return (
        whole.take(np.flatnonzero(first)),
        sum(part.steps for part in parts),
        np.concatenate([part.returns for part in parts]),
    )


@pytest.mark.parametrize("timeout", ["truncated", "terminal"])
@pytest.mark.parametrize(("T", "periods"), [(4, 1), (7, 1), (150, 1), (2, 4)])
def test_segments_end_where_the_battle_did(T: int, periods: int, timeout: str) -> None:
    segments, _, _ = every_episode(T, periods, timeout=timeout)
    T *= periods
    recorded = recording(NAME)
    for episode in range(EPISODES):
        own = segments.take(np.flatnonzero(segments.episodes == episode))
        own = own.take(np.argsort(own.first_steps))
        assert own.lengths.sum() == LENGTHS[episode]
        assert (own.lengths[:-1] == T).all()
        np.testing.assert_array_equal(own.first_steps, T * np.arange(len(own)))
        assert own.episode_end.tolist() == [False] * (len(own) - 1) + [True]
        assert not own.terminated[:-1].any()
        assert own.terminated[-1] == (timeout == "terminal" or recorded["outcome"][episode] != "timeout")
        real = np.arange(T) < own.lengths[:, None]
        np.testing.assert_allclose(own.rewards[real], recorded["reward"][recorded["episode"] == episode], atol=1e-5)
        assert not own.rewards[~real].any()


def test_padding_repeats_the_last_view() -> None:
    segments, _, _ = every_episode(7)
    short = segments.take(np.flatnonzero(segments.lengths < 7))
    assert len(short) >= EPISODES // 2
    for name in ("agents", "entities", "visible", "present", "available"):
        views = getattr(short, name)
        last = views[np.arange(len(short)), short.lengths]
        for t in range(8):
            after = t >= short.lengths
            np.testing.assert_array_equal(views[after, t], last[after])


def test_only_available_actions_are_played_and_recorded() -> None:
    segments, _, _ = every_episode(4)
    real = np.arange(4) < segments.lengths[:, None]
    chosen = np.take_along_axis(segments.available[:, :4], segments.actions[..., None], axis=3)[..., 0]
    assert chosen[real].all()
    dead = ~segments.present[:, :4].any(axis=3)
    assert dead[real].any()
    assert not segments.actions[dead & real[..., None]].any()


def test_a_dead_agent_is_gone_from_the_next_view_on() -> None:
    segments, _, _ = every_episode(150)
    alive = recording(NAME)["after_alive"][:, :8]
    for episode in range(EPISODES):
        (own,) = np.flatnonzero(segments.episodes == episode)
        length = LENGTHS[episode]
        members = segments.present[own, 1 : length + 1].any(axis=2)
        np.testing.assert_array_equal(members, alive[recording(NAME)["episode"] == episode])


def test_play_stops_when_no_game_goes_on() -> None:
    group, _ = group_of(150, EPISODES)
    played = stretch(group)
    assert len(group._task._engine.orders) == LENGTHS.max()  # type: ignore[attr-defined]
    assert played.steps == LENGTHS.sum()
    assert len(played.returns) == EPISODES
    assert played.segments.agents.shape[:2] == (EPISODES, 151)


def test_a_lost_battle_leaves_its_finished_segments_and_makes_room_for_another() -> None:
    group, numbers = group_of(4, 3, crashes={1: 6})
    first, second = stretch(group), stretch(group)
    assert (first.lost, second.lost) == (0, 1)
    assert first.segments.episodes.tolist() == [0, 1, 2]
    assert second.segments.episodes.tolist() == [0, 2]
    assert (first.steps, second.steps) == (12, 4 + 2 + 4)
    assert len(second.returns) == 0
    third = stretch(group)
    assert numbers.given == [0, 1, 2, 3]
    assert third.segments.episodes.tolist() == [0, 3, 2]
    assert third.segments.first_steps.tolist() == [8, 0, 8]
    assert (third.segments.previous[1] == -1).all()
    assert not third.segments.memory[1].any()


def test_a_game_that_ends_in_a_segment_of_several_periods_waits_for_the_next_segment() -> None:
    group, numbers = group_of(2, 3, crashes={1: 6}, periods=4)
    first = stretch(group)
    assert (group.coach_steps, first.lost) == (4, 1)
    assert first.segments.episodes.tolist() == [0, 2]
    assert first.steps == 8 + 6 + 8
    assert numbers.given == [0, 1, 2]
    second = stretch(group)
    assert group.coach_steps == 8
    assert second.segments.episodes.tolist() == [0, 3, 2]
    assert second.segments.first_steps.tolist() == [8, 0, 8]


def test_nobody_is_advised_in_a_game_that_has_ended() -> None:
    group, _ = group_of(2, 3, crashes={1: 3}, periods=4)
    group.begin(0.5)
    assert group.asked() is group.view
    for _ in range(2):
        assert group.play(None, no_advice, 0.5, player_version=1, coach_version=0) is None
        group.begin(0.5)
    there = group.asked().members().any(axis=1)
    assert there.tolist() == [True, False, True]
    assert group.view.members()[1].any()


def test_what_was_played_of_a_segment_is_given_when_the_actor_stops() -> None:
    group, _ = group_of(2, 3, crashes={1: 3}, periods=4)
    assert group.close() is None
    for _ in range(3):
        group.begin(0.5)
        assert group.play(None, no_advice, 0.5, player_version=1, coach_version=0) is None
    group.begin(0.5)
    played = group.close()
    assert played is not None
    assert (played.steps, played.lost) == (6 + 3 + 6, 1)
    assert played.segments.episodes.tolist() == [0, 2]
    assert played.segments.lengths.tolist() == [6, 6]
    assert played.segments.actions.shape[1] == 8
    assert not played.segments.episode_end.any()
    assert not played.segments.terminated.any()
    assert group.close() is None


def test_the_return_of_the_next_episode_begins_at_nothing() -> None:
    group, _ = group_of(4, 1, crashes={0: 10})
    returns: list[float] = []
    while not returns:
        returns.extend(stretch(group).returns.tolist())
    recorded = recording(NAME)
    assert returns[0] == pytest.approx(recorded["reward"][recorded["episode"] == 1].sum(), rel=1e-4)


def test_all_battles_may_be_lost_at_once() -> None:
    group, numbers = group_of(4, 2, crashes={0: 0, 1: 0})
    played = stretch(group)
    assert (len(played.segments), played.steps, played.lost) == (0, 0, 2)
    assert len(stretch(group).segments) == 2
    assert numbers.given == [0, 1, 2, 3]
