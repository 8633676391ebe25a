"""What one game looks like, in the task's own coordinates: all that a picture of any task is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["circle", "square", "diamond", "triangle", "flame"]


@dataclass(frozen=True, slots=True)
class Body:
    """One thing to draw."""

    name: str
    """What it is, in words: "agent 3", "home", "red resource", "enemy Stalker"."""
    x: float
    y: float
    """Its centre; x grows to the right, y upwards."""
    radius: float
    """In the units of x and y."""
    colour: str
    """`#rrggbb`."""
    shape: Shape = "circle"
    slot: int | None = None
    """The agent slot it stands for; None for what is not an agent."""
    row: int | None = None
    """Its row among agents and entities, 0..A+E-1, by which `View.visible` tells who sees it; None for scenery."""
    abilities: Mapping[str, float] = field(default_factory=dict)
    """Values in 0..1 by name, drawn as bars: abilities, health, what is left of a fire."""
    carries: str | None = None
    """Colour of what it carries, `#rrggbb`."""
    sight: float | None = None
    """How far it sees, in the units of x and y."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One game at one moment. Bodies that come later are drawn over earlier ones."""

    bounds: tuple[float, float, float, float]
    """Left, bottom, right, top of the world."""
    bodies: tuple[Body, ...]
    square_cells: float | None = None
    """Side of the cells of a grid world, whose lines are then drawn."""
