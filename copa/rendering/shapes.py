"""The few shapes that every picture is made of, on a canvas of `WIDTH` x `HEIGHT` whose y grows downwards."""

from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 1280.0, 720.0

Point = tuple[float, float]
Colour = str
"""`#rrggbb`, or `#rrggbbaa` where something shows through."""


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle, filled, outlined, or both."""

    x: float
    y: float
    radius: float
    fill: Colour | None = None
    line: Colour | None = None
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle with round corners of radius `round`."""

    x: float
    y: float
    width: float
    height: float
    fill: Colour
    round: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines through points; a polygon when it is filled."""

    points: tuple[Point, ...]
    fill: Colour | None = None
    line: Colour | None = None
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words, centred on `y`."""

    x: float
    y: float
    text: str
    size: float
    colour: Colour
    align: Literal["left", "middle", "right"] = "left"
    bold: bool = False


Mark = Disc | Box | Path | Text


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together."""

    marks: tuple[Mark, ...]
    row: int | None = None
    """The row, among agents and entities, of the body that they show."""
    viewer: int | None = None
    """The slot of the player whose sight they show."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame, drawn over the background of its episode."""

    stage: tuple[Group, ...]
    """The world; what leaves `STAGE` is cut off."""
    panel: tuple[Mark, ...]


STAGE = (24.0, 72.0, 624.0, 624.0)
"""Left, top, width and height of the world."""
