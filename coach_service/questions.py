"""What a request asks, after every field of it was checked."""

import math
from dataclasses import dataclass, replace

import numpy as np

from copa.coaching.tensors import read_bools, read_floats
from copa.communication import Communication
from copa.errors import DataError
from copa.tasks.base import Bools, Floats, TaskSpec
from protos import coach_pb2

ROWS = 4096
"""Most games in one request."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """B games that need strategies. Shapes as in `copa.tasks.base.View`."""

    agents: Floats
    traits: Floats
    entities: Floats
    present: Bools
    members: Bools
    """[B, A], players to answer for."""
    fresh: Bools
    """[B, A], players who hold nothing."""
    beta: float
    sample: bool

    @property
    def rows(self) -> int:
        """B."""
        return len(self.agents)


class Checker:
    """Turns requests into questions; every fault is a DataError that names the field."""

    def __init__(self, spec: TaskSpec, width: int) -> None:
        self._spec = spec
        self._width = width

    def coordinate(self, request: coach_pb2.CoordinateRequest) -> Question:
        """The question of one coach step of one group."""
        games = self._games(request.task, request.view)
        fresh = read_bools(request.fresh, (games, self._spec.slots), "fresh")
        return self._question(request.view, games, fresh, request.beta, request.mode)

    def advise(self, request: coach_pb2.AdviseRequest) -> tuple[Question, Communication]:
        """The question of a caller who is not remembered, and what that caller's players hold."""
        games = self._games(request.task, request.view)
        slots = (games, self._spec.slots)
        communication = Communication(*slots, self._width)
        if request.HasField("known") and not request.HasField("held"):
            raise DataError("known: is set, but `held` is not; send both")
        if request.HasField("held"):
            communication.held[:] = read_floats(request.held, (*slots, self._width), "held")
            communication.known[:] = True
            communication.version = request.version
        if request.HasField("known"):
            communication.known[:] = read_bools(request.known, slots, "known")
        question = self._question(request.view, games, ~communication.known, request.beta, request.mode)
        if request.HasField("wanted"):
            wanted: Bools = question.members & read_bools(request.wanted, slots, "wanted")
            question = replace(question, members=wanted)
        return question, communication

    def _games(self, task: str, view: coach_pb2.View) -> int:
        if task != self._spec.name:
            raise DataError(f"task: is {task[:64]!r}, this service coaches {self._spec.name!r}")
        if not view.agents.shape:
            raise DataError("view.agents: is not set; every request carries a view")
        games = view.agents.shape[0]
        if not 1 <= games <= ROWS:
            raise DataError(f"view.agents: has {games} games, a request may have 1..{ROWS}")
        return games

    def _question(self, view: coach_pb2.View, games: int, fresh: Bools, beta: float, mode: int) -> Question:
        spec = self._spec
        if not math.isfinite(beta) or beta < 0.0:
            raise DataError(f"beta: is {beta}, must be a finite number of at least 0")
        if mode not in (coach_pb2.MODE_SAMPLE, coach_pb2.MODE_MEAN):
            raise DataError(f"mode: is {mode}, must be MODE_SAMPLE or MODE_MEAN")
        sample = mode == coach_pb2.MODE_SAMPLE
        if sample and beta > 0.0:
            raise DataError(f"beta: is {beta} with MODE_SAMPLE; above 0 it needs MODE_MEAN")
        present = read_bools(view.present, (games, spec.slots, spec.rows), "view.present")
        members: Bools = np.logical_or.reduce(present, axis=2)
        return Question(
            agents=read_floats(view.agents, (games, spec.slots, spec.agent_features), "view.agents"),
            traits=read_floats(view.traits, (games, spec.slots, spec.trait_features), "view.traits"),
            entities=read_floats(view.entities, (games, spec.entity_rows, spec.entity_features), "view.entities"),
            present=present,
            members=members,
            fresh=fresh,
            beta=beta,
            sample=sample,
        )
