"""Recorded steps of Resource Collection: one step of ours from the recorded state must give the recorded result.

What the recorded program drew (where resources and invaders reappeared, how long an invader stays away) is read
from the state after the step, and given to our rules as their chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Ints
from copa.tasks.resource_collection.chance import PROPOSALS, Numbers, Renewal
from copa.tasks.resource_collection.options import VARIANTS
from copa.tasks.resource_collection.rules import INVADER
from copa.tasks.resource_collection.state import State
from copa.tasks.resource_collection.task import play
from copa.tasks.resource_collection.view import view
from tests.golden.report import Report

Arrays = Mapping[str, NDArray[Any]]

STATE = {
    "agent_pos": "position",
    "agent_vel": "velocity",
    "agent_alive": "present",
    "agent_hold": "carried",
    "agent_at": "at",
    "attribute": "traits",
    "landmark_pos": "landmark",
    "landmark_alive": "there",
    "invader_timer": "delay",
}
"""Recorded names of our state's arrays; recorded `before_` and `after_` the step, games first."""
RESULTS = {"obs": "agents", "entities": "entities", "mask": "visible", "mask_full": "present"}
"""Recorded names of our view's arrays."""
PRECISION: dict[str, tuple[type[np.floating[Any]], float]] = {
    "float64": (np.float64, 1e-9),
    "float32": (np.float32, 1e-5),
}


@dataclass(frozen=True)
class RecordedChance:
    """What the recorded program drew, by game (row)."""

    landmark: NDArray[Any]
    """[2, 8, N], where landmarks are after the step."""
    delay: NDArray[Any]
    """[N], the invader's delay after the step, in which it was counted down once."""

    def renewal(self, state: State, lost: Ints, back: Ints, games: Ints, resources: Ints) -> Renewal:
        """The recorded delays, before they were counted down, and the recorded places."""
        return Renewal(
            delays=self.delay[lost] + 1,
            invaders=self.landmark[:, INVADER, back],
            places=self.places(state, games, resources, np.zeros_like(games)),
        )

    def places(self, state: State, games: Ints, resources: Ints, draws: Ints) -> Numbers:
        """The recorded place of each resource, as every proposal."""
        return np.repeat(self.landmark[:, None, resources, games], PROPOSALS, axis=1)


def recognises(arrays: Arrays) -> bool:
    """These are recorded steps of Resource Collection."""
    return {"before_agent_pos", "after_landmark_pos", "actions", *RESULTS} <= set(arrays)


def check(arrays: Arrays) -> Report:
    """Largest deviation of each field over all rows, in float64 and in float32."""
    deviations: dict[str, float] = {}
    tolerances: dict[str, float] = {}
    for precision, (dtype, tolerance) in PRECISION.items():
        for field, deviation in deviations_of_one_step(arrays, dtype).items():
            deviations[f"{field} ({precision})"] = deviation
            tolerances[f"{field} ({precision})"] = tolerance
    return Report(deviations, tolerances)


def deviations_of_one_step(arrays: Arrays, dtype: type[np.floating[Any]]) -> dict[str, float]:
    """Largest deviation per field when every recorded row is one game of ours."""
    state = recorded_state(arrays, "before", dtype)
    chance = RecordedChance(arrays["after_landmark_pos"].T, arrays["after_invader_timer"])
    rewards = play(state, arrays["actions"], chance, VARIANTS["standard"])
    seen = view(state)
    after = recorded_state(arrays, "after", np.float64)
    found = {
        "reward": (rewards.sum(axis=0), arrays["reward"]),
        "agent_reward": (rewards.T, arrays["agent_reward"]),
        **{name: (getattr(seen, ours), arrays[name]) for name, ours in RESULTS.items()},
        **{f"after_{name}": (getattr(state, ours), getattr(after, ours)) for name, ours in STATE.items()},
    }
    return {name: deviation(ours, recorded) for name, (ours, recorded) in found.items()}


def recorded_state(arrays: Arrays, moment: str, dtype: type[np.floating[Any]]) -> State:
    """The recorded state `before` or `after` the steps, every row a game."""
    state = State.ended(len(arrays["actions"]), dtype)
    state.clock[:] = arrays["t"]
    for recorded, ours in STATE.items():
        getattr(state, ours)[...] = arrays[f"{moment}_{recorded}"].T
    return state


def deviation(ours: NDArray[Any], recorded: NDArray[Any]) -> float:
    """Largest absolute difference; infinity where shapes differ."""
    if ours.shape != recorded.shape:
        return float("inf")
    return float(np.max(np.abs(ours.astype(np.float64) - recorded.astype(np.float64)), initial=0.0))
