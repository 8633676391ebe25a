"""Small update rules, and how to compare two updates."""

import torch

from copa.config.schema import Config, LearningSettings, MethodSettings, NetSettings
from copa.learning import Noise, Outcome, UpdateRule, to_device
from copa.segments import Segments
from tests.learning.segments import SPEC

CPU = torch.device("cpu")
W = 8


def config_of(method: str = "copa", *, T: int = 4, nets: dict[str, object] | None = None, **learning: object) -> Config:
    return Config(
        method=MethodSettings(name=method, T=T),
        nets=NetSettings.model_validate({"width": W, "heads": 2} | (nets or {})),
        learning=LearningSettings.model_validate(learning),
    )


def noise_for(count: int, periods: int = 1) -> Noise:
    generator = torch.Generator().manual_seed(1)
    normal = [torch.randn(count, SPEC.slots, W, generator=generator) for _ in range(3)]
    groups = torch.rand(count, SPEC.rows, generator=generator) < 0.5
    spoken = torch.rand(count, periods - 1, SPEC.slots, generator=generator) < 0.5
    return Noise(*normal, groups=groups, spoken=spoken if periods > 1 else None)


def update(config: Config, segments: Segments, **options: object) -> tuple[Outcome, dict[str, torch.Tensor]]:
    rule = UpdateRule(SPEC, config, CPU)
    batch = to_device(segments, CPU, **options)  # type: ignore[arg-type]
    noise = noise_for(len(segments), config.learning.periods)
    return rule.update(batch, progress=0.0, noise=noise), rule.state()


def close(one: tuple[Outcome, dict[str, torch.Tensor]], other: tuple[Outcome, dict[str, torch.Tensor]]) -> None:
    torch.testing.assert_close(one[0].scalars(), other[0].scalars(), rtol=1e-4, atol=1e-5)
    for name, tensor in one[1].items():
        torch.testing.assert_close(
            tensor, other[1][name], rtol=1e-4, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


FORMS: list[dict[str, object]] = [
    {},
    {"nets": {"attention": "masked", "memory": "gru", "attention_norm": True, "attention_skip": True}},
    {"average": "present", "double_q": True, "td_lambda": 0.5, "nets": {"mixer": "scaled"}},
    {"joiner": "published", "nets": {"strategy_input": "hyper"}},
    {"T": 2, "periods": 2, "average": "present"},
]
