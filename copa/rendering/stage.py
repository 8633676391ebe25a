"""The world: bodies, what players see, whom the coach speaks to."""

from collections.abc import Iterator, Sequence

from copa.rendering.looks import FAINT, INK, NEUTRAL, WORLD, Looks, bubble, glyph, readable_on
from copa.rendering.recording import Frame, Recording
from copa.rendering.shapes import STAGE, Box, Colour, Disc, Group, Mark, Path, Point, Text
from copa.tasks.drawing import Body, Drawing

SIGHT_FILL, SIGHT_LINE, LINK = "1a", "66", "8c"
"""How much shows of a player's range, of its edge, and of the lines to what it sees."""
BAR, BAR_GAP, BAR_HEIGHT = 5.0, 1.0, 13.0
TOP, RIGHT, BOTTOM = STAGE[1], STAGE[0] + STAGE[2], STAGE[1] + STAGE[3]
"""Edges of the stage, which marks keep away from."""
LARGEST_NUMBER = 19.0
SMALLEST_NUMBER = 10.0


class World:
    """From the task's coordinates to the canvas, the whole world in the middle of the stage."""

    def __init__(self, drawing: Drawing) -> None:
        left, bottom, right, top = drawing.bounds
        x, y, width, height = STAGE
        self.scale = min(width / (right - left), height / (top - bottom))
        self._x = x + width / 2 - self.scale * (left + right) / 2
        self._y = y + height / 2 + self.scale * (bottom + top) / 2

    def point(self, x: float, y: float) -> Point:
        """Where (x, y) of the world is."""
        return self._x + self.scale * x, self._y - self.scale * y


class Stage:
    """Draws the worlds of one episode."""

    def __init__(self, recording: Recording, looks: Looks) -> None:
        self._looks = looks
        self._first = recording.frames[0].drawing
        self._world = World(self._first)
        self._scenery = _lasting_scenery([frame.drawing for frame in recording.frames])

    def background(self) -> Iterator[Mark]:
        """The floor, the grid, and scenery that stays as it is."""
        left, bottom, right, top = self._first.bounds
        (x0, y1), (x1, y0) = self._world.point(left, bottom), self._world.point(right, top)
        yield Box(*STAGE, FAINT, 10.0)
        yield Box(x0 + 1.5, y0 + 1.5, x1 - x0 - 3, y1 - y0 - 3, WORLD, 9.0)
        if side := self._first.square_cells:
            for column in range(1, round((right - left) / side)):
                x, _ = self._world.point(left + column * side, 0.0)
                yield Path(((x, y0), (x, y1)), line=FAINT)
            for row in range(1, round((top - bottom) / side)):
                _, y = self._world.point(0.0, bottom + row * side)
                yield Path(((x0, y), (x1, y)), line=FAINT)
        for body in self._first.bodies:
            if _key(body) in self._scenery:
                yield from self._thing(body)

    def groups(self, number: int, frame: Frame) -> Iterator[Group]:
        """The world of frame `number`."""
        bodies = [body for body in frame.drawing.bodies if _key(body) not in self._scenery]
        fills = {body.slot: self._fill(number, body) for body in bodies if body.slot is not None}
        for body in bodies:
            if body.slot is not None:
                yield Group(tuple(self._sight(body, fills[body.slot], frame, bodies)), viewer=body.slot)
        for body in bodies:
            marks = self._thing(body) if body.slot is None else self._player(body, fills[body.slot])
            yield Group(tuple(marks), row=body.row)
        for body in bodies:
            if body.slot is not None and frame.spoken[body.slot]:
                yield Group(tuple(self._spoken(body)), row=body.row)

    def place(self, body: Body) -> tuple[float, float, float]:
        """Centre and radius of a body on the canvas."""
        return *self._world.point(body.x, body.y), self._world.scale * body.radius

    def _fill(self, number: int, body: Body) -> Colour:
        assert body.slot is not None
        return self._looks.colours[number].get(body.slot, NEUTRAL)

    def _sight(self, body: Body, colour: Colour, frame: Frame, bodies: Sequence[Body]) -> Iterator[Mark]:
        x, y, _ = self.place(body)
        if body.sight is not None:
            yield Disc(x, y, self._world.scale * body.sight, colour + SIGHT_FILL, colour + SIGHT_LINE, 1.5)
        for other in bodies:
            if other.row is not None and other.row != body.row and frame.seen[body.slot, other.row]:
                yield Path(((x, y), self._world.point(other.x, other.y)), line=colour + LINK, width=2.0)

    def _thing(self, body: Body) -> Iterator[Mark]:
        x, y, radius = self.place(body)
        yield glyph(body.shape, x, y, radius, body.colour)
        yield from self._abilities(body, x, y + radius + 4)

    def _player(self, body: Body, fill: Colour) -> Iterator[Mark]:
        x, y, radius = self.place(body)
        yield glyph(body.shape, x, y, radius + 1.5, "#ffffff", "#ffffff", 3.0)
        yield glyph(body.shape, x, y, radius, fill, body.colour, 2.5)
        size = min(max(1.35 * radius, SMALLEST_NUMBER), LARGEST_NUMBER)
        yield Text(x, y, str(body.slot), size, readable_on(fill), "middle", bold=True)
        yield from self._abilities(body, x, y + radius + 4)
        if body.carries is not None:
            shape = self._looks.carried_shape(body.carries)
            yield glyph(shape, x - 0.8 * radius - 4, y - 0.8 * radius - 4, 8.0, body.carries, "#ffffff", 2.0)

    def _abilities(self, body: Body, x: float, y: float) -> Iterator[Mark]:
        """A bar for each ability, side by side, with their middle at `x` and their top at `y`."""
        if not body.abilities:
            return
        step = BAR + BAR_GAP
        y = min(y, BOTTOM - BAR_HEIGHT - 2)
        left = x - step * len(body.abilities) / 2
        yield Box(left - 2, y - 1, step * len(body.abilities) + 3, BAR_HEIGHT + 2, "#ffffffd9", 2.0)
        for index, (name, value) in enumerate(body.abilities.items()):
            height = BAR_HEIGHT * min(max(value, 0.0), 1.0)
            yield Box(left + index * step, y, BAR, BAR_HEIGHT, FAINT)
            yield Box(left + index * step, y + BAR_HEIGHT - height, BAR, height, self._looks.ability_colour(name))

    def _spoken(self, body: Body) -> Iterator[Mark]:
        x, y, radius = self.place(body)
        yield Disc(x, y, radius + 5, None, INK, 2.5)
        yield from bubble(min(x + 0.7 * radius, RIGHT - 25), max(y - radius - 2, TOP + 27))


Key = tuple[str, float, float, float, str, str]


def _key(body: Body) -> Key | None:
    """What makes scenery the same; None for what a player could see or be, or what changes."""
    if body.row is not None or body.slot is not None or body.abilities:
        return None
    return body.name, body.x, body.y, body.radius, body.colour, body.shape


def _lasting_scenery(drawings: Sequence[Drawing]) -> set[Key]:
    """Scenery that is there in every frame."""
    frames = [{key for body in drawing.bodies if (key := _key(body)) is not None} for drawing in drawings]
    return set.intersection(*frames)
