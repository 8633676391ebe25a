"""Table 3 of the paper, held by the defaults of the configuration."""

import json

import pytest

from copa.cli.main import run
from copa.config.load import resolve
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.methods import method_named
from copa.replay.limits import Limits

CONFIG = Config()

TABLE_3 = {
    "replay.capacity": 100_000,
    "nets.heads": 4,
    "actor.games": 8,
    "nets.width": 128,
    "learning.gamma": 0.99,
    "learning.lr": 3e-4,
    "learning.optimizer": "rmsprop",
    "learning.rmsprop_alpha": 0.99,
    "learning.optimizer_eps": 1e-5,
    "learning.clip": 10.0,
    "learning.target_every": 200,
    "learning.lambda1": 1e-3,
    "learning.lambda2": 1e-4,
    "run.steps": 5_000_000,
    "exploration.start": 1.0,
    "exploration.end": 0.05,
    "method.T": 4,
}
PUBLISHED_PROGRAM = {
    "learning.steps_per_update": 100,
    "learning.target_rate": None,
    "learning.td_lambda": 0.0,
    "learning.double_q": False,
    "learning.reward_scale": 1.0,
    "learning.lr_end": 1.0,
    "learning.average": "published",
    "learning.segment_start": "zeros",
    "nets.attention": "published",
    "nets.attention_norm": False,
    "nets.attention_skip": False,
    "nets.memory": "published",
    "nets.memory_span": "episode",
    "nets.strategy_input": "concat",
    "nets.mixer": "published",
    "nets.logvar_start": None,
    "method.imagined_weight": 0.5,
    "method.refil_split": "entities",
    "exploration.fraction": 1.0,
    "exploration.form": "steps",
    "replay.rewarded_share": 0.0,
}


@pytest.mark.parametrize(("setting", "value"), (TABLE_3 | PUBLISHED_PROGRAM).items())
def test_default(setting: str, value: object) -> None:
    section, name = setting.split(".")
    assert getattr(getattr(CONFIG, section), name) == value


def test_batch_of_table_3() -> None:
    assert method_named("aqmix").batch(CONFIG) == 256
    assert method_named("copa").batch(CONFIG) == 512


@pytest.mark.parametrize(
    ("T", "batch", "minimum"), [("4", 512, 1000), ("2", 1024, 1024), ("1", 2048, 2048), ("8", 256, 1000)]
)
def test_a_large_batch_raises_the_minimum(T: str, batch: int, minimum: int, capsys: pytest.CaptureFixture[str]) -> None:
    config = resolve(preset="paper", flags={"method.T": T}).config
    limits = Limits.of(config, method_named(config.method.name).batch(config))
    limits.check()
    assert (limits.batch, limits.minimum) == (batch, minimum)
    assert run(["config", "show", "--preset", "paper", "--method.T", T, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["resolved"] == {"batch": batch, "minimum": minimum}
    assert run(["config", "show", "--preset", "paper", "--method.T", T]) == 0
    assert f"# {batch} segments per update" in capsys.readouterr().out


def test_a_batch_beyond_the_capacity_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"learning\.batch is 2000 and replay\.capacity 1500"):
        resolve(preset="paper", flags={"learning.batch": "2000", "replay.capacity": "1500"})


def test_joiners_get_their_own_strategy_by_default() -> None:
    assert CONFIG.learning.joiner == "fresh"
