"""What is seen: vectors of features, and masks."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Floats, Ints, View
from copa.tasks.starcraft.actions import FIRST_MOVE, available
from copa.tasks.starcraft.geometry import Reals, distances
from copa.tasks.starcraft.scenarios import ScenarioSet
from copa.tasks.starcraft.spawn import MAP_SIZE
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, UNITS, Units

SIGHT = 9.0

TraitForm = Literal["full", "refil"]
DeadForm = Literal["absent", "present"]

COOLDOWN_MAX = np.array([kind.cooldown_max for kind in UNIT_TYPES])


def feature_count(scenarios: ScenarioSet) -> int:
    """Length of a unit's vector: tag, moves and targets available, type, state, two positions."""
    state = 4 if scenarios.shields else 3
    return UNITS + len(scenarios.actions) - FIRST_MOVE + len(scenarios.types) + state + 2 + 2


def trait_count(scenarios: ScenarioSet, form: TraitForm) -> int:
    """Number of traits: the type, and with `full` what the type means."""
    return scenarios.trait_table.shape[1] if form == "full" else len(scenarios.types)


def unit_vectors(units: Units, tags: Ints, possible: Bools, scenarios: ScenarioSet) -> Floats:
    """[B, 16, d], the vector of every unit (docs/tasks/starcraft.md); absent units have zeros.

    Worked out in double precision from the engine's numbers.

    Args:
        tags: [B, 16], as `copa.tasks.starcraft.chance.draw_tags` gives them.
        possible: [B, 8, U], as `copa.tasks.starcraft.actions.available` gives it.
    """
    battles, present, alive = len(units.x), units.present, units.alive
    vectors = np.zeros((battles, UNITS, feature_count(scenarios)), np.float32)
    vectors[..., :UNITS] = (tags[..., None] == np.arange(UNITS)) & present[..., None]
    kinds = UNITS + len(scenarios.actions) - FIRST_MOVE
    vectors[:, :ALLIES, UNITS:kinds] = possible[..., FIRST_MOVE:]
    state = kinds + len(scenarios.types)
    vectors[..., kinds:state] = units.kind[..., None] - scenarios.first_kind == np.arange(len(scenarios.types))
    own = alive & (np.arange(UNITS) < ALLIES)
    columns = [_share(units.health, units.health_max, alive)]
    if scenarios.shields:
        columns.append(_share(units.shield, units.shield_max, alive))
    columns.append(_share(units.energy, units.energy_max, own))
    columns.append(_share(units.cooldown, COOLDOWN_MAX[units.kind], own))
    columns += _positions(units)
    for column, values in enumerate(columns, start=state):
        vectors[..., column] = np.where(alive, values, 0.0)
    return vectors


def _share(value: NDArray[np.floating], most: NDArray[np.floating], shown: Bools) -> Reals:
    """`value` / `most` where it is shown and there is a most, else 0."""
    possible = shown & (most > 0)
    share: Reals = np.divide(value, most, out=np.zeros(value.shape), where=possible, dtype=np.float64)
    return share


def _positions(units: Units) -> list[Reals]:
    """x and y about the middle of the map, then about the mean of all units of the episode, by the largest distance
    of one of them from it; the dead count, where they were seen last."""
    places = np.stack((units.x, units.y)).astype(np.float64)
    count = np.maximum(units.present.sum(axis=1), 1)
    centre = (places * units.present).sum(axis=2) / count
    apart = places - centre[..., None]
    spread = np.where(units.present, np.hypot(*apart), 0.0).max(axis=1)
    middle = MAP_SIZE / 2
    return [*((places - middle) / MAP_SIZE), *(apart / np.where(spread > 0, spread, 1.0)[:, None])]


def seen(units: Units) -> Bools:
    """[B, 8, 16], whom each ally sees: who is alive within 9 of it if it is alive, and itself, also when it is dead."""
    alive = units.alive
    near = (distances(units) <= SIGHT) & alive[:, :ALLIES, None] & alive[:, None, :]
    near[:, np.arange(ALLIES), np.arange(ALLIES)] = units.present[:, :ALLIES]
    return near


def view(units: Units, tags: Ints, scenarios: ScenarioSet, traits: TraitForm, dead: DeadForm) -> View:
    """The view of B battles, in arrays of its own.

    With `dead="absent"` a unit that died is no longer there; with `present` (REFIL) it stays as a row, and an agent
    that died as an agent with nothing but the no-op.

    Args:
        tags: [B, 16].
    """
    possible = available(units, tags, scenarios)
    vectors = unit_vectors(units, tags, possible, scenarios)
    there = units.alive if dead == "absent" else units.present
    present = there[:, :ALLIES, None] & there[:, None, :]
    table = np.concatenate((scenarios.trait_table, np.zeros_like(scenarios.trait_table[:1])))
    return View(
        agents=vectors[:, :ALLIES].copy(),
        traits=table[units.kind[:, :ALLIES], : trait_count(scenarios, traits)],
        entities=vectors[:, ALLIES:].copy(),
        visible=seen(units) & present,
        present=present,
        available=possible,
    )
