"""One HTML file that holds everything: the shapes of each frame as JSON, and the program that draws them."""

import html
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from copa.rendering.recording import Frame
from copa.rendering.scene import Scene
from copa.rendering.shapes import HEIGHT, STAGE, WIDTH, Box, Disc, Group, Mark, Text
from copa.rendering.shapes import Path as Lines

SOURCES = files("copa.rendering") / "page"


def write_html(path: Path, scene: Scene, *, fps: float) -> None:
    """Write a page that needs no network: play, pause, step, a slider, and what each player sees."""
    parts = {name: (SOURCES / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")}
    parts["title"] = html.escape(_title(scene))
    parts["data"] = json.dumps(data(scene, fps), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = re.sub(r"\{\{([a-z.]+)\}\}", lambda found: parts[found[1]], parts["page.html"])
    path.write_text(page, encoding="utf-8")


def data(scene: Scene, fps: float) -> dict[str, Any]:
    """All that the page shows, in numbers and words (docs/render.md)."""
    recording = scene.recording
    return {
        "about": {
            "task": recording.task,
            "team": recording.team,
            "player": recording.player,
            "seed": recording.seed,
            "episode": recording.episode,
            "beta": recording.beta,
            "outcomes": recording.outcomes,
        },
        "fps": fps,
        "size": [WIDTH, HEIGHT],
        "stage": STAGE,
        "names": scene.looks.names,
        "cards": {slot: scene.panel.card(slot) for slot in recording.slots},
        "background": [_encoded(mark) for mark in scene.background()],
        "frames": [_frame(scene, number, frame) for number, frame in enumerate(recording.frames)],
    }


def _frame(scene: Scene, number: int, frame: Frame) -> dict[str, Any]:
    picture = scene.picture(number)
    return {
        "reward": round(frame.reward, 6),
        "return": round(frame.total, 6),
        "sent": frame.sent,
        "eligible": frame.eligible,
        "players": {
            body.slot: {
                "at": _rounded(*scene.stage.place(body)),
                "sees": [int(row) for row in frame.seen[body.slot].nonzero()[0] if row != body.row],
                "told": bool(frame.spoken[body.slot]),
                "abilities": {name: round(value, 3) for name, value in body.abilities.items()},
                "load": None if body.carries is None else scene.looks.carried_name(body.carries),
                "colour": scene.looks.colours[number].get(body.slot),
                "strategy": _rounded(*scene.looks.coordinates[number].get(body.slot, ()), digits=2),
            }
            for body in frame.drawing.bodies
            if body.slot is not None
        },
        "stage": [_group(group) for group in picture.stage],
        "panel": [_encoded(mark) for mark in picture.panel],
    }


def _group(group: Group) -> list[Any]:
    return [group.row, group.viewer, *(_encoded(mark) for mark in group.marks)]


def _encoded(mark: Mark) -> list[Any]:
    """A shape as its letter and its fields in order."""
    match mark:
        case Disc(x, y, radius, fill, line, width):
            return ["d", *_rounded(x, y, radius), fill, line, width]
        case Box(x, y, width, height, fill, rounding):
            return ["b", *_rounded(x, y, width, height), fill, rounding]
        case Lines(points, fill, line, width):
            return ["p", _rounded(*(value for point in points for value in point)), fill, line, width]
        case Text(x, y, text, size, colour, align, bold):
            return ["t", *_rounded(x, y), text, _rounded(size)[0], colour, align, int(bold)]


def _rounded(*values: float, digits: int = 1) -> list[float]:
    """Tenths of a unit are finer than a pixel; whole numbers without their zero are shorter."""
    return [int(value) if value == int(value) else value for value in (round(float(value), digits) for value in values)]


def _title(scene: Scene) -> str:
    recording = scene.recording
    return f"{recording.title}, team {recording.team}, played by {recording.player}"
