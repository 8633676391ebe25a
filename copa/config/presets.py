"""Presets: named differences from the schema's defaults, which are the paper's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copa.errors import ConfigError
from copa.suggest import did_you_mean

DEFAULT = "quick"
"""The preset of a run that names none."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named choice of settings, by path."""

    summary: str
    settings: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name of a task: settings that differ from `settings` where that task is played."""


_QUICK: dict[str, Any] = {
    "run.name": "quick",
    "run.steps": 4_500_000,
    "nets.width": 64,
    "nets.attention": "masked",
    "nets.attention_norm": True,
    "nets.attention_skip": True,
    "nets.memory": "gru",
    "nets.memory_span": "segment",
    "nets.mixer": "scaled",
    "nets.logvar_start": -4.0,
    "learning.gamma": 0.97,
    "learning.td_lambda": 0.8,
    "learning.reward_scale": None,
    "learning.optimizer": "adam",
    "learning.optimizer_eps": 1e-5,
    "learning.lr": 8e-4,
    "learning.lr_end": 0.08,
    "learning.batch": 64,
    "learning.steps_per_update": 250,
    "learning.clip": 10.0,
    "learning.target_rate": 0.01,
    "learning.averaging_rate": 0.004,
    "learning.lambda1": 4e-6,
    "learning.lambda2": 4e-7,
    "learning.average": "present",
    "learning.flush_denormals": True,
    "exploration.fraction": 0.25,
    "exploration.form": "stretches",
    "exploration.repeat": 0.5,
    "replay.capacity": 50_000,
    "replay.rewarded_share": 0.5,
    "actor.games": 64,
}

_STARCRAFT_LEARNING: dict[str, Any] = {
    "learning.double_q": True,
    "learning.reward_scale": 1.0,
    "learning.lambda1": 4e-5,
    "learning.lambda2": 4e-6,
}
"""What the runs behind docs/results/starcraft.md had; with the common reward scale and weights 3-8sz ended lower."""

_LEARNING_OF_TASKS: dict[str, dict[str, Any]] = {
    "starcraft/3-8sz": _STARCRAFT_LEARNING,
    "starcraft/3-8MMM": _STARCRAFT_LEARNING,
}

_QUICK_STEPS: dict[str, int] = {"rescue": 3_000_000, "starcraft/3-8sz": 2_500_000, "starcraft/3-8MMM": 2_500_000}
"""Steps with more bodies take longer to learn from: at most as many minutes, fewer steps."""

_QUICK_TASKS: dict[str, dict[str, Any]] = {
    name: {"run.steps": steps} | _LEARNING_OF_TASKS.get(name, {}) for name, steps in _QUICK_STEPS.items()
}

_BEST: dict[str, Any] = _QUICK | {
    "run.name": "best",
    "run.steps": 9_000_000,
    "method.T": 2,
    "learning.gamma": 0.99,
    "learning.lr": 6e-4,
    "learning.lr_end": 0.1,
    "learning.averaging_rate": 0.002,
    "learning.periods": 8,
    "learning.batch": 20,
    "learning.steps_per_update": 160,
    "exploration.fraction": 0.143,
    "replay.capacity": 25_000,
    "replay.minimum": 500,
    "evaluator.seconds": 150.0,
    "evaluator.final_episodes": 500,
}

_SMOKE: dict[str, Any] = _QUICK | {
    "run.name": "smoke",
    "run.steps": 12_000,
    "nets.width": 16,
    "nets.heads": 2,
    "learning.batch": 32,
    "learning.steps_per_update": 50,
    "replay.capacity": 4_000,
    "replay.minimum": 200,
    "actor.games": 16,
    "learner.publish_seconds": 0.5,
    "learner.publish_updates": 5,
    "learner.checkpoint_seconds": 2.0,
    "learner.log_seconds": 1.0,
    "evaluator.seconds": 3.0,
    "evaluator.episodes": 4,
    "evaluator.final_episodes": 8,
}

_STARCRAFT: dict[str, Any] = {
    "run.steps": 12_000_000,
    "task.options": {"timeout": "terminal"},
    "method.refil_split": "both",
    "nets.attention": "masked",
    "nets.memory": "gru",
    "learning.double_q": True,
    "learning.lr": 5e-4,
    "learning.batch": 400,
    "learning.steps_per_update": 50,
    "learning.lambda1": 5e-5,
    "learning.lambda2": 5e-6,
    "learning.segment_start": "stored",
    "exploration.fraction": 500_000 / 12_000_000,
    "replay.capacity": 65_000,
    "evaluator.episodes": 160,
}
"""The paper's steps and weights, and REFIL's settings: 32 of the last 5,000 episodes for an update after each, at about
50 steps an episode."""

PRESETS: dict[str, Preset] = {
    "paper": Preset("Table 3 of the paper: 5,000,000 steps, width 128, RMSprop.", {}),
    "quick": Preset("A small network that learns the task in minutes on two cores.", _QUICK, _QUICK_TASKS),
    "best": Preset(
        "The network of quick for an hour on two cores, further than quick, and more at ease with a silent coach.",
        _BEST,
        _LEARNING_OF_TASKS,
    ),
    "starcraft-3-8sz": Preset(
        "StarCraft 3-8sz as in the paper and REFIL: 12,000,000 steps.",
        _STARCRAFT | {"run.name": "starcraft-3-8sz", "task.name": "starcraft/3-8sz"},
    ),
    "starcraft-3-8MMM": Preset(
        "StarCraft 3-8MMM as in the paper and REFIL: 12,000,000 steps.",
        _STARCRAFT | {"run.name": "starcraft-3-8MMM", "task.name": "starcraft/3-8MMM"},
    ),
    "smoke": Preset(
        "Seconds: a tiny run through every process, to see that everything works.", _SMOKE, _LEARNING_OF_TASKS
    ),
}


def preset_named(name: str) -> Preset:
    """The preset called `name`; raises ConfigError when there is none."""
    if name not in PRESETS:
        raise ConfigError(
            f"preset: there is no preset {name!r}{did_you_mean(name, PRESETS)}; there are {', '.join(PRESETS)}"
        )
    return PRESETS[name]
