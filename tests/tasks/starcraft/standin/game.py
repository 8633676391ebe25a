"""What the stand-in answers to each request."""

import os
from collections.abc import Callable
from typing import Any

from s2clientprotocol import debug_pb2, raw_pb2, sc2api_pb2

from tests.tasks.starcraft.standin.field import ALLY, ENEMY, KNOWN_TYPES, NUMBERS, Field

MAP_SIZE = int(os.environ.get("STANDIN_MAP_SIZE", "32"))
WIDE = {"3s5z": (3, 5)}
"""Stalkers and Zealots per side on one of SMAC's own maps, which makes its armies itself when nobody is left."""
CENTRES = {ALLY: (9.0, 16.0), ENEMY: (23.0, 16.0)}

Request, Response, Status = sc2api_pb2.Request, sc2api_pb2.Response, sc2api_pb2.Status


class Game:
    """One program's: launched, then in one match."""

    def __init__(self) -> None:
        self._status = sc2api_pb2.launched
        self._field = Field(0)
        self._debug: list[debug_pb2.DebugCommand] = []
        self._orders: list[raw_pb2.ActionRawUnitCommand] = []
        self._armies: tuple[int, int] | None = None
        self._answers: dict[str, Callable[[Any, Any], None]] = {
            "ping": self._ping,
            "create_game": self._create_game,
            "join_game": self._join_game,
            "game_info": self._game_info,
            "data": self._data,
            "observation": self._observation,
            "action": self._action,
            "debug": self._take_debug,
            "step": self._step,
        }

    def answer(self, request: Any) -> Any:
        """The response to any request but `quit`."""
        name = request.WhichOneof("request")
        response = Response(id=request.id)
        if name not in self._answers:
            response.error.append(f"the stand-in does not know the request {name}")
        elif self._status < sc2api_pb2.in_game and name not in ("ping", "create_game", "join_game"):
            response.error.append(f"{name} needs a match")
        else:
            result = getattr(response, name)
            result.SetInParent()
            self._answers[name](getattr(request, name), result)
        response.status = self._status
        return response

    def _ping(self, _: Any, result: Any) -> None:
        result.game_version, result.base_build = "4.10.0.75689", 75689

    def _create_game(self, request: Any, result: Any) -> None:
        players = [setup.type for setup in request.player_setup]
        if (
            not request.local_map.map_data
            or request.realtime
            or players != [sc2api_pb2.Participant, sc2api_pb2.Computer]
        ):
            result.error = sc2api_pb2.ResponseCreateGame.InvalidPlayerSetup
            return
        self._field = Field(request.random_seed)
        for name, armies in WIDE.items():
            if name in request.local_map.map_path:
                self._armies = armies
        self._status = sc2api_pb2.init_game

    def _join_game(self, request: Any, result: Any) -> None:
        if self._status != sc2api_pb2.init_game or not request.options.raw:
            result.error = sc2api_pb2.ResponseJoinGame.GameFull
            return
        result.player_id = ALLY
        self._status = sc2api_pb2.in_game
        self._pull_trigger()

    def _game_info(self, _: Any, result: Any) -> None:
        raw = result.start_raw
        for size in (raw.map_size, raw.playable_area.p1):
            size.x, size.y = MAP_SIZE, MAP_SIZE
        raw.playable_area.p0.x = raw.playable_area.p0.y = 0
        for grid, bits, data in (
            (raw.pathing_grid, 1, b"\xff" * (MAP_SIZE * MAP_SIZE // 8)),
            (raw.terrain_height, 8, bytes(MAP_SIZE * MAP_SIZE)),
        ):
            grid.bits_per_pixel, grid.data = bits, data
            grid.size.x = grid.size.y = MAP_SIZE

    def _data(self, request: Any, result: Any) -> None:
        for number in range(KNOWN_TYPES if request.unit_type_id else 0):
            result.units.add(unit_id=number)

    def _observation(self, _: Any, result: Any) -> None:
        result.observation.game_loop = self._field.loops
        result.observation.raw_data.units.extend(self._field.units())

    def _action(self, request: Any, result: Any) -> None:
        self._orders += [action.action_raw.unit_command for action in request.actions]
        result.result.extend([1] * len(request.actions))

    def _take_debug(self, request: Any, _: Any) -> None:
        self._debug += request.debug

    def _step(self, request: Any, result: Any) -> None:
        for command in self._debug:
            self._field.change(command)
        made = [command.create_unit for command in self._debug if command.HasField("create_unit")]
        if made:
            self._field.make(made)
        for order in self._orders:
            self._field.order(order)
        self._debug, self._orders = [], []
        self._field.pass_loops(request.count)
        self._pull_trigger()
        result.simulation_loop = self._field.loops

    def _pull_trigger(self) -> None:
        """What the trigger of SMAC's own maps does: new armies when nobody is left, and the enemy's order to attack."""
        if self._armies is None or not self._field.empty():
            return
        self._field.make(
            debug_pb2.DebugCreateUnit(
                unit_type=NUMBERS[owner][kind], owner=owner, pos={"x": x, "y": y + 3 * place}, quantity=count
            )
            for owner, (x, y) in CENTRES.items()
            for place, (kind, count) in enumerate(zip((4, 3), self._armies, strict=True))
        )
        enemies = [unit.tag for unit in self._field.units() if unit.owner == ENEMY]
        switch = debug_pb2.DebugCommand(game_state=debug_pb2.control_enemy)
        self._field.change(switch)
        x, y = CENTRES[ALLY]
        self._field.order(
            raw_pb2.ActionRawUnitCommand(ability_id=23, target_world_space_pos={"x": x, "y": y}, unit_tags=enemies)
        )
        self._field.change(switch)
