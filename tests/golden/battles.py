"""Recorded StarCraft steps: what REFIL's environment saw of the game, and what it made of it.

Everything recorded must follow from the raw columns by our functions: vectors, masks, availability, reward, the end.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Ints
from copa.tasks.starcraft.actions import available
from copa.tasks.starcraft.outcome import outcome, reward
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.task import HORIZON
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, UNITS, Units
from copa.tasks.starcraft.view import seen, unit_vectors
from tests.golden.report import Report

Arrays = Mapping[str, NDArray[Any]]

TOLERANCE = {"entities": 1e-6, "reward": 1e-5}
"""What is not named here must agree exactly."""
SETS = {
    tuple(kind.name for kind in scenarios.types): scenarios
    for scenarios in (ZEALOTS_AND_STALKERS, MARINES_MARAUDERS_MEDIVACS)
}


def recognises(arrays: Arrays) -> bool:
    """These are recorded StarCraft steps."""
    return {"before_weapon_cooldown", "after_is_flying", "obs_mask", "reset_obs_mask", "const_unit_types"} <= set(
        arrays
    )


def scenarios_of(arrays: Arrays) -> ScenarioSet:
    """The set that was recorded."""
    return SETS[tuple(arrays["const_unit_types"].tolist())]


def units_of(arrays: Arrays, moment: str) -> Units:
    """The raw units at `reset` (one row per episode), `before` or `after` the steps."""
    about = "reset_" if moment == "reset" else ""
    names = np.array([kind.name for kind in UNIT_TYPES])
    types = arrays[f"{about}unit_type"]
    kind = np.where(arrays[f"{about}present"], (types[..., None] == names).argmax(axis=-1), -1)
    known = {"present": arrays[f"{about}present"], "kind": kind.astype(np.int8)}
    recorded = {"cooldown": "weapon_cooldown"}
    return Units(
        **known,
        **{f.name: arrays[f"{moment}_{recorded.get(f.name, f.name)}"] for f in fields(Units) if f.name not in known},
    )


def tags_of(arrays: Arrays, moment: str) -> Ints:
    """[N, 16], the recorded tags; absent slots get those that are left over."""
    tags = arrays["reset_tag" if moment == "reset" else "tag"].astype(np.int64)
    for row in tags:
        for side, first in ((row[:ALLIES], ALLIES), (row[ALLIES:], 0)):
            side[side < 0] = np.setdiff1d(np.arange(first, first + ALLIES), side)
    return tags


def hidden_of(units: Units) -> Bools:
    """[N, 16, 16], the recorded mask: rows of absent units hide all, and enemies, who are not asked, see none of the
    allies, themselves, and of their own side only those in later slots."""
    swapped = Units(**{f.name: np.roll(getattr(units, f.name), ALLIES, axis=1) for f in fields(Units)})
    hidden = np.ones((len(units.x), UNITS, UNITS), np.bool_)
    hidden[:, :ALLIES] = ~seen(units)
    later = np.triu(np.ones((ALLIES, ALLIES), np.bool_))
    hidden[:, ALLIES:, ALLIES:] = ~(seen(swapped)[:, :, :ALLIES] & later)
    return hidden


def check(arrays: Arrays) -> Report:
    """Largest deviation of each field over all rows, after the steps and after the resets."""
    scenarios = scenarios_of(arrays)
    deviations: dict[str, float] = {}
    for moment, prefix in (("after", ""), ("reset", "reset_")):
        units, tags = units_of(arrays, moment), tags_of(arrays, moment)
        possible = available(units, tags, scenarios)
        ours = {
            "entities": unit_vectors(units, tags, possible, scenarios),
            "avail_actions": possible,
            "obs_mask": hidden_of(units),
            "entity_mask": ~units.present,
        }
        deviations |= {prefix + name: _deviation(values, arrays[prefix + name]) for name, values in ours.items()}
    before, after = units_of(arrays, "before"), units_of(arrays, "after")
    end = outcome(after, scenarios)
    last = arrays["t"] + 1 == HORIZON
    results = {
        "before_avail_actions": available(before, tags_of(arrays, "before"), scenarios),
        "reward": reward(before, after, end.won, scenarios),
        "terminated": end.decided | last,
        "battle_won": end.won,
        "timed_out": last & ~end.decided,
    }
    deviations |= {name: _deviation(values, arrays[name]) for name, values in results.items()}
    constants = {"const_max_reward": scenarios.max_reward, "const_n_actions": len(scenarios.actions)}
    deviations |= {name: _deviation(np.asarray(value), arrays[name]) for name, value in constants.items()}
    return Report(deviations, {name: TOLERANCE.get(name.removeprefix("reset_"), 0.0) for name in deviations})


def _deviation(ours: NDArray[Any], recorded: NDArray[Any]) -> float:
    """Largest absolute difference; infinity where shapes differ."""
    if ours.shape != recorded.shape:
        return float("inf")
    return float(np.max(np.abs(ours.astype(np.float64) - recorded.astype(np.float64)), initial=0.0))
