"""Small specs, segments and limits for tests."""

from typing import Any

import numpy as np

from copa.replay import Limits
from copa.segments import Segments
from copa.tasks.base import TaskSpec


def small_spec(**changes: Any) -> TaskSpec:
    """A task of two agents and one entity."""
    values: dict[str, Any] = {
        "name": "small",
        "slots": 2,
        "entity_rows": 1,
        "agent_features": 3,
        "trait_features": 2,
        "entity_features": 2,
        "actions": ("stay", "left", "right"),
        "horizon": 12,
        "recorded_steps": 12,
        "trait_centre": (0.5, 0.5),
        "first_action": "action 0",
        "teams": ("train",),
        "held_out": (),
    }
    return TaskSpec(**values | changes)


def some_segments(
    spec: TaskSpec, T: int, count: int, *, memory_width: int = 0, seed: int = 0, first_episode: int = 0
) -> Segments:
    """`count` random segments; segment i has episode number `first_episode + i`, by which tests know it."""
    rng = np.random.default_rng(seed)
    A, rows, views = spec.slots, spec.rows, T + 1

    def floats(*shape: int) -> np.ndarray:
        return rng.standard_normal((count, *shape)).astype(np.float32)

    def bits(*shape: int) -> np.ndarray:
        return rng.random((count, *shape)) < 0.5

    def numbers(least: int, most: int, *shape: int) -> np.ndarray:
        return rng.integers(least, most, (count, *shape), endpoint=True)

    return Segments(
        agents=floats(views, A, spec.agent_features),
        traits=floats(views, A, spec.trait_features),
        entities=floats(views, spec.entity_rows, spec.entity_features),
        visible=bits(views, A, rows),
        present=bits(views, A, rows),
        available=bits(views, A, len(spec.actions)),
        actions=numbers(0, len(spec.actions) - 1, T, A),
        rewards=floats(T),
        lengths=numbers(1, T),
        terminated=bits(),
        episode_end=bits(),
        previous=numbers(-1, len(spec.actions) - 1, A),
        memory=floats(A, memory_width),
        episodes=np.arange(first_episode, first_episode + count),
        first_steps=numbers(0, spec.horizon),
        player_versions=numbers(0, 2**40),
        coach_versions=numbers(0, 2**40),
    )


def small_limits(**changes: Any) -> Limits:
    """A ring of 64 segments; one update of 8 segments for 16 steps."""
    values: dict[str, Any] = {
        "capacity": 64,
        "minimum": 8,
        "batch": 8,
        "steps_per_update": 16,
        "tolerance": 2.0,
        "total_steps": 100_000,
    }
    return Limits(**values | changes)
