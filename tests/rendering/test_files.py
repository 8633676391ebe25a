"""Files that are what their endings say."""

import sys
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from copa.errors import ConfigError, UnavailableError
from copa.rendering import Recording, write
from copa.rendering.looks import PAPER
from copa.rendering.panel import RIBBON
from copa.rendering.scene import Scene
from copa.rendering.shapes import STAGE, Box, Disc, Picture, Text
from copa.rendering.web_page import data
from tests.rendering.page import episode_of

WIDTH, HEIGHT = 320, 180
SMALL = {"width": WIDTH, "fps": 10.0}


def texts(picture: Picture) -> list[str]:
    return [mark.text for mark in picture.panel if isinstance(mark, Text)]


def test_gif(recording: Recording, tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    write(tmp_path / "episode.gif", recording, **SMALL)
    with image_module.open(tmp_path / "episode.gif") as image:
        assert image.format == "GIF"
        assert image.n_frames == len(recording.frames) == 146
        assert image.size == (WIDTH, HEIGHT)
        assert image.info["loop"] == 0
        assert image.info["duration"] == 100
        first = np.asarray(image.convert("RGB")).astype(int)
        assert first[2, 2].tolist() == list(bytes.fromhex(PAPER[1:])), "large areas keep their colour"
        image.seek(145)
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - first).max() > 100


def test_pixels_are_the_shapes(recording: Recording) -> None:
    """The disc of an agent that nothing covers has the colour of its strategy."""
    raster = pytest.importorskip("copa.rendering.raster")
    scene = Scene(recording)
    (image,) = raster.images(scene, raster.size(1280), [1])
    pixels = np.asarray(image)
    agents = [body for body in recording.frames[1].drawing.bodies if body.slot is not None]
    assert len(agents) == 4
    for body in agents:
        x, y, radius = scene.stage.place(body)
        colour = scene.looks.colours[1][body.slot]
        assert pixels[round(y), round(x - 0.75 * radius)].tolist() == list(bytes.fromhex(colour[1:]))


def test_mp4(recording: Recording, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    write(tmp_path / "episode.mp4", recording, **SMALL)
    with av.open(tmp_path / "episode.mp4") as file:
        (stream,) = file.streams
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 10)
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
    assert len(frames) == len(recording.frames)
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).max() > 100


class Addresses(HTMLParser):
    """Collects every attribute that could fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "action", "data")]


def test_page_needs_nothing_else(recording: Recording, tmp_path: Path) -> None:
    write(tmp_path / "episode.html", recording)
    page = (tmp_path / "episode.html").read_text(encoding="utf-8")
    parser = Addresses()
    parser.feed(page)
    assert parser.found == []
    for word in ("http:", "https:", "//cdn", "@import", "url(", "fetch(", "XMLHttpRequest", "import(", "{{"):
        assert word not in page, word
    assert len(page) < 2_000_000


def test_page_holds_the_recording(recording: Recording, tmp_path: Path) -> None:
    write(tmp_path / "episode.html", recording, fps=4.0)
    episode = episode_of(tmp_path / "episode.html")
    assert (episode["about"]["seed"], episode["about"]["episode"], episode["fps"]) == (5, 3, 4.0)
    assert len(episode["frames"]) == len(recording.frames)
    for shown, frame in zip(episode["frames"], recording.frames, strict=True):
        assert shown["return"] == pytest.approx(frame.total, abs=1e-5)
        assert (shown["sent"], shown["eligible"]) == (frame.sent, frame.eligible)
        assert [int(slot) for slot in shown["players"]] == np.flatnonzero(frame.members).tolist()
        for slot, player in shown["players"].items():
            assert player["told"] == frame.spoken[int(slot)]
            seen = np.flatnonzero(frame.seen[int(slot)]).tolist()
            assert sorted([*player["sees"], int(slot)]) == seen
    told = sum(player["told"] for shown in episode["frames"] for player in shown["players"].values())
    assert told == recording.frames[-1].sent


def test_page_cannot_be_ended_by_its_data(silent: Recording, tmp_path: Path) -> None:
    hostile = type(silent)(
        **{name: getattr(silent, name) for name in silent.__slots__} | {"player": "</script><b>&'\""}
    )
    write(tmp_path / "episode.html", hostile)
    page = (tmp_path / "episode.html").read_text(encoding="utf-8")
    assert "</script><b>" not in page
    assert episode_of(tmp_path / "episode.html")["about"]["player"] == "</script><b>&'\""


def test_pictures_say_what_happened(recording: Recording, silent: Recording) -> None:
    scene = Scene(recording)
    last = recording.frames[-1]
    words = texts(scene.picture(145))
    assert {"145", "of 145", f"{last.total:.1f}", f"{last.sent} of {last.eligible} strategies sent"} <= set(words)
    quiet = Scene(silent)
    assert {"no coach", "players decide alone"} <= set(texts(quiet.picture(0)))
    assert any("no strategies" in mark.text for mark in quiet.background() if isinstance(mark, Text))
    assert all(frame["players"][0]["colour"] is None for frame in data(quiet, 8.0)["frames"])


def test_ribbons_show_who_is_in_the_team(recording: Recording) -> None:
    """As many stretches of colour as the strategies that an agent held, one after the other."""
    scene = Scene(recording)
    boxes = [mark for mark in scene.panel.background() if isinstance(mark, Box) and mark.height == RIBBON]
    stretches = 0
    for slot in recording.slots:
        held = [
            strategies.get(slot) or frame.members[slot]
            for strategies, frame in zip(scene.looks.colours, recording.frames, strict=True)
        ]
        stretches += sum(bool(colour) for colour, _ in groupby(held))
    assert len(boxes) == stretches


def test_the_coach_marks_on_the_stage_are_whole(recording: Recording) -> None:
    """A bubble for each agent that is told, wholly on the stage wherever its agent is; and the sight of each agent."""
    scene = Scene(recording)
    left, top, width, height = STAGE
    for number, frame in enumerate(recording.frames):
        groups = scene.picture(number).stage
        assert {group.viewer for group in groups} - {None} == set(np.flatnonzero(frame.members).tolist())
        dots = [m for g in groups for m in g.marks if isinstance(m, Disc) and m.radius == 2.0]
        assert len(dots) == 3 * frame.spoken.sum()
        assert all(left < dot.x < left + width and top < dot.y < top + height for dot in dots)


def test_refusals(silent: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"\.html, \.gif, \.mp4"):
        write(tmp_path / "episode.avi", silent)
    with pytest.raises(UnavailableError, match="cannot be written"):
        write(tmp_path / "missing" / "episode.html", silent)
    for module, ending in (("PIL", ".gif"), ("av", ".mp4")):
        with monkeypatch.context() as missing:
            for name in [n for n in sys.modules if n.startswith(("copa.rendering.animation", "copa.rendering.raster"))]:
                missing.delitem(sys.modules, name)
            missing.delitem(sys.modules, "copa.rendering.video", raising=False)
            missing.setitem(sys.modules, module, None)
            with pytest.raises(UnavailableError, match=r"'\.\[render\]'"):
                write(tmp_path / f"episode{ending}", silent)
    assert list(tmp_path.iterdir()) == []
