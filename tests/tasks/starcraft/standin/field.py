"""One battle of the engine `micro` as the game holds it: units with tags, made, killed and ordered one by one."""

import os
from collections.abc import Iterable

import numpy as np
from s2clientprotocol import debug_pb2, raw_pb2

from copa.tasks.starcraft.micro.chance import weapon_jitter
from copa.tasks.starcraft.micro.commands import obey
from copa.tasks.starcraft.micro.engine import fight_on
from copa.tasks.starcraft.micro.fighting import bury
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.rules import ENERGY, FLYING, HEALTH, LOOPS_PER_STEP, SHIELD
from copa.tasks.starcraft.micro.spawning import spread
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT
from copa.tasks.starcraft.units import ALLIES, ATTACK, HEAL, MOVE, NONE, STOP, UNITS, Orders

ALLY, ENEMY = 1, 2
KNOWN_TYPES = int(os.environ.get("STANDIN_KNOWN_TYPES", "1979"))
"""With the nine clones of SMAC's maps, which are the last: 1979 in version 4.10, 1944 in 4.6.2."""
CLONES = {kind: KNOWN_TYPES - 6 + place for place, kind in enumerate((MARAUDER, MARINE, MEDIVAC, STALKER, ZEALOT))}
NUMBERS = {ALLY: [CLONES[kind] for kind in UNIT_TYPES], ENEMY: [kind.stock_id for kind in UNIT_TYPES]}
ORDERS = {4: STOP, 16: MOVE, 23: ATTACK, 386: HEAL}
FIRST_TAG = 2**32 + 1
AT_ONCE = 2**18
"""Distance of the tags of two units."""


class Field:
    """The units of both players."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._state = State.empty(1)
        self._figures = Figures.of(self._state)
        self._tags = np.zeros(UNITS, np.uint64)
        self._made = 0
        self.loops = 0
        self._commands_enemy = False

    def empty(self) -> bool:
        """Nobody is alive."""
        return not self._state.alive.any()

    def change(self, command: debug_pb2.DebugCommand) -> None:
        """Kill units, or change what players may do."""
        if command.HasField("kill_unit"):
            slots = [slot for slot in map(self._slot, command.kill_unit.tag) if slot is not None]
            self._state.health[slots] = 0
            bury(self._state, self._figures)
        elif command.HasField("game_state") and command.game_state == debug_pb2.control_enemy:
            self._commands_enemy = not self._commands_enemy

    def make(self, commands: Iterable[debug_pb2.DebugCreateUnit]) -> None:
        """Make units for players who have none."""
        wanted = list(commands)
        state = self._state
        for owner, first in ((ALLY, 0), (ENEMY, ALLIES)):
            groups = [command for command in wanted if command.owner == owner]
            if not groups:
                continue
            assert not state.alive[first : first + ALLIES].any(), "units are made where none are left"
            kinds, points = np.full((1, ALLIES), -1, np.int8), np.zeros((1, len(UNIT_TYPES), 2))
            placed = 0
            for group in groups:
                kind = NUMBERS[owner].index(group.unit_type)
                kinds[0, placed : placed + group.quantity] = kind
                points[0, kind] = group.pos.x, group.pos.y
                placed += group.quantity
            places = spread(kinds, points, np.zeros(1))
            slots = slice(first, first + ALLIES)
            fresh = State.empty(1)
            fresh.kind[slots], fresh.x[slots], fresh.y[slots] = kinds.T, places[0].T, places[1].T
            fresh.alive[:] = fresh.active[:] = fresh.kind >= 0
            fresh.automatic[:] = fresh.alive if owner == ENEMY else False
            fresh.health[:], fresh.shield[:], fresh.energy[:] = (
                HEALTH[fresh.kind],
                SHIELD[fresh.kind],
                ENERGY[fresh.kind],
            )
            for name in state.__slots__:
                if getattr(state, name).shape == (UNITS, 1):
                    getattr(state, name)[slots] = getattr(fresh, name)[slots]
            self._tags[slots] = FIRST_TAG + AT_ONCE * (self._made + np.arange(ALLIES, dtype=np.uint64))
            self._made += ALLIES
        state.episode += 1
        self._figures = Figures.of(state)

    def order(self, command: raw_pb2.ActionRawUnitCommand) -> None:
        """Take up an order, of units that are the client's to command."""
        told = Orders(
            np.full((1, ALLIES), NONE, np.int8), np.zeros((1, ALLIES, 2), np.float32), np.zeros((1, ALLIES), np.int8)
        )
        point = (command.target_world_space_pos.x, command.target_world_space_pos.y)
        for slot in filter(lambda slot: slot is not None, map(self._slot, command.unit_tags)):
            if slot < ALLIES:
                told.kind[0, slot] = ORDERS[command.ability_id]
                told.point[0, slot] = point
                told.target[0, slot] = self._slot(command.target_unit_tag) or 0
            elif self._commands_enemy and ORDERS[command.ability_id] == ATTACK:
                self._state.going[slot] = True
                self._state.point_x[slot], self._state.point_y[slot] = point
        obey(self._state, self._figures, told)

    def pass_loops(self, count: int) -> None:
        """Fight on."""
        for done in range(count):
            if done % LOOPS_PER_STEP == 0:
                jitter = weapon_jitter(self._seed, self._state)
            fight_on(self._state, self._figures, jitter)
            self._state.clock += 1
        self.loops += count

    def units(self) -> list[raw_pb2.Unit]:
        """Those alive."""
        state, figures = self._state, self._figures
        found = []
        for slot in np.flatnonzero(state.alive[:, 0]).tolist():
            owner = ALLY if slot < ALLIES else ENEMY
            kind = int(state.kind[slot, 0])
            unit = raw_pb2.Unit(
                display_type=raw_pb2.Visible,
                alliance=raw_pb2.Self if owner == ALLY else raw_pb2.Enemy,
                tag=int(self._tags[slot]),
                unit_type=NUMBERS[owner][kind],
                owner=owner,
                is_flying=bool(FLYING[kind]),
                radius=UNIT_TYPES[kind].radius,
                weapon_cooldown=float(state.cooldown[slot, 0]),
                **{name: float(getattr(state, name)[slot, 0]) for name in ("health", "shield", "energy")},
                **{name: float(getattr(figures, name)[slot, 0]) for name in ("health_max", "shield_max", "energy_max")},
            )
            unit.pos.x, unit.pos.y = float(state.x[slot, 0]), float(state.y[slot, 0])
            found.append(unit)
        return found

    def _slot(self, tag: int) -> int | None:
        """Where the unit with this tag is, if it is alive."""
        found = np.flatnonzero((self._tags == tag) & self._state.alive[:, 0])
        return int(found[0]) if len(found) else None
