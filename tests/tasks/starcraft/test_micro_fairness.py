"""Neither side, and no slot, has an advantage."""

import numpy as np
import pytest

from copa.tasks.base import Bools, Ints
from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.micro.engine import fight_on
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT
from tests.tasks.starcraft.micro import ENEMY, Battle, orders

BATTLES = 4000
MEDIVACS = UNIT_TYPES.index(MEDIVAC)


def give_allies_the_enemys_script(engine: MicroEngine) -> None:
    """Attack-move to the middle of the enemy, targets of their own choice, and the enemy's speeds."""
    state = engine.state
    state.automatic[:8] = state.going[:8] = state.active[:8]
    members = state.active[8:].sum(axis=0)
    state.point_x[:8], state.point_y[:8] = state.x[8:].sum(axis=0) / members, state.y[8:].sum(axis=0) / members
    engine.figures = Figures.of(state)
    level_speeds(engine.figures, state)


def level_speeds(figures: Figures, state: State) -> None:
    speeds = np.array([*(unit_type.enemy_speed for unit_type in UNIT_TYPES), 0], np.float32)
    figures.speed[:8] = speeds[state.kind[:8]]


def survivors(state: State) -> tuple[np.ndarray, np.ndarray]:
    """[B] each, whether anyone that can fight is left of the allies and of the enemies."""
    fighters = state.alive & (state.kind != MEDIVACS)
    return fighters[:8].any(axis=0), fighters[8:].any(axis=0)


SETS = (ZEALOTS_AND_STALKERS, MARINES_MARAUDERS_MEDIVACS)


def difference_of_wins(armies: Ints) -> tuple[Ints, Bools]:
    """[B] each: 1 where the allies won, -1 where the enemies did, else 0; and whether either did.

    Both sides follow one script, until nearly all battles are decided.
    """
    battles = len(armies)
    engine = MicroEngine(battles, seed=11)
    engine.start(np.arange(battles), np.arange(battles), armies)
    give_allies_the_enemys_script(engine)
    for _ in range(150):
        engine.step(orders({}, battles))
        allies, enemies = survivors(engine.state)
        engine.end(np.flatnonzero(~(allies & enemies)))
        if (allies & enemies).mean() < 0.01:
            break
    return allies.astype(np.int64) - enemies, allies != enemies


@pytest.mark.parametrize("scenarios", SETS, ids=lambda scenarios: scenarios.name)
def test_two_armies_under_one_script_win_equally_often_whatever_they_are_made_of(scenarios: ScenarioSet) -> None:
    """Every scenario of the set, 4,000 battles and more in all.

    The wins of a fair engine differ by less than four standard deviations (one seed in 16,000 is outside). Those of
    single scenarios spread as chance has them: their squared deviations add up to about the number of scenarios.
    """
    each = -(-BATTLES // len(scenarios.armies))
    won, decided = difference_of_wins(np.repeat(scenarios.armies, each, axis=0))
    assert decided.mean() > 0.95
    assert abs(won.sum()) < 4 * np.sqrt(decided.sum())
    by_army, fought = (values.reshape(-1, each).sum(axis=1) for values in (won, decided))
    deviations = by_army / np.sqrt(fought)
    number = len(deviations)
    assert abs((deviations**2).sum() - number) < 5 * np.sqrt(2 * number)
    assert np.abs(deviations).max() < 5


@pytest.mark.parametrize(
    "army", [(0, 0, 0, 4, 4), (3, 3, 2, 0, 0)], ids=["Zealots and Stalkers", "Marines, Marauders and Medivacs"]
)
def test_mirrored_armies_with_the_same_luck_do_the_same_to_each_other(army: tuple[int, ...]) -> None:
    """Every enemy is the point reflection of an ally, and both draw the same jitter; slots follow each side's order."""
    battles = 64
    engine = MicroEngine(battles, seed=5)
    engine.start(np.arange(battles), np.arange(battles), np.tile(army, (battles, 1)))
    state = engine.state
    ally = state.kind[:8].argsort(axis=0, kind="stable")
    enemy = state.kind[8:].argsort(axis=0, kind="stable")
    mirror = np.take_along_axis(ally, enemy.argsort(axis=0), axis=0)
    for name in ("x", "y"):
        axis = getattr(state, name)
        axis[:8] = (axis[:8] * 64).round() / 64
        axis[8:] = 32 - np.take_along_axis(axis[:8], mirror, axis=0)
        getattr(state, f"point_{name}")[8:] = axis[:8].mean(axis=0)
    give_allies_the_enemys_script(engine)
    rng = np.random.default_rng(0)
    mirrored = np.ones(battles, np.bool_)
    start = (state.health + state.shield)[:8].sum(axis=0)
    for _ in range(400):
        jitter = rng.uniform(-1, 2, (8, battles)).astype(np.float32)
        fight_on(state, engine.figures, np.concatenate((jitter, np.take_along_axis(jitter, mirror, axis=0))))
        for values in (state.health, state.shield, state.energy):
            mirrored &= (np.take_along_axis(values[:8], mirror, axis=0) == values[8:]).all(axis=0)
    damage = start - (state.health + state.shield)[:8].sum(axis=0)
    assert np.median(damage) > 300
    assert mirrored.mean() > 0.8, "all but those in which rounding decided between two targets"


def test_hits_of_one_loop_do_the_same_to_both_sides_whoever_has_the_lower_slot() -> None:
    """A shield of 10 takes from the Zealot's 16 first, whose rest goes to health with the Stalker's 13."""
    left = []
    for attackers in ([(ZEALOT, 15.2, 16), (STALKER, 16, 14)], [(STALKER, 16, 14), (ZEALOT, 15.2, 16)]):
        ours = Battle(attackers, [(ZEALOT, 16, 16)], allies_attack=(16, 16))
        theirs = Battle([(ZEALOT, 16, 16)], attackers, attack=(16, 16))
        for battle, victim in ((ours, ENEMY), (theirs, 0)):
            battle.state.shield[victim] = 10
            battle.loops(1)
            left.append((battle.state.shield[victim, 0], battle.state.health[victim, 0]))
    assert left == [(0, 100 - (6 - 1) - (13 - 1))] * 4


def test_of_equally_hurt_patients_the_nearest_is_healed_whatever_its_slot() -> None:
    for wounded in ([(MARINE, 14, 16), (MARAUDER, 19, 16)], [(MARAUDER, 19, 16), (MARINE, 14, 16)]):
        battle = Battle([(MEDIVAC, 16, 16), *wounded], allies_attack=(16, 16))
        battle.state.health[1:3] = 30
        battle.loops(1)
        assert battle.state.target[0, 0] == 1 + [unit_type for unit_type, *_ in wounded].index(MARINE)
