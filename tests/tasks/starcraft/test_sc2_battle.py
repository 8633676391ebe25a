"""What a host asks of the game for a battle, request by request, and how it reads answers; the game is a script."""

from typing import Any

import numpy as np
import pytest
from s2clientprotocol import debug_pb2, raw_pb2, sc2api_pb2

from copa.tasks.starcraft.sc2.game_host import battle as battle_module
from copa.tasks.starcraft.sc2.game_host.battle import Battles
from copa.tasks.starcraft.sc2.game_host.failures import LostError
from copa.tasks.starcraft.sc2.game_host.wire import FIELDS
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, NONE, STOP

KNOWN_TYPES = 1979
MARAUDER, MARINE, MEDIVAC, STALKER, ZEALOT = range(1973, 1978)
"""Numbers of the allies in version 4.10."""
ARMY = np.array([1, 1, 0, 0, 0])
POINTS = np.arange(20.0).reshape(2, 5, 2)


def unit(tag: int, owner: int, number: int, x: float, y: float, **figures: float) -> raw_pb2.Unit:
    made = raw_pb2.Unit(tag=tag, owner=owner, unit_type=number, health=10, health_max=45, **figures)
    made.pos.x, made.pos.y = x, y
    return made


class Script:
    """A game that shows given units, one list after another and the last for ever, and writes down what it is told."""

    def __init__(self, *shown: list[raw_pb2.Unit], size: int = 32) -> None:
        self.shown, self.size = list(shown), size
        self.told: list[Any] = []

    def observe(self) -> sc2api_pb2.ResponseObservation:
        self.told.append("observe")
        found = sc2api_pb2.ResponseObservation()
        found.observation.raw_data.units.extend(self.shown.pop(0) if len(self.shown) > 1 else self.shown[0])
        return found

    def step(self, count: int) -> None:
        self.told.append(count)

    def actions(self, request: sc2api_pb2.RequestAction) -> None:
        self.told.append([action.action_raw.unit_command for action in request.actions])

    def debug(self, commands: list[debug_pb2.DebugCommand]) -> None:
        self.told.append(commands)

    def game_info(self) -> sc2api_pb2.ResponseGameInfo:
        found = sc2api_pb2.ResponseGameInfo()
        area = found.start_raw.playable_area
        area.p0.x, area.p0.y, area.p1.x, area.p1.y = 1, 1, 1 + self.size, 33
        return found

    def data_raw(self) -> sc2api_pb2.ResponseData:
        return sc2api_pb2.ResponseData(units=[{"unit_id": number} for number in range(KNOWN_TYPES)])


FIRST = [
    unit(11, 1, MARINE, 4, 8, weapon_cooldown=3),
    unit(12, 1, MARAUDER, 6, 2, shield=1, shield_max=2, energy=3, energy_max=4),
    unit(21, 2, 51, 20, 21),
    unit(22, 2, 48, 22, 23),
]
NEUTRAL = unit(99, 16, 341, 0, 0)


def begun(*later: list[raw_pb2.Unit]) -> tuple[Battles, Script, np.ndarray]:
    script = Script([], [], FIRST, *later)
    battles = Battles(script)
    return battles, script, battles.begin(ARMY, POINTS)


def test_a_battle_is_begun_by_one_request_after_another() -> None:
    left = [unit(1, 1, MARINE, 0, 0), unit(2, 2, 48, 0, 0), NEUTRAL]
    script = Script(left, left, [NEUTRAL], FIRST[:3], [*FIRST, NEUTRAL])
    Battles(script).begin(ARMY, POINTS)
    kill, made, control, sent = (told for told in script.told if isinstance(told, list))
    assert script.told == [
        *("observe", kill, 2, "observe", 1, "observe"),
        *(made, "observe", 2, "observe"),
        *(control, 4, sent),
    ]
    assert [list(command.kill_unit.tag) for command in kill] == [[1, 2]]
    created = [command.create_unit for command in made]
    assert [(one.owner, one.unit_type, one.quantity, one.pos.x, one.pos.y) for one in created] == [
        (1, MARINE, 1, 0, 1),
        (1, MARAUDER, 1, 2, 3),
        (2, 48, 1, 10, 11),
        (2, 51, 1, 12, 13),
    ]
    assert [command.game_state for command in control] == [debug_pb2.control_enemy]
    (attack,) = sent
    assert (attack.ability_id, list(attack.unit_tags), attack.queue_command) == (23, [21, 22], False)
    assert (attack.target_world_space_pos.x, attack.target_world_space_pos.y) == (5, 5)


