"""B battles, each in a game of its own."""

import logging
import time
from dataclasses import fields

import numpy as np

from copa.errors import UnavailableError
from copa.tasks.base import Bools, Floats, Ints, Snapshot
from copa.tasks.starcraft.sc2.game_host.wire import BEGIN_TYPE, FIELDS, ORDERS_TYPE, UNITS, Kind
from copa.tasks.starcraft.sc2.host import START_SECONDS, STEP_SECONDS, Host, HostLostError
from copa.tasks.starcraft.spawn import spawn_points
from copa.tasks.starcraft.units import Orders, Units
from copa.waiting import pulse

log = logging.getLogger(__name__)

DEATHS_IN_A_ROW = 5
"""A game that died so often without one battle fought to its end between is given up."""
BACK_OFF_SECONDS = 0.25
"""Pause before a game is started anew; it doubles with each further death in a row."""

DTYPES = {f.name: getattr(Units.none(0), f.name).dtype for f in fields(Units)}


class GameEngine:
    """The engine `sc2`: a host process and a game for each battle, started with its first one.

    A game goes on from battle to battle, and its chance with it: two runs with one seed have the same armies in the
    same places, and then fight differently.
    """

    def __init__(self, battles: int, seed: int, *, python: str, client: str) -> None:
        """Starts nothing yet.

        Args:
            python: Interpreter of the environment that has the client library.
            client: One of those of `copa.tasks.starcraft.sc2.game_host`.
        """
        self.battles = battles
        self.seed = seed
        self._python = python
        self._client = client
        self._hosts: dict[int, Host] = {}
        """By battle."""
        self._deaths: Ints = np.zeros(battles, np.int64)
        """[B], of the battle's games since one of its battles was fought to its end."""
        self._fighting: Bools = np.zeros(battles, np.bool_)
        self._figures: Floats = np.zeros((battles, len(FIELDS), UNITS), np.float32)
        self._figures[:, FIELDS.index("kind")] = -1

    def start(self, rows: Ints, episodes: Ints, armies: Ints) -> None:
        """Begin battles, as `Engine` says; a game that dies meanwhile is started anew.

        Raises UnavailableError where there is no game to start, it keeps dying, or this process was told to stop.
        """
        told = np.zeros(len(rows), BEGIN_TYPE)
        told["army"], told["points"] = armies, spawn_points(self.seed, episodes)
        waiting = {int(row): place for place, row in enumerate(rows)}
        try:
            while waiting:
                self._open({row: int(episodes[place]) for row, place in waiting.items()})
                lost = self._ask(Kind.BEGIN, {row: told[place].tobytes() for row, place in waiting.items()})
                self._give_up(lost)
                waiting = {row: waiting[row] for row in lost}
        except UnavailableError:
            self.close()
            raise
        self._fighting[rows] = True

    def step(self, orders: Orders) -> Bools:
        """Fight on by one step; returns [B], the battles whose game died in it."""
        told = np.zeros(self.battles, ORDERS_TYPE)
        told["kind"], told["target"], told["point"] = orders.kind, orders.target, orders.point
        fighting = np.flatnonzero(self._fighting).tolist()
        lost = np.zeros(self.battles, np.bool_)
        lost[list(self._ask(Kind.STEP, {row: told[row].tobytes() for row in fighting}))] = True
        self._fighting &= ~lost
        return lost

    def end(self, rows: Ints) -> None:
        """The battles in `rows` [N] are decided: their games wait for the next."""
        self._deaths[rows] = 0
        self._fighting[rows] = False

    @property
    def units(self) -> Units:
        """The units as they are now, in arrays of the receiver's own."""
        return Units(**{name: self._figures[:, place].astype(DTYPES[name]) for place, name in enumerate(FIELDS)})

    def snapshot(self) -> Snapshot:
        """Raises UnavailableError: a running game cannot be copied."""
        raise UnavailableError(
            "task option engine is 'sc2', whose games cannot be copied or set back; snapshots need engine 'micro'."
        )

    def restore(self, state: Snapshot) -> None:
        """Raises UnavailableError, as `snapshot` does."""
        self.snapshot()

    def close(self) -> None:
        """End all games."""
        for host in self._hosts.values():
            host.dismiss()
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        self._fighting[:] = False

    def _open(self, episodes: dict[int, int]) -> None:
        """Start the hosts of the battles `episodes` that have none; those whose game died wait before."""
        new = [row for row in episodes if row not in self._hosts]
        deaths = max((int(self._deaths[row]) for row in new), default=0)
        if deaths:
            time.sleep(BACK_OFF_SECONDS * 2 ** (deaths - 1))
            pulse()
        for row in new:
            (seed,) = np.random.SeedSequence([self.seed, episodes[row]]).generate_state(1).tolist()
            self._hosts[row] = Host(self._python, self._client, seed)

    def _ask(self, kind: Kind, payloads: dict[int, bytes]) -> dict[int, HostLostError]:
        """Tell each battle's host its part, take their answers; returns those that died, by battle."""
        lost: dict[int, HostLostError] = {}
        seconds = START_SECONDS if kind == Kind.BEGIN else STEP_SECONDS
        for row, payload in payloads.items():
            try:
                self._hosts[row].tell(kind, payload)
            except HostLostError as error:
                lost[row] = error
        for row in payloads.keys() - lost.keys():
            try:
                self._figures[row] = self._hosts[row].answer(seconds)
            except HostLostError as error:
                lost[row] = error
        for row, reason in lost.items():
            log.warning("the game of battle %d died: %s", row, reason)
            self._hosts.pop(row).close()
            self._deaths[row] += 1
        return lost

    def _give_up(self, lost: dict[int, HostLostError]) -> None:
        for row, error in lost.items():
            if self._deaths[row] >= DEATHS_IN_A_ROW:
                raise UnavailableError(
                    f"The game of battle {row} died {self._deaths[row]} times in a row, the last time because {error}."
                    " Try it by itself (docs/tasks/starcraft-sc2.md), or use task option engine 'micro'."
                ) from error
