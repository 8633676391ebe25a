"""Checks of what a game looks like."""

import math
import re
from typing import Protocol, get_args, runtime_checkable

import numpy as np

from copa.tasks.base import Bools, TaskSpec
from copa.tasks.checking.playing import play
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import Check, Subject
from copa.tasks.drawing import Body, Drawing, Shape

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@runtime_checkable
class Drawn(Protocol):
    """A task that can be drawn."""

    def drawing(self, row: int) -> Drawing:
        """What game `row` looks like."""


def has_drawing(subject: Subject) -> bool:
    """Whether the task can be drawn."""
    return isinstance(subject.task(subject.spec.teams[0], games=1), Drawn)


def drawing_fits(subject: Subject) -> None:
    """A drawing shows every agent once, inside a world with bounds, and changes nothing."""
    spec = subject.spec
    for team in spec.teams:
        task = subject.task(team)
        assert isinstance(task, Drawn)
        episodes = np.arange(task.games)
        view = task.reset(episodes, episodes)
        for first, last in ((0, spec.horizon // 2), (spec.horizon // 2, spec.horizon)):
            before = task.snapshot()
            for row in range(task.games):
                where = f"(team {team!r}, after step {first}, game {row})"
                _require_drawing(task.drawing(row), view.members()[row], spec, where)
            for name, array in task.snapshot().items():
                if array.tobytes() != before[name].tobytes():
                    raise ContractError(f"drawing() changes {name!r} of the state (team {team!r}, after step {first})")
            view = play(task, view, episodes, first, last)


def _require_drawing(drawing: object, members: Bools, spec: TaskSpec, where: str) -> None:
    if not isinstance(drawing, Drawing):
        raise ContractError(f"drawing() gives {type(drawing).__name__} instead of Drawing {where}")
    left, bottom, right, top = drawing.bounds
    if not (left < right and bottom < top):
        raise ContractError(f"bounds is {drawing.bounds}; left must be below right and bottom below top {where}")
    for body in drawing.bodies:
        for complaint in _complaints(body, spec):
            raise ContractError(f"body {body.name!r} {complaint} {where}")
    slots = sorted(body.slot for body in drawing.bodies if body.slot is not None)
    there = np.flatnonzero(members).tolist()
    if slots != there:
        raise ContractError(f"the bodies stand for slots {slots}, but the agents are in slots {there} {where}")


def _complaints(body: Body, spec: TaskSpec) -> list[str]:
    found = []
    if not all(map(math.isfinite, (body.x, body.y, body.radius))) or body.radius <= 0:
        found.append(f"is at ({body.x}, {body.y}) with radius {body.radius}")
    for colour in (body.colour, body.carries):
        if colour is not None and not COLOUR.fullmatch(colour):
            found.append(f"has the colour {colour!r}, which is not #rrggbb")
    if body.shape not in get_args(Shape):
        found.append(f"has the shape {body.shape!r}; allowed are {', '.join(get_args(Shape))}")
    if body.row is not None and not 0 <= body.row < spec.rows:
        found.append(f"has row {body.row} of {spec.rows}")
    found += [f"has {name} {value}, outside 0..1" for name, value in body.abilities.items() if not 0 <= value <= 1]
    return found


DRAWING = Check("drawing", "a drawing shows every agent once and changes nothing", drawing_fits)
