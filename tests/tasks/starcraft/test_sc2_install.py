"""`deploy/starcraft/install.sh`, with an archive of the stand-in in place of the game's."""

import os
import platform
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.tasks.starcraft.standin import MAP, ROOT, install

SCRIPT = ROOT / "deploy" / "starcraft" / "install.sh"

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("unzip") is None, reason="needs unzip, on x86_64"
)


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("SC2PATH", "ENVIRONMENT")}
    return subprocess.run(
        [SCRIPT, *arguments], env=environment | {"HOME": str(home)}, capture_output=True, text=True, check=False
    )


def archive(folder: Path) -> Path:
    """The stand-in as the game is packed; not executable when it is unpacked."""
    install(folder / "made")
    packed = folder / "SC2.zip"
    with zipfile.ZipFile(packed, "w") as file:
        for path in (folder / "made" / "Versions").rglob("SC2_x64"):
            file.writestr(str(Path("StarCraftII", path.relative_to(folder / "made"))), path.read_bytes())
    return packed


def test_it_puts_game_and_map_in_place_and_says_how_to_go_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = run(home, "--game", str(archive(tmp_path)), "--map", str(tmp_path / "made" / MAP))
    assert done.returncode == 0, done.stderr
    (binary,) = (home / "StarCraftII").glob("Versions/Base*/SC2_x64")
    assert os.access(binary, os.X_OK)
    assert (home / "StarCraftII" / MAP).read_bytes() == (tmp_path / "made" / MAP).read_bytes()
    assert "copa train" in done.stdout
    assert "--task.options.client direct" in done.stdout
    assert run(home).returncode == 0, "what is there is checked again without an argument"


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "accept its licence" in run(home).stderr
    assert "no archive" in run(home, "--game", "nothing.zip").stderr
    packed = archive(tmp_path)
    assert "name it by --map" in run(home, "--game", str(packed)).stderr
    (tmp_path / "smac").mkdir()
    done = run(home, "--map", str(tmp_path / "made" / MAP), "--smac", str(tmp_path / "smac"))
    assert "no checkout of the StarCraft Multi-Agent Challenge" in done.stderr
    assert done.returncode == 1
    assert run(home, "--what").returncode == 2
    assert "--map needs a value" in run(home, "--map").stderr
