"""`deploy/starcraft/install.sh`, with an archive of the stand-in in place of the game's."""

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.tasks.starcraft.standin import MAP, ROOT, install

SCRIPT = ROOT / "deploy" / "starcraft" / "install.sh"

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or shutil.which("unzip") is None, reason="needs unzip, on x86_64"
)


BACKEND = """
import zipfile

def build_wheel(folder, *_):
    name = "SMAC-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("smac/__init__.py", "")
        wheel.write("smac/env/__init__.py")
        wheel.writestr("SMAC-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: SMAC\\nVersion: 1.0.0\\n")
        wheel.writestr("SMAC-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("SMAC-1.0.0.dist-info/RECORD", "")
    return name
"""
"""Builds what looks like smac, of nothing that would have to be downloaded."""


def run(home: Path, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("SC2PATH", "ENVIRONMENT")}
    environment |= {"HOME": str(home), "PIP_NO_INDEX": "1"}
    return subprocess.run(
        [SCRIPT, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def checkout(folder: Path, environment: str) -> None:
    """A source tree like that of smac, whose `smac.env` is `environment`."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": BACKEND,
        "smac/env/starcraft2/starcraft2.py": "",
        "smac/env/__init__.py": environment,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


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


def test_it_installs_a_checkout_of_smac_and_not_the_package_of_that_name(tmp_path: Path) -> None:
    """Also where the checkout is named as the package is; without an index only the checkout can be installed."""
    packed = archive(tmp_path)
    checkout(tmp_path / "smac", "StarCraft2Env = 0")
    parts = ("--game", str(packed), "--map", str(tmp_path / "made" / MAP))
    home = tmp_path / "home"
    done = run(home, *parts, "--smac", "smac", "--python", sys.executable, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    python = home / ".local" / "share" / "copa" / "starcraft" / "bin" / "python"
    assert f"smac: {python}\n" in done.stdout
    assert f"--task.options.client smac --task.options.python {python}\n" in done.stdout

    checkout(tmp_path / "smac", "raise ImportError('Descriptors')")
    done = run(home, "--smac", "smac", "--python", sys.executable, folder=tmp_path)
    assert done.returncode == 1
    assert "cannot be imported; remove it, try again" in done.stderr
    (tmp_path / "smac" / "backend.py").write_text("")
    done = run(home, "--smac", "smac", "--python", sys.executable, folder=tmp_path)
    assert done.returncode == 1
    assert f"pip could not install {tmp_path / 'smac'}" in done.stderr
