"""What the engine `sc2` needs and does not find is named, with what to do."""

import sys
from pathlib import Path

import pytest

from copa.errors import ConfigError, UnavailableError
from copa.tasks import make_task
from copa.tasks.starcraft.sc2 import engine as engine_module
from tests.tasks.starcraft.sc2 import ZEALOTS, Make, first_rows
from tests.tasks.starcraft.standin import MAP


def test_what_is_missing_is_named_with_what_to_do(game: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, **settings: str) -> None:
        with pytest.raises(UnavailableError, match=message):
            first_rows(make(**settings), ZEALOTS)

    (binary,) = game.glob("Versions/*/SC2_x64")
    (game / MAP).unlink()
    refused(r"map .*Maps/SMAC_Maps/empty_passive\.SC2Map is missing: copy")
    binary.chmod(0o644)
    refused("SC2_x64 cannot be executed.*chmod")
    binary.unlink()
    refused(r"holds no Versions/Base\*/SC2_x64: SC2PATH must name")
    monkeypatch.setenv("SC2PATH", str(game / "nowhere"))
    refused("no StarCraft II in .*nowhere: set SC2PATH")
    refused("task option python is '/not/there', which cannot be started", python="/not/there")


def test_a_game_with_another_map_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "DEATHS_IN_A_ROW", 1)
    monkeypatch.setenv("STANDIN_MAP_SIZE", "64")
    with pytest.raises(UnavailableError, match="playable area is 64 x 64, not 32 x 32"):
        first_rows(make(), ZEALOTS)


@pytest.mark.parametrize(
    ("files", "client", "message"),
    [
        ({}, "smac", r"smac is not installed for this interpreter: pip install git\+https"),
        ({"smac/__init__.py": ""}, "smac", "not the StarCraft Multi-Agent Challenge.*hyper-parameter optimiser"),
        (
            {"smac/__init__.py": "", "smac/env.py": "raise TypeError('Descriptors cannot be created directly')"},
            "smac",
            r"smac\.env cannot be imported \(TypeError: Descriptors.*environment of its own",
        ),
        (
            {"s2clientprotocol/__init__.py": "", "s2clientprotocol/sc2api_pb2.py": "raise TypeError('Descriptors')"},
            "direct",
            "sc2api_pb2 cannot be imported.*pip uninstall s2clientprotocol.*pys2clientprotocol",
        ),
    ],
    ids=["no smac", "other smac", "old smac", "old protocol"],
)
def test_packages_that_are_wrong_are_named(
    files: dict[str, str], client: str, message: str, tmp_path: Path, make: Make
) -> None:
    for name, content in files.items():
        (tmp_path / "packages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / name).write_text(content)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{tmp_path}/packages" exec \'{sys.executable}\' "$@"\n')
    python.chmod(0o755)
    with pytest.raises(UnavailableError, match=message):
        first_rows(make(client=client, python=str(python)), ZEALOTS)


def test_packages_that_are_missing_are_named(tmp_path: Path, make: Make) -> None:
    python = tmp_path / "python"
    hidden = "import sys; sys.modules['websocket'] = None"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec \'{sys.executable}\' "$@"\n')
    python.chmod(0o755)
    with pytest.raises(UnavailableError, match="Not installed for this interpreter: websocket-client"):
        first_rows(make(python=str(python)), ZEALOTS)


def test_options_of_the_game_need_the_game() -> None:
    for option in ("client", "python"):
        with pytest.raises(ConfigError, match=f"Option '{option}' of starcraft/3-8sz is for engine 'sc2'"):
            make_task("starcraft/3-8sz", games=1, seed=0, options={option: "smac"})
    with pytest.raises(ConfigError, match=r"Unknown value of option 'client'.*'smac', 'direct'"):
        make_task("starcraft/3-8sz", games=1, seed=0, options={"engine": "sc2", "client": "pysc2"})