def test_control_of_the_enemy_is_asked_for_once_in_a_games_life() -> None:
    battles, script, _ = begun([], [], FIRST)
    battles.begin(ARMY, POINTS)
    commands = [command for told in script.told if isinstance(told, list) for command in told]
    switches = [one for one in commands if isinstance(one, debug_pb2.DebugCommand) and one.HasField("game_state")]
    assert len(switches) == 1


def test_slots_are_by_type_then_x_then_y_and_hold_what_the_game_shows() -> None:
    _, _, units = begun()
    assert units.shape == (12, 16)
    shown = dict(zip(FIELDS, units, strict=True))
    assert shown["kind"][[0, 1, 8, 9]].tolist() == [1, 0, 0, 1], "Marauder, Marine; Marine, Marauder"
    assert units[:, 0].tolist() == [1, 1, 1, 6, 2, 10, 45, 1, 2, 3, 4, 0]
    assert units[:, 1].tolist() == [1, 0, 1, 4, 8, 10, 45, 0, 0, 0, 0, 3]
    assert units[:, 5].tolist() == [0, -1, *[0] * 10]
    places = [(3, 1), (2, 9), (2, 4), (1, 7)]
    alike = [unit(30 + place, 1, ZEALOT, x, y) for place, (x, y) in enumerate(places)]
    enemies = [unit(40 + place, 2, 73, x, y) for place, (x, y) in enumerate(places)]
    script = Script([], [], alike + enemies)
    found = Battles(script).begin(np.array([0, 0, 0, 4, 0]), POINTS)
    for first in (0, 8):
        assert found[3:5, first : first + 4].T.tolist() == [[1, 7], [2, 4], [2, 9], [3, 1]]


def test_orders_are_commands_to_single_units() -> None:
    battles, script, _ = begun(FIRST)
    script.told.clear()
    kind = np.array([ATTACK, MOVE, *[NONE] * 6])
    target, point = np.array([9, *[0] * 7]), np.arange(16.0).reshape(8, 2)
    battles.step(kind, target, point)
    given, loops, _ = script.told
    attack, move = given
    assert loops == 8
    assert (attack.ability_id, list(attack.unit_tags), attack.target_unit_tag, attack.queue_command) == (
        *(23, [12], 21),
        False,
    )
    assert (move.ability_id, list(move.unit_tags), move.queue_command) == (16, [11], False)
    assert (move.target_world_space_pos.x, move.target_world_space_pos.y) == (2, 3)
    script.told.clear()
    battles.step(np.array([STOP, HEAL, *[NONE] * 6]), np.zeros(8, np.int64), point)
    stop, heal = script.told[0]
    assert (stop.ability_id, stop.HasField("target_unit_tag"), stop.HasField("target_world_space_pos")) == (
        *(4, False),
        False,
    )
    assert (heal.ability_id, heal.target_unit_tag) == (386, 12)


def test_who_is_not_shown_is_dead_and_stays_as_seen_last_but_for_its_health() -> None:
    moved = unit(12, 1, MARAUDER, 7, 3)
    battles, _, first = begun([moved, FIRST[2], FIRST[3]])
    units = battles.step(np.zeros(8, np.int64), np.zeros(8, np.int64), np.zeros((8, 2)))
    assert units[3:5, 0].tolist() == [7, 3]
    expected = first[:, 1].copy()
    expected[[FIELDS.index("alive"), FIELDS.index("health")]] = 0
    assert units[:, 1].tolist() == expected.tolist()
    assert first[FIELDS.index("health"), 1] == 10, "what was shown before stays as it was"


def test_a_new_battle_knows_nothing_of_the_one_before() -> None:
    lone = [unit(31, 1, MARINE, 5, 5), unit(32, 2, 48, 9, 9)]
    battles, _, _ = begun([], [], lone)
    units = battles.begin(np.array([1, 0, 0, 0, 0]), POINTS)
    assert np.flatnonzero(units[FIELDS.index("present")]).tolist() == [0, 8]
    assert not units[2:, [1, 9]].any()


def test_a_game_that_is_another_or_does_not_obey_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LostError, match="playable area is 64 x 32, not 32 x 32"):
        Battles(Script([], size=64))
    monkeypatch.setattr(battle_module, "PATIENCE", 3)
    with pytest.raises(LostError, match="did not do what debug commands told it; it shows 3 units"):
        Battles(Script([], [], FIRST[:3])).begin(ARMY, POINTS)
    stock = [unit(11, 1, 48, 4, 8), *FIRST[1:]]
    with pytest.raises(LostError, match="player 1 has a unit of type 48; expected are"):
        Battles(Script([], [], stock)).begin(ARMY, POINTS)
