"""The page in a real browser: what it shows after keys, clicks and time."""

import html
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from copa.rendering import Recording, write
from tests.rendering.page import episode_of

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
ERRORS = "<script>window.addEventListener('error', (event) => { document.title = 'ERROR ' + event.message; });</script>"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium (apt-get install chromium)")


@pytest.fixture
def page(recording: Recording, tmp_path: Path) -> Path:
    """A page whose title tells of any error in its program."""
    path = tmp_path / "episode.html"
    write(path, recording, fps=20.0)
    path.write_text(path.read_text(encoding="utf-8").replace("<style>", ERRORS + "<style>", 1), encoding="utf-8")
    return path


def browse(page: Path, *arguments: str, fragment: str = "", then: str = "") -> str:
    """The document after the program `then` ran in it, in an empty profile."""
    if then:
        text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{then}</script></body>")
        page = page.with_name("acted.html")
        page.write_text(text, encoding="utf-8")
    profile = page.parent / "profile"
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", *arguments, "--dump-dom", page.as_uri() + fragment]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shutil.rmtree(profile, ignore_errors=True)
    assert "<title>ERROR" not in done.stdout
    return done.stdout


def details(document: str) -> str:
    (found,) = re.findall(r'<p id="details"[^>]*>(.*?)</p>', document)
    return html.unescape(found)


def step_of(document: str) -> int:
    (found,) = re.findall(r'<body[^>]* data-step="(\d+)"', document)
    return int(found)


def press(*keys: str) -> str:
    return "".join(
        f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: {key!r}, bubbles: true}}));" for key in keys
    )


def test_a_link_names_a_moment_and_a_player(page: Path, recording: Recording) -> None:
    document = browse(page, fragment="#step=37&agent=2")
    assert step_of(document) == 37
    episode = episode_of(page)
    player = episode["frames"][37]["players"]["2"]
    said = details(document)
    assert said.startswith("agent 2: sees ")
    assert all(episode["names"][str(row)] in said for row in player["sees"])
    told = [number for number, frame in enumerate(recording.frames[:38]) if frame.spoken[2]]
    assert said.endswith(f"coach spoke at step {', '.join(map(str, told[-6:]))}")


def test_keys(page: Path) -> None:
    assert step_of(browse(page, then=press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"))) == 2
    document = browse(page, then=press("End", "1"))
    assert step_of(document) == 145
    assert details(document).startswith("agent 1: ")
    document = browse(page, then=press("End", "1", "Escape", "Home"))
    assert details(document).startswith("step 0 of 145")


def test_buttons_and_slider(page: Path) -> None:
    then = "document.getElementById('forward').click(); document.querySelector('[data-slot=\"3\"]').click();"
    document = browse(page, then=then)
    assert step_of(document) == 1
    assert details(document).startswith("agent 3: ")
    slide = "const s = document.getElementById('slider'); s.value = 99; s.dispatchEvent(new Event('input'));"
    assert step_of(browse(page, then=slide)) == 99


def test_it_plays_to_the_end_and_stops(page: Path) -> None:
    document = browse(page, "--virtual-time-budget=20000", then=press(" "))
    assert step_of(document) == 145
    assert 'aria-label="play"' in document
    assert 'class="playing"' not in document


def test_pointing_at_a_player_shows_it(page: Path) -> None:
    then = """
      const box = canvas.getBoundingClientRect();
      const [x, y] = frames[0].players[1].at;
      canvas.dispatchEvent(new PointerEvent('pointermove', {
        clientX: box.left + x * box.width / WIDTH, clientY: box.top + y * box.height / HEIGHT}));
    """
    assert details(browse(page, then=then)).startswith("agent 1: ")


def test_it_draws(page: Path, recording: Recording) -> None:
    """The picture holds the colours of the strategies, and fewer of them with one player chosen."""
    image = pytest.importorskip("PIL.Image")
    colours = {player["colour"] for player in episode_of(page)["frames"][0]["players"].values()}
    counts = []
    for fragment in ("", "#agent=0"):
        shot = page.with_name("shot.png")
        browse(page, "--window-size=1400,1000", f"--screenshot={shot}", fragment=fragment)
        pixels = np.asarray(image.open(shot).convert("RGB")).reshape(-1, 3).astype(int)
        found = [(np.abs(pixels - list(bytes.fromhex(colour[1:]))).max(axis=1) <= 1).sum() for colour in colours]
        assert min(found) > 50
        counts.append((pixels < 250).all(axis=1).sum())
    assert counts[0] != counts[1]
