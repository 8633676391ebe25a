"""Widths, and what they make of the number of parameters."""

import json

import pytest

from copa.assembly import record_layout
from copa.cli.main import run
from copa.config.load import resolve
from copa.config.schema import Config
from copa.methods import METHODS
from copa.nets import build_coach, build_mixer, build_player, count, method_width
from copa.reporting.parameters import parameters
from copa.tasks import task_spec

SPEC = task_spec("resource_collection", {})


def config(name: str, **flags: str) -> Config:
    return resolve(preset="paper", flags={"method.name": name, **flags}, environment={}).config


@pytest.mark.parametrize("form", ["concat", "hyper"])
@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.coach])
def test_matched_methods_act_with_as_many_parameters_as_copa(name: str, form: str) -> None:
    copa = config("copa", **{"nets.strategy_input": form})
    wanted = count(build_player(SPEC, copa)) + count(build_coach(SPEC, copa))
    matched = config(name, **{"nets.strategy_input": form, "nets.matched": "true"})
    width = method_width(SPEC, matched)

    def acting(width: int) -> int:
        return count(build_player(SPEC, config(name, **{"nets.width": str(width)})))

    assert acting(width) == count(build_player(SPEC, matched))
    assert min(range(128, 300), key=lambda other: abs(acting(other) - wanted)) == width
    build_mixer(SPEC, matched)


def test_paper_width() -> None:
    assert method_width(SPEC, config("aqmix", **{"nets.matched": "true"})) == 168
    assert method_width(SPEC, config("aqmix")) == 128


def test_matching_leaves_methods_with_a_coach_alone() -> None:
    assert method_width(SPEC, config("copa-novi", **{"nets.matched": "true"})) == 128


def test_segments_hold_the_memory_of_the_matched_width() -> None:
    flags = {"nets.matched": "true", "learning.segment_start": "stored"}
    assert record_layout(config("aqmix", **flags)).memory_width == 168
    assert record_layout(config("aqmix")).memory_width == 0


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = {one.method: one for one in parameters(config("copa"))}
    assert list(found) == list(METHODS)
    assert found["copa"].acting == found["copa"].player + found["copa"].coach == 632_453
    assert found["avdn"].learning == found["avdn"].player == 366_469
    assert {one.matched_width for one in found.values()} == {128, 168}
    assert run(["methods", "--parameters", "--json", "--preset", "paper"]) == 0
    rows = json.loads(capsys.readouterr().out)["methods"]
    assert [row["acting"] for row in rows] == [one.acting for one in found.values()]
    assert run(["methods", "--parameters", "--preset", "smoke"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:3] == ["method", "width", "player"]
