"""Methods, their batch sizes and what their players see."""

import numpy as np
import pytest
import torch

from copa.config.schema import Config, LearningSettings, MethodSettings
from copa.errors import ConfigError
from copa.methods import METHODS, Method, method_named, sight


@pytest.mark.parametrize(
    ("name", "T", "batch"), [("copa", 2, 1024), ("copa-novi", 8, 256), ("copa", 24, 85), ("refil", 8, 256)]
)
def test_batch_rule(name: str, T: int, batch: int) -> None:
    config = Config(method=MethodSettings(name=name, T=T))
    assert method_named(name).batch(config) == batch


def test_batch_can_be_set() -> None:
    assert METHODS["copa"].batch(Config(learning=LearningSettings(batch=7))) == 7


def test_unknown_method() -> None:
    with pytest.raises(ConfigError, match=r"method.name is 'coppa' \(did you mean 'copa'\?\); allowed are copa, "):
        method_named("coppa")


def test_declarations_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="coach"):
        Method("x", "x", variational=True)
    with pytest.raises(ValueError, match="coach"):
        Method("x", "x", coach=True, imagined=True)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_sight(kind: str) -> None:
    visible = np.zeros((2, 3, 5), np.bool_)
    visible[..., 0] = True
    present = np.ones((2, 3, 5), np.bool_)
    if kind == "torch":
        visible, present = torch.from_numpy(visible), torch.from_numpy(present)
    assert (sight(METHODS["aqmix"], visible, present, 0, 4) == visible).all()
    assert (sight(METHODS["aqmix-full"], visible, present, 1, 4) == present).all()
    periodic = METHODS["aqmix-periodic"]
    assert (sight(periodic, visible, present, 8, 4) == present).all()
    assert (sight(periodic, visible, present, 9, 4) == visible).all()
    steps = np.array([4, 5]).reshape(2, 1, 1)
    each = sight(periodic, visible, present, steps if kind == "numpy" else torch.from_numpy(steps), 4)
    assert (each[0] == present[0]).all()
    assert (each[1] == visible[1]).all()
