"""The teams that the tests of need play with."""

from dataclasses import replace
from pathlib import Path

import torch

from copa import checkpoint
from copa.config.schema import Config
from copa.learning import UpdateRule
from copa.tasks import task_spec

MODELS = Path(__file__).parents[2] / "models"


def skilled(name: str = "resource_collection") -> checkpoint.Checkpoint:
    """The team in models/, without what its coach foretells."""
    saved = checkpoint.load(MODELS / name)
    return replace(saved, tensors={name: each for name, each in saved.tensors.items() if not name.startswith("need.")})


def unskilled(method: str = "copa", T: int = 4) -> checkpoint.Checkpoint:
    config = Config.model_validate(
        {"method": {"name": method, "T": T}, "nets": {"width": 8, "heads": 2, "attention": "masked"}}
    )
    rule = UpdateRule(task_spec(config.task.name), config, torch.device("cpu"))
    return checkpoint.Checkpoint(rule.state(), config, updates=1, steps=1, version=1, counters={})
