"""One battle after another in one running game: armies made by debug commands, orders given, units read."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import common_pb2, debug_pb2, raw_pb2, sc2api_pb2

from .failures import LostError
from .unit_numbers import STOCK, clones
from .wire import ALLIES, FIELDS, TYPES, UNITS

MAP_SIZE = 32
LOOPS_PER_STEP = 8
LOOPS_BEFORE_ORDERS = 4
SETTLING_LOOPS = 2
PATIENCE = 200
"""Loops in which the game must have killed or made what it was told to."""

STOP, MOVE, ATTACK, HEAL = 1, 2, 3, 4
"""Kinds of orders, as `copa.tasks.starcraft.units` has them; 0 is none."""
ABILITIES = {STOP: 4, MOVE: 16, ATTACK: 23, HEAL: 386}
ALLY, ENEMY = 1, 2
"""Owners of units."""

Numbers = NDArray[Any]
Unit = raw_pb2.Unit
Command = raw_pb2.ActionRawUnitCommand


class Controller(Protocol):
    """The connection to a running game, as pysc2's `RemoteController` has it; messages are those of the protocol."""

    def observe(self) -> Any:
        """A `ResponseObservation`."""

    def step(self, count: int) -> Any:
        """Let `count` loops pass."""

    def actions(self, request: Any) -> Any:
        """Give orders, a `RequestAction`."""

    def debug(self, commands: Any) -> Any:
        """Give a list of `DebugCommand`."""

    def game_info(self) -> Any:
        """A `ResponseGameInfo`."""

    def data_raw(self) -> Any:
        """A `ResponseData`, with all unit types."""


