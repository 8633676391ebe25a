"""Beside the world: figures so far, the return over time, a line for each player, and the legend."""

from collections.abc import Iterator
from itertools import groupby

from copa.rendering.legend import legend
from copa.rendering.looks import FAINT, INK, MUTED, NEUTRAL, PAPER, Looks, glyph, readable_on
from copa.rendering.recording import Frame, Recording
from copa.rendering.shapes import STAGE, WIDTH, Box, Disc, Mark, Path, Text
from copa.tasks.drawing import Body

LEFT, RIGHT = 684.0, WIDTH - 24.0
FIGURES = (LEFT, LEFT + 130.0, LEFT + 330.0)
TIME = (972.0, RIGHT)
"""Where the first step begins and the last one ends, of all that runs over time."""
CURVE = (178.0, 244.0)
"""Top and bottom of the curve of returns."""
ROWS = (302.0, 600.0)
"""Top of the first player's line and bottom of the last."""
TALLEST_ROW = 54.0
ABILITIES = (LEFT + 46.0, LEFT + 238.0)
LOAD = LEFT + 260.0
LEGEND = 616.0
"""Top of the legend."""
RIBBON = 15.0


class Panel:
    """Draws what stands beside the world, for one episode."""

    def __init__(self, recording: Recording, looks: Looks) -> None:
        self._recording = recording
        self._looks = looks
        self._slots = recording.slots
        self._row_height = min(TALLEST_ROW, (ROWS[1] - ROWS[0]) / max(1, len(self._slots)))
        self._bottom = ROWS[0] + self._row_height * len(self._slots)
        self._coached = recording.beta is not None
        self._range = _range([frame.total for frame in recording.frames])

    def background(self) -> Iterator[Mark]:
        """All that no step changes."""
        recording = self._recording
        yield Text(STAGE[0], 38, recording.title, 30, INK, bold=True)
        told = f" · beta {recording.beta:.4g}" if recording.beta is not None else ""
        about = f"team {recording.team} · played by {recording.player}{told}"
        yield Text(RIGHT, 38, f"{about} · seed {recording.seed} · episode {recording.episode}", 17, MUTED, "right")
        for x, label in zip(FIGURES, ("step", "return", "coach speaks"), strict=True):
            yield Text(x, 84, label, 16, MUTED)
        yield from self._curve()
        yield from self._heads()
        for slot in self._slots:
            yield from self._ribbon(slot)
        yield from legend(self._looks.kinds, coached=self._coached, left=LEFT, top=LEGEND)

    def marks(self, number: int, frame: Frame) -> Iterator[Mark]:
        """What step `number` shows."""
        now, after = self._time(number + 0.5), self._time(number + 1)
        for top, bottom in ((CURVE[0] - 6, CURVE[1] + 1), (ROWS[0], self._bottom)):
            yield Box(after, top, RIGHT - after + 1, bottom - top, PAPER + "b8")
            yield Path(((now, top), (now, bottom)), line=INK, width=2.0)
        yield Disc(now, self._height(frame.total), 5.0, INK, PAPER, 2.0)
        yield from self._figures(number, frame)
        bodies = {body.slot: body for body in frame.drawing.bodies if body.slot is not None}
        for slot in self._slots:
            yield from self._player(number, slot, bodies.get(slot), told=bool(frame.spoken[slot]))

    def card(self, slot: int) -> tuple[float, float, float, float]:
        """Left, top, width and height of a player's line."""
        return LEFT, ROWS[0] + self._row_height * self._slots.index(slot), RIGHT - LEFT, self._row_height

    def _middle(self, slot: int) -> float:
        _, top, _, height = self.card(slot)
        return top + height / 2

    def _time(self, step: float) -> float:
        return TIME[0] + (TIME[1] - TIME[0]) * step / len(self._recording.frames)

    def _height(self, total: float) -> float:
        low, high = self._range
        return CURVE[1] - (CURVE[1] - CURVE[0]) * (total - low) / (high - low)

    def _curve(self) -> Iterator[Mark]:
        low, high = self._range
        frames = self._recording.frames
        zero = self._height(0.0)
        line = [(self._time(number + 0.5), self._height(frame.total)) for number, frame in enumerate(frames)]
        yield Text(LEFT, (CURVE[0] + CURVE[1]) / 2, "return over time", 16, MUTED)
        yield Path(((TIME[0], zero), (TIME[0], line[0][1]), *line, (RIGHT, line[-1][1]), (RIGHT, zero)), fill="#dfe4ee")
        yield Path(((TIME[0], zero), (RIGHT, zero)), line=FAINT, width=1.5)
        yield Path(tuple(line), line=INK, width=2.5)
        for value in (low, high):
            yield Text(TIME[0] - 8, self._height(value), f"{value:.1f}", 15, MUTED, "right")

    def _heads(self) -> Iterator[Mark]:
        y = ROWS[0] - 16
        names = self._looks.abilities
        for index, name in enumerate(names):
            yield Text(self._ability(index), y, name, 14, MUTED)
        if any(body.carries for frame in self._recording.frames for body in frame.drawing.bodies):
            yield Text(LOAD, y, "load", 14, MUTED, "middle")
        yield Text(TIME[0], y, "strategy over time" if self._coached else "time in the team (no strategies)", 14, MUTED)
        if self._coached:
            yield Path(_tick(RIGHT - 112, y - 3), INK)
            yield Text(RIGHT - 102, y, "coach speaks", 14, MUTED)

    def _ability(self, index: int) -> float:
        return ABILITIES[0] + (ABILITIES[1] - ABILITIES[0]) * index / max(2, len(self._looks.abilities))

    def _ribbon(self, slot: int) -> Iterator[Mark]:
        y = self._middle(slot)
        frames = self._recording.frames
        _, top, width, height = self.card(slot)
        yield Path(((LEFT, top + height), (LEFT + width, top + height)), line=FAINT)
        looks = [
            self._looks.colours[number].get(slot, NEUTRAL) if frame.members[slot] else None
            for number, frame in enumerate(frames)
        ]
        for colour, run in groupby(range(len(frames)), key=lambda number: looks[number]):
            steps = list(run)
            if colour is not None:
                start, end = self._time(steps[0]), self._time(steps[-1] + 1)
                yield Box(start, y - 4, end - start, min(RIBBON, height / 3), colour)
        for number, frame in enumerate(frames):
            if frame.spoken[slot]:
                yield Path(_tick(self._time(number + 0.5), y - 14), INK)

    def _figures(self, number: int, frame: Frame) -> Iterator[Mark]:
        rate = frame.rate
        values = (
            (str(number), f"of {self._recording.steps}"),
            (f"{frame.total:.1f}", f"{frame.reward:+.1f} now" if frame.reward else ""),
            (
                "no coach" if not self._coached else f"{rate or 0.0:.0%}",
                f"{frame.sent} of {frame.eligible} strategies sent" if self._coached else "players decide alone",
            ),
        )
        for x, (value, note) in zip(FIGURES, values, strict=True):
            yield Text(x, 116, value, 36, INK, bold=True)
            yield Text(x, 148, note, 16, MUTED)

    def _player(self, number: int, slot: int, body: Body | None, *, told: bool) -> Iterator[Mark]:
        y = self._middle(slot)
        radius = min(16.0, 0.36 * self._row_height)
        if body is None:
            yield Disc(LEFT + 18, y, radius, None, FAINT, 2.5)
            yield Text(LEFT + 18, y, str(slot), 17, MUTED, "middle")
            yield Text(ABILITIES[0], y, "absent", 15, MUTED)
            return
        fill = self._looks.colours[number].get(slot, NEUTRAL)
        yield glyph(body.shape, LEFT + 18, y, radius, fill, body.colour, 2.5)
        yield Text(LEFT + 18, y, str(slot), 17, readable_on(fill), "middle", bold=True)
        if told:
            yield Disc(LEFT + 18, y, radius + 4.5, None, INK, 2.5)
        width = self._ability(1) - self._ability(0) - 8
        for index, name in enumerate(self._looks.abilities):
            if name in body.abilities:
                x, share = self._ability(index), min(max(body.abilities[name], 0.0), 1.0)
                yield Box(x, y - 5, width, 10, FAINT, 3.0)
                yield Box(x, y - 5, width * share, 10, self._looks.ability_colour(name), 3.0)
        if body.carries is not None:
            yield glyph(self._looks.carried_shape(body.carries), LOAD, y, 8.0, body.carries)


def _range(totals: list[float]) -> tuple[float, float]:
    """Lowest and highest of what the curve shows, which includes 0."""
    low, high = min(0.0, *totals), max(0.0, *totals)
    return (low, high) if high > low else (low, low + 1.0)


def _tick(x: float, y: float) -> tuple[tuple[float, float], ...]:
    """A small triangle about (x, y) that points down."""
    return (x - 3.5, y - 1), (x + 3.5, y - 1), (x, y + 7)
