"""ONNX files compute what the networks compute."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.exporting import export
from copa.exporting.onnx_files import TOLERANCE, example
from copa.exporting.plain import PlainCoach, PlainPlayer
from copa.learning import UpdateRule
from copa.nets import build_coach, build_player
from copa.tasks import task_spec

onnxruntime = pytest.importorskip("onnxruntime")

SPEC = task_spec("resource_collection")
FORMS = (
    {},
    {"attention": "masked", "memory": "gru"},
    {"strategy_input": "hyper", "memory": "gru"},
    {"attention": "masked", "attention_skip": True, "attention_norm": True},
    {"attention_skip": True},
)


def made(method: str, **nets: object) -> Checkpoint:
    """Networks that have not learned, as a checkpoint."""
    config = Config.model_validate({"method": {"name": method}, "nets": {"width": 12, "heads": 2, **nets}})
    torch.manual_seed(3)
    rule = UpdateRule(SPEC, config, torch.device("cpu"))
    return Checkpoint(rule.state(), config, updates=5, steps=9, version=1, counters={})


@pytest.mark.parametrize(
    ("method", "nets"), [("copa", nets) for nets in FORMS] + [("aqmix-full", nets) for nets in FORMS[:2]], ids=str
)
def test_plain_networks_are_the_networks(method: str, nets: dict[str, object]) -> None:
    config = made(method, **nets).config
    player = build_player(SPEC, config)
    inputs = example(SPEC, config, "player", games=6, seed=4)
    with torch.inference_mode():
        values, memory = player.step(**{"strategies": None, **inputs})
        found = PlainPlayer(player)(**inputs)
        np.testing.assert_allclose(found[0], values, atol=1e-5)
        np.testing.assert_allclose(found[1], memory, atol=1e-5)
        if method == "copa":
            coach = build_coach(SPEC, config)
            scene = example(SPEC, config, "coach", games=6, seed=4)
            np.testing.assert_allclose(PlainCoach(coach)(**scene), coach(**scene).mean, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "nets"),
    [
        ("copa", FORMS[0]),
        ("copa", FORMS[3]),
        ("aqmix-full", FORMS[1]),
        ("copa", FORMS[2]),
        ("aqmix", {"matched": True}),
    ],
    ids=str,
)
def test_files_compute_the_same_for_any_sizes(method: str, nets: dict[str, object], tmp_path: Path) -> None:
    saved = made(method, **nets)
    done = export(saved, tmp_path)
    assert done.deviation <= TOLERANCE
    coached = method == "copa"
    names = ["player.onnx", "coach.onnx", "team.json"] if coached else ["player.onnx", "team.json"]
    assert [path.name for path in done.files] == names
    player = build_player(SPEC, saved.config)
    assert json.loads((tmp_path / "team.json").read_text())["width"] == player.width
    session = onnxruntime.InferenceSession(tmp_path / "player.onnx")
    for games, slots in ((1, 2), (9, 4), (2, SPEC.slots)):
        whole = example(SPEC, saved.config, "player", games=games, seed=games)
        cut = {name: value[:, :slots] if name != "entities" else value for name, value in whole.items()}
        entities = whole["visible"][:, :slots, SPEC.slots :]
        cut["visible"] = torch.cat([whole["visible"][:, :slots, :slots], entities], 2)
        found = session.run(None, {name: value.numpy() for name, value in cut.items()})
        with torch.inference_mode():
            expected = PlainPlayer(player)(**cut)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=TOLERANCE)


def test_the_description_says_what_a_program_needs(tmp_path: Path) -> None:
    saved = made("aqmix-periodic")
    export(saved, tmp_path)
    about = json.loads((tmp_path / "team.json").read_text())
    assert about["sight"] == "periodic"
    assert about["files"] == {"player": "player.onnx"}
    assert about["task"]["actions"] == list(SPEC.actions)
    assert about["inputs"]["memory"] == ["games", "slots", 12]