class Battles:
    """The battles of one game; raises LostError where the game is another than it should be, or does not obey."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        area = controller.game_info().start_raw.playable_area
        size = (area.p1.x - area.p0.x, area.p1.y - area.p0.y)
        if size != (MAP_SIZE, MAP_SIZE):
            raise LostError(f"the map's playable area is {size[0]} x {size[1]}, not {MAP_SIZE} x {MAP_SIZE}")
        self._types = {ALLY: clones(len(controller.data_raw().units)), ENEMY: STOCK}
        self._commands_enemy = False
        self._tags: dict[int, int] = {}
        self._units: Numbers = np.zeros((len(FIELDS), UNITS), np.float32)

    def begin(self, army: Numbers, points: Numbers) -> Numbers:
        """Begin a battle; returns its first units, float32 [len(FIELDS), 16].

        They are from 4 loops before the enemy is ordered to attack, an order that takes effect with the first step.

        Args:
            army: [5], units of each type, the same for both sides.
            points: [2, 5, 2], where those of the allies and of the enemies are put down.
        """
        self._clear()
        self._controller.debug(self._armies(army, points))
        units = self._wait(lambda units: len(units) == 2 * army.sum(), SETTLING_LOOPS)
        self._tags = _slots(units)
        self._units = np.zeros_like(self._units)
        self._units[FIELDS.index("kind")] = -1
        self._see(units)
        self._send_out(units)
        return self._units

    def step(self, kind: Numbers, target: Numbers, point: Numbers) -> Numbers:
        """Give orders and fight on by one step; returns the units, float32 [len(FIELDS), 16].

        Args:
            kind: [8], kinds of orders of the allies.
            target: [8], slots to attack or heal.
            point: [8, 2], where to move.
        """
        commands = []
        for slot in np.flatnonzero(kind).tolist():
            order = int(kind[slot])
            command = Command(ability_id=ABILITIES[order], unit_tags=[self._tags[slot]])
            if order == MOVE:
                command.target_world_space_pos.CopyFrom(_point(point[slot]))
            elif order != STOP:
                command.target_unit_tag = self._tags[int(target[slot])]
            commands.append(command)
        self._give(commands)
        self._controller.step(LOOPS_PER_STEP)
        self._see(self._observed())
        return self._units

    def _clear(self) -> None:
        """Kill whoever is left of the battle before."""
        tags = [unit.tag for unit in self._observed()]
        self._controller.debug([debug_pb2.DebugCommand(kill_unit=debug_pb2.DebugKillUnit(tag=tags))])
        self._controller.step(SETTLING_LOOPS)
        self._wait(lambda units: not units, 1)

    def _armies(self, army: Numbers, points: Numbers) -> list[debug_pb2.DebugCommand]:
        return [
            debug_pb2.DebugCommand(
                create_unit=debug_pb2.DebugCreateUnit(
                    unit_type=self._types[owner][kind],
                    owner=owner,
                    pos=_point(points[side, kind]),
                    quantity=int(army[kind]),
                )
            )
            for side, owner in enumerate((ALLY, ENEMY))
            for kind in range(TYPES)
            if army[kind]
        ]

    def _send_out(self, units: Sequence[Unit]) -> None:
        """The enemy's one order: an attack-move to the mean of the allies' places, after it got ready."""
        if not self._commands_enemy:  # a switch on some versions of the game: to say it twice could take it back
            self._controller.debug([debug_pb2.DebugCommand(game_state=debug_pb2.control_enemy)])
            self._commands_enemy = True
        self._controller.step(LOOPS_BEFORE_ORDERS)
        places = np.array([(unit.pos.x, unit.pos.y) for unit in units if unit.owner == ALLY])
        self._give(
            [
                Command(
                    ability_id=ABILITIES[ATTACK],
                    target_world_space_pos=_point(places.mean(axis=0)),
                    unit_tags=[unit.tag for unit in units if unit.owner == ENEMY],
                )
            ]
        )

    def _give(self, commands: Sequence[Command]) -> None:
        raw = [sc2api_pb2.Action(action_raw=raw_pb2.ActionRaw(unit_command=command)) for command in commands]
        self._controller.actions(sc2api_pb2.RequestAction(actions=raw))

    def _observed(self) -> list[Unit]:
        """The units of both sides that are alive."""
        units = self._controller.observe().observation.raw_data.units
        return [unit for unit in units if unit.owner in (ALLY, ENEMY)]

    def _wait(self, done: Callable[[list[Unit]], bool], loops: int) -> list[Unit]:
        """Look, and again after so many loops, until `done`."""
        for _ in range(PATIENCE):
            units = self._observed()
            if done(units):
                return units
            self._controller.step(loops)
        raise LostError(f"the game did not do what debug commands told it; it shows {len(units)} units")

    def _see(self, units: Sequence[Unit]) -> None:
        """Note how the units are; who is not among them is dead, and stays as it was seen last but for its health."""
        by_tag = {unit.tag: unit for unit in units}
        seen = self._units.copy()
        seen[FIELDS.index("alive")] = seen[FIELDS.index("health")] = 0
        for slot, tag in self._tags.items():
            if tag in by_tag:
                seen[:, slot] = self._figures(by_tag[tag])
        self._units = seen

    def _figures(self, unit: Unit) -> tuple[float, ...]:
        """In the order of `FIELDS`."""
        types = self._types[unit.owner]
        if unit.unit_type not in types:
            raise LostError(f"player {unit.owner} has a unit of type {unit.unit_type}; expected are {types}")
        return (
            True,
            types.index(unit.unit_type),
            True,
            unit.pos.x,
            unit.pos.y,
            unit.health,
            unit.health_max,
            unit.shield,
            unit.shield_max,
            unit.energy,
            unit.energy_max,
            unit.weapon_cooldown,
        )


def _slots(units: Sequence[Unit]) -> dict[int, int]:
    """Tags by slot: each side by type, x and y."""
    tags: dict[int, int] = {}
    for first, owner in ((0, ALLY), (ALLIES, ENEMY)):
        side = sorted(
            (unit for unit in units if unit.owner == owner), key=lambda unit: (unit.unit_type, unit.pos.x, unit.pos.y)
        )
        tags |= {first + place: unit.tag for place, unit in enumerate(side)}
    return tags


def _point(place: Numbers) -> common_pb2.Point2D:
    return common_pb2.Point2D(x=float(place[0]), y=float(place[1]))
