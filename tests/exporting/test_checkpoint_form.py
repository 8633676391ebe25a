"""A checkpoint that plays and does not learn."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from copa import checkpoint
from copa.checkpoint import Checkpoint
from copa.cli.main import copa
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation import evaluate
from copa.learning import UpdateRule
from copa.tasks import task_spec


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoint:
    secret = tmp_path / "secret"
    secret.write_text("x")
    config = Config.model_validate(
        {
            "run": {"folder": tmp_path / "run", "seed": 7},
            "nets": {"width": 12, "heads": 2},
            "redis": {"url": "redis://somewhere:1", "password_file": secret},
            "coach": {"address": "10.0.0.1:1", "token_file": secret, "beta": 0.5},
        }
    )
    rule = UpdateRule(task_spec("resource_collection"), config, torch.device("cpu"))
    made = Checkpoint(rule.state(), config, updates=5, steps=9, version=1, counters={"steps": 9})
    checkpoint.save(tmp_path / "run" / "checkpoints", made, kept=1)
    return made


def test_it_plays_the_same_games_the_same_way(saved: Checkpoint, tmp_path: Path) -> None:
    arguments = [
        "export",
        "--checkpoint",
        str(tmp_path / "run"),
        "--form",
        "checkpoint",
        "--output",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(copa, arguments)
    assert done.exit_code == 0, done.output
    small = checkpoint.load(tmp_path / "out")
    assert done.output.strip() == str(tmp_path / "out" / "checkpoint-000000005.safetensors")
    results = [evaluate(one.config, one.tensors, teams=["5"], episodes=4, seed=3)["5"].mean for one in (saved, small)]
    assert results[0] == results[1]


def test_the_averages_play_where_there_are_any(saved: Checkpoint) -> None:
    config = saved.config.model_copy(
        update={"learning": saved.config.learning.model_copy(update={"averaging_rate": 0.1})}
    )
    tensors = UpdateRule(task_spec("resource_collection"), config, torch.device("cpu")).state()
    averages = {name: tensor for name, tensor in tensors.items() if name.startswith("averaged_")}
    for tensor in averages.values():
        tensor.add_(1.0)
    made = Checkpoint(tensors, config, updates=5, steps=9, version=1, counters={})
    small = checkpoint.acting_part(made)
    assert {name.split(".")[0] for name in small.tensors} == {"player", "coach"}
    assert all(torch.equal(tensor, tensors[f"averaged_{name}"]) for name, tensor in small.tensors.items())
    assert made.playing.keys() == tensors.keys() - averages.keys()
    assert torch.equal(made.playing["mixer.nets.first.first.bias"], tensors["averaged_mixer.nets.first.first.bias"])
    assert torch.equal(made.playing["target_player.out.bias"], tensors["target_player.out.bias"])


def test_it_leaves_out_what_is_of_the_machine_and_keeps_the_rest(saved: Checkpoint) -> None:
    small = checkpoint.acting_part(saved)
    assert small.config.run.folder is None
    assert small.config.run.seed == 7
    assert small.config.redis == Config().redis
    assert small.config.coach.token_file is None
    assert small.config.coach.address == Config().coach.address
    assert small.config.coach.beta == 0.5
    assert small.config.nets == saved.config.nets
    assert small.counters == {}
    assert {name.split(".")[0] for name in small.tensors} == {"player", "coach"}


def test_a_folder_that_has_a_checkpoint_is_left_alone(saved: Checkpoint, tmp_path: Path) -> None:
    run = tmp_path / "run"
    before = {path: path.read_bytes() for path in run.rglob("*.safetensors")}
    for folder, held in ((run / "checkpoints", "checkpoint-000000005.safetensors"), (run, "checkpoints")):
        words = ["export", "--checkpoint", str(run), "--form", "checkpoint", "--output", str(folder)]
        done = CliRunner().invoke(copa, words)
        assert isinstance(done.exception, ConfigError)
        assert f"--output {folder} holds {held} already; give a folder without checkpoints" in str(done.exception)
    assert {path: path.read_bytes() for path in run.rglob("*.safetensors")} == before
