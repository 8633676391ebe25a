"""A trained player and coach as ONNX files, with a description of their inputs and outputs."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.errors import DataError, UnavailableError
from copa.exporting.plain import PlainCoach, PlainPlayer
from copa.extras import installing
from copa.methods import method_named
from copa.nets import build_coach, build_player, load_weights, method_width
from copa.tasks import task_spec
from copa.tasks.base import TaskSpec

OPSET = 20

TOLERANCE = 1e-4
"""Largest difference to the networks themselves that an export may have."""

_FORMAT = "copa-onnx-1"


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    files: tuple[Path, ...]
    deviation: float
    """Largest absolute difference between the files' outputs and those of the networks."""


def export(saved: Checkpoint, folder: Path) -> Export:
    """Write `player.onnx`, `coach.onnx` (where the method has one) and `team.json` into `folder`, and check them.

    Raises:
        UnavailableError: the packages of the extra `onnx` are missing, or `folder` cannot be written.
        DataError: what was written does not compute what the networks compute.
    """
    _needed()
    config = saved.config
    spec = task_spec(config.task.name, config.task.options)
    nets = _networks(spec, config, saved.playing)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (plain, _) in nets.items():
            _write(folder / f"{name}.onnx", plain, example(spec, config, name))
        deviation = max(
            _deviation(folder / f"{name}.onnx", net, example(spec, config, name, games=7, seed=1))
            for name, (_, net) in nets.items()
        )
        description = folder / "team.json"
        description.write_text(json.dumps(_about(spec, saved, list(nets)), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"--output {folder} cannot be written: {error.strerror}") from None
    if deviation > TOLERANCE:
        raise DataError(
            f"the files in {folder} differ from the networks by {deviation:.2g}, more than {TOLERANCE:g}; do not use"
            " them, and report this with the versions of torch, onnxscript and onnxruntime"
        )
    return Export((*(folder / f"{name}.onnx" for name in nets), description), deviation)


def _needed() -> None:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UnavailableError(f"export needs {error.name}: {installing('onnx')}") from None
    onnxruntime.set_default_logger_severity(3)


Network = Callable[..., tuple[Tensor, ...]]


def _networks(spec: TaskSpec, config: Config, tensors: Mapping[str, Tensor]) -> dict[str, tuple[nn.Module, Network]]:
    """By name, what is written, and the network that it must equal."""
    player = build_player(spec, config)
    load_weights(player, tensors, "player.")

    def step(strategies: Tensor | None = None, **inputs: Tensor) -> tuple[Tensor, ...]:
        return player.step(**inputs, strategies=strategies)

    nets: dict[str, tuple[nn.Module, Network]] = {"player": (PlainPlayer(player), step)}
    if method_named(config.method.name).coach:
        coach = build_coach(spec, config)
        load_weights(coach, tensors, "coach.")
        nets["coach"] = (PlainCoach(coach), lambda **inputs: (coach(**inputs).mean,))
    return nets


def example(spec: TaskSpec, config: Config, name: str, games: int = 3, seed: int = 0) -> dict[str, Tensor]:
    """Inputs by name of the network `name`, random ones, of `games` teams of which one lacks an agent."""
    generator = torch.Generator().manual_seed(seed)

    def numbers(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    slots, width = spec.slots, method_width(spec, config)
    members = torch.ones(games, slots, dtype=torch.bool)
    members[0, -1] = False
    rows = torch.cat([members, torch.ones(games, spec.entity_rows, dtype=torch.bool)], 1)
    present = members.unsqueeze(-1) & rows.unsqueeze(1)
    inputs = {
        "agents": numbers(games, slots, spec.agent_features),
        "traits": numbers(games, slots, spec.trait_features),
        "entities": numbers(games, spec.entity_rows, spec.entity_features),
    }
    if name == "coach":
        return inputs | {"present": present}
    inputs |= {
        "visible": present & (numbers(games, slots, spec.rows) > 0),
        "members": members,
        "previous": torch.randint(-1, len(spec.actions), (games, slots), generator=generator),
        "memory": numbers(games, slots, width),
    }
    return inputs | ({"strategies": numbers(games, slots, width)} if method_named(config.method.name).coach else {})


def _write(path: Path, net: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    games, slots, entities = Dim("games"), Dim("slots", min=2), Dim("entities", min=2)
    rows = Dim.AUTO  # slots + entities
    shapes = {
        name: {0: games, 1: entities if name == "entities" else slots}
        | ({2: rows} if name in ("visible", "present") else {})
        for name in inputs
    }
    outputs = ["strategies"] if "present" in inputs else ["values", "memory_after"]
    for noisy in ("onnxscript", "torch.onnx"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (),
            path,
            kwargs=dict(inputs),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _deviation(path: Path, net: Network, inputs: Mapping[str, Tensor]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    with torch.inference_mode():
        expected = net(**inputs)
    return max(float(np.abs(one - other.numpy()).max()) for one, other in zip(found, expected, strict=True))


def _about(spec: TaskSpec, saved: Checkpoint, nets: list[str]) -> dict[str, Any]:
    """What a program without COPA needs to use the files; shapes are in letters of the documentation."""
    config = saved.config
    method, width = method_named(config.method.name), method_width(spec, config)
    return {
        "format": _FORMAT,
        "files": {name: f"{name}.onnx" for name in nets},
        "task": asdict(spec),
        "method": method.name,
        "options": dict(config.task.options),
        "updates": saved.updates,
        "T": config.method.T,
        "width": width,
        "sight": method.sight,
        "memory_span": config.nets.memory_span,
        "segment_steps": config.segment_steps,
        "no_action": -1,
        "inputs": {
            "agents": ["games", "slots", spec.agent_features],
            "traits": ["games", "slots", spec.trait_features],
            "entities": ["games", "entities", spec.entity_features],
            "visible": ["games", "slots", "slots + entities"],
            "present": ["games", "slots", "slots + entities"],
            "members": ["games", "slots"],
            "previous": ["games", "slots"],
            "memory": ["games", "slots", width],
            "strategies": ["games", "slots", width],
        },
    }
