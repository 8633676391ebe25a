"""The game through `smac`, the StarCraft Multi-Agent Challenge: its environment starts the game and holds the line."""

import subprocess
from collections.abc import Sequence
from typing import Any

from absl import flags
from pysc2.lib import sc_process
from smac.env import StarCraft2Env
from smac.env.starcraft2.maps import smac_maps

from .installation import MAP, Installation
from .lifetime import start_game

smac_maps.map_param_registry[MAP] = {
    "n_agents": 8,
    "n_enemies": 8,
    "limit": 150,
    "a_race": "P",
    "b_race": "P",
    "unit_type_bits": 0,
    "map_type": "stalkers_and_zealots",
}
MAP_TYPE = type(MAP, (smac_maps.SMACMap,), {"filename": MAP})
"""pysc2 finds a map among the subclasses of its own, by their names."""


class Game(StarCraft2Env):  # type: ignore[misc]
    """A running game on the empty map. The environment's own armies, rewards and views are not asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__(map_name=MAP, seed=seed)
        self._launch()

    @property
    def controller(self) -> Any:
        """The connection to it, `copa.tasks.starcraft.sc2.game_host.battle.Controller`."""
        return self._controller


def open_game(installation: Installation, seed: int) -> Game:
    """Start the game; smac finds it for itself, where it was found before."""
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["game_host"])
    sc_process.StarcraftProcess._launch = _launch
    return Game(seed)


def _launch(process: Any, run_config: Any, command: Sequence[str], **_: Any) -> subprocess.Popen[bytes]:
    """In place of pysc2's own, whose game would outlive this process."""
    return start_game(command, run_config.cwd, run_config.env)
