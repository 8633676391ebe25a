"""Small random segments, with teams that change inside them, early ends and stored memories."""

from dataclasses import replace

import numpy as np

from copa.segments import NO_ACTION, Segments
from copa.tasks.base import TaskSpec

SPEC = TaskSpec(
    name="small",
    slots=4,
    entity_rows=3,
    agent_features=5,
    trait_features=2,
    entity_features=3,
    actions=("stay", "left", "right"),
    horizon=20,
    recorded_steps=20,
    trait_centre=(0.5, 0.25),
    first_action="action 0",
    teams=("train",),
    held_out=(),
)


def members_of(teams: list[list[int]], count: int, T: int) -> np.ndarray:
    """[N, T+1, A] from lists of occupied slots, taken in turn, the same at all steps."""
    members = np.zeros((count, T + 1, SPEC.slots), np.bool_)
    for row in range(count):
        members[row][:, teams[row % len(teams)]] = True
    return members


def make_segments(members: np.ndarray, *, seed: int = 0, width: int = 0, spec: TaskSpec = SPEC) -> Segments:
    """Random segments for `members` [N, T+1, A]; memories of `width` numbers."""
    rng = np.random.default_rng(seed)
    count, views, slots = members.shape
    there = np.concatenate([members, rng.random((count, views, spec.entity_rows)) < 0.8], -1)
    present = members[..., None] & there[:, :, None, :]
    near = rng.random(present.shape) < 0.5
    near[..., np.arange(slots), np.arange(slots)] = True
    available = rng.random((count, views, slots, len(spec.actions))) < 0.7
    available[..., 0] = True
    return Segments(
        agents=rng.standard_normal((count, views, slots, spec.agent_features)).astype(np.float32),
        traits=rng.random((count, views, slots, spec.trait_features), np.float32),
        entities=rng.standard_normal((count, views, spec.entity_rows, spec.entity_features)).astype(np.float32),
        visible=present & near,
        present=present,
        available=available,
        actions=rng.integers(0, len(spec.actions), (count, views - 1, slots)),
        rewards=rng.standard_normal((count, views - 1)).astype(np.float32),
        lengths=np.full(count, views - 1),
        terminated=np.zeros(count, np.bool_),
        episode_end=np.zeros(count, np.bool_),
        previous=rng.integers(0, len(spec.actions), (count, slots)),
        memory=rng.standard_normal((count, slots, width)).astype(np.float32),
        episodes=np.arange(count),
        first_steps=np.zeros(count, np.int64),
        player_versions=np.zeros(count, np.int64),
        coach_versions=np.zeros(count, np.int64),
    )


def steady(count: int = 6, T: int = 4, **options: int) -> Segments:
    """Teams of 1, 2 and 3 that stay; slots with holes among them."""
    return make_segments(members_of([[0, 1], [0], [1, 3], [0, 1, 2]], count, T), **options)


def changing(count: int = 6, T: int = 4, **options: int) -> Segments:
    """Slot 2 is joined at step 2; in every other segment slot 0 is left at step 3."""
    members = members_of([[0, 1]], count, T)
    members[:, 2:, 2] = True
    members[::2, 3:, 0] = False
    return make_segments(members, **options)


def padded(segments: Segments, lengths: list[int], terminated: bool, *, junk: float | None = None) -> Segments:
    """`segments` with early ends: views after an end repeat the last real one, or hold `junk`."""
    count, T = segments.rewards.shape
    ends = np.resize(lengths, count)
    steps = np.minimum(np.arange(T + 1), ends[:, None])
    rows = np.arange(count)[:, None]
    views = {
        name: getattr(segments, name)[rows, steps]
        for name in ("agents", "traits", "entities", "visible", "present", "available")
    }
    rewards, actions = segments.rewards.copy(), segments.actions.copy()
    after = np.arange(T) >= ends[:, None]
    rewards[after] = 0.0 if junk is None else junk
    actions[after] = 0
    if junk is not None:
        beyond = np.arange(T + 1) > ends[:, None]
        views["agents"][beyond] = junk
        views["entities"][beyond] = junk
        actions[after] = 1
    return replace(
        segments, **views, rewards=rewards, actions=actions, lengths=ends, terminated=np.full(count, terminated)
    )


def without_previous(segments: Segments) -> Segments:
    """The same, at an episode's start."""
    return replace(segments, previous=np.full_like(segments.previous, NO_ACTION), memory=np.zeros_like(segments.memory))
