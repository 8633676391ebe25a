"""What the marks of a picture mean."""

from collections.abc import Callable, Iterable, Iterator

from copa.rendering.looks import INK, NEUTRAL, Kind, bubble, glyph
from copa.rendering.shapes import Colour, Disc, Mark, Path, Text

Sample = Callable[[float, float], Iterable[Mark]]
"""The marks of one entry, with their middle at (x, y)."""
Entry = tuple[str, Sample]

COLUMN_WIDTH = 185.0
HEIGHT = 84.0
LINES = 4
"""Most lines; kinds of bodies that find no place in the first two columns are left out."""
EXAMPLE = "#e0b13c"
"""Some strategy's colour."""


def legend(kinds: list[Kind], *, coached: bool, left: float, top: float) -> Iterator[Mark]:
    """Kinds of bodies in two columns and the marks on agents in a third, `HEIGHT` high, from (left, top)."""
    colour = EXAMPLE if coached else NEUTRAL
    agents: list[Entry] = [
        ("agent, its strategy" if coached else "agent", _agent(colour)),
        ("range, what it sees", _sight(colour)),
    ]
    if coached:
        agents.append(("coach speaks to it", lambda x, y: bubble(x - 7, y + 13)))
    bodies: list[Entry] = [(kind.name, _body(kind)) for kind in kinds[: 2 * LINES]]
    lines = max(3, -(-len(bodies) // 2))
    step = HEIGHT / lines
    for column, entries in enumerate((bodies[:lines], bodies[lines:], agents)):
        x = left + COLUMN_WIDTH * column
        for line, (name, sample) in enumerate(entries):
            y = top + step * (line + 0.5)
            yield from sample(x + 12, y)
            yield Text(x + 32, y, name, 15, INK)


def _body(kind: Kind) -> Sample:
    return lambda x, y: [glyph(kind.shape, x, y, 8.0, kind.colour)]


def _agent(colour: Colour) -> Sample:
    return lambda x, y: [Disc(x, y, 8.0, colour, INK, 2.5)]


def _sight(colour: Colour) -> Sample:
    return lambda x, y: [
        Disc(x, y, 10.0, colour + "33", colour, 1.5),
        Path(((x, y), (x + 13, y - 6)), line=colour, width=2.0),
    ]
