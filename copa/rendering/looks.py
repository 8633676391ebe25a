"""What is the same in every frame of an episode: names, colours and shapes, and who has which strategy colour."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from copa.rendering.recording import Recording
from copa.rendering.shapes import Box, Colour, Disc, Mark, Path
from copa.rendering.strategy_colours import Reals, colours, project
from copa.tasks.drawing import Body, Shape

INK = "#1d2330"
MUTED = "#5f6779"
FAINT = "#d9dde6"
PAPER = "#f7f6f2"
WORLD = "#ffffff"
NEUTRAL = "#8a93a5"
"""Of abilities that belong to no kind of body, and of players without a strategy."""

FLAME_CORNERS = 18


def _flame() -> tuple[tuple[float, float], ...]:
    """A drop with its tip upwards, bent."""
    turns = np.linspace(0.0, 2 * np.pi, FLAME_CORNERS, endpoint=False)
    height = np.cos(turns)
    across = np.sin(turns) * np.sin(turns / 2) ** 1.5 + 0.22 * np.sin(2.4 * height)
    return tuple(zip(across.tolist(), (-1.25 * height).tolist(), strict=True))


CORNERS: dict[Shape, tuple[tuple[float, float], ...]] = {
    "square": ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)),
    "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    "triangle": ((0.0, -1.3), (1.2, 0.85), (-1.2, 0.85)),
    "flame": _flame(),
}
"""Corners of a body of radius 1, y downwards; sizes are such that they look alike."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Bodies that look alike, for the legend."""

    name: str
    colour: Colour
    shape: Shape


class Looks:
    """Everything about the looks of an episode that one frame alone does not tell."""

    def __init__(self, recording: Recording) -> None:
        bodies = [body for frame in recording.frames for body in frame.drawing.bodies]
        self.kinds = list(dict.fromkeys(kind_of(body) for body in bodies if body.slot is None))
        self.names = {body.row: _name(body) for body in bodies if body.row is not None}
        """What each row is, agents with the number of their slot."""
        self.abilities = list(
            dict.fromkeys(name for body in bodies if body.slot is not None for name in body.abilities)
        )
        self.outlines = {body.slot: body.colour for body in bodies if body.slot is not None}
        """Own colour of each player's body."""
        self.coordinates, self.colours = _strategies(recording)
        """Projection of each strategy, and its colour, by frame and slot."""

    def ability_colour(self, name: str) -> Colour:
        """That of the bodies which the ability `red` of a `red resource` is for; neutral for any other."""
        return next((kind.colour for kind in self.kinds if kind.name.startswith(f"{name} ")), NEUTRAL)

    def carried_shape(self, colour: Colour) -> Shape:
        """That of the bodies of this colour."""
        return next((kind.shape for kind in self.kinds if kind.colour == colour), "circle")

    def carried_name(self, colour: Colour) -> str:
        """What the bodies of this colour are."""
        return next((kind.name for kind in self.kinds if kind.colour == colour), "something")


def kind_of(body: Body) -> Kind:
    """What a body is, whatever its number."""
    return Kind(body.name.rstrip("0123456789 "), body.colour, body.shape)


def _name(body: Body) -> str:
    return body.name if body.slot is None else f"{kind_of(body).name} {body.slot}"


def glyph(
    shape: Shape, x: float, y: float, radius: float, fill: Colour, line: Colour | None = None, width: float = 1.0
) -> Mark:
    """A body of any shape."""
    if shape == "circle":
        return Disc(x, y, radius, fill, line, width)
    return Path(tuple((x + radius * dx, y + radius * dy) for dx, dy in CORNERS[shape]), fill, line, width)


def bubble(x: float, y: float) -> Iterator[Mark]:
    """The mark for "the coach speaks", a speech bubble whose tip is at (x, y)."""
    yield Path(((x - 1, y), (x + 1, y - 10), (x + 8, y - 10)), "#ffffff", "#ffffff", 4.0)
    yield Box(x - 7, y - 25, 30, 20, "#ffffff", 8.0)
    yield Path(((x, y), (x + 1, y - 9), (x + 8, y - 9)), INK)
    yield Box(x - 5, y - 23, 26, 16, INK, 6.0)
    for dot in range(3):
        yield Disc(x + 1.5 + 6.5 * dot, y - 15, 2.0, "#ffffff")


def readable_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out from `colour`."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.52 else "#ffffff"


def _strategies(recording: Recording) -> tuple[list[dict[int, Reals]], list[dict[int, Colour]]]:
    held = [(number, slot, z) for number, frame in enumerate(recording.frames) for slot, z in frame.strategies.items()]
    where: list[dict[int, Reals]] = [{} for _ in recording.frames]
    look: list[dict[int, Colour]] = [{} for _ in recording.frames]
    if held:
        coordinates = project([z for _, _, z in held])
        for (number, slot, _), place, colour in zip(held, coordinates, colours(coordinates), strict=True):
            where[number][slot], look[number][slot] = place, colour
    return where, look
