"""Golden learner updates: one whole update of the published program."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from copa.config.schema import Config, LearningSettings, MethodSettings, NetSettings
from copa.learning import Noise, Outcome, UpdateRule, to_device
from copa.segments import NO_ACTION, Segments
from copa.tasks.base import TaskSpec
from tests.golden.report import Report

RELATIVE, ABSOLUTE = 1e-4, 1e-6
_HYPER_NETS = {"first": "W1", "first_bias": "b1", "second": "w2", "second_bias": "b2"}
_MATRICES = {"queries": "WQs", "keys": "WKs", "values": "WVs"}

Arrays = Mapping[str, NDArray[Any]]


def recognises(arrays: Arrays) -> bool:
    """Whether `arrays` are of this format."""
    return {"batch/o", "batch/ms", "out/q_tot", "initial/player/agent_encode.weight"} <= set(arrays)


def check(arrays: Arrays, *, cut: bool = True, part_segments: int | None = None) -> Report:
    """Make the recorded update with our networks and compare everything recorded.

    Deviations are `|ours - golden| / (|golden| + 0.01)`, at most 1e-4: that is 1e-4 relative or 1e-6 absolute.

    Args:
        cut, part_segments: as in `to_device`.
    """
    rule = rule_of(arrays)
    batch = to_device(segments_of(arrays), torch.device("cpu"), cut=cut, part_segments=part_segments)
    outcome = rule.update(batch, progress=0.0, noise=noise_of(arrays))
    ours = outputs(outcome)
    deviations = {name: _deviation(ours[name[4:]], arrays[name]) for name in arrays if name.startswith("out/")}
    for name, value in parameters(rule).items():
        net = f"after_one_update/{name.split('.')[0]}"
        deviation = _deviation(value, recorded(arrays, "after_one_update", name))
        deviations[net] = max(deviations.get(net, 0.0), deviation, key=_worst)
    return Report(deviations, dict.fromkeys(deviations, RELATIVE))


def rule_of(arrays: Arrays) -> UpdateRule:
    """An update rule with the recorded first weights, every setting at `published`."""
    width = arrays["initial/player/rnn.weight_hh"].shape[1]
    if "initial/posterior/mean.0.weight" in arrays:
        method = "copa"
    elif "initial/coach/mean.weight" in arrays:
        method = "copa-novi"
    else:
        method = "refil" if "noise/imagined_group" in arrays else "aqmix"
    T = arrays["out/q_tot"].shape[1]
    heads = sum(name.startswith("initial/player/mha.WQs.") for name in arrays)
    config = Config(
        method=MethodSettings(name=method, T=T, imagined_weight=0.5),
        nets=NetSettings(width=width, heads=heads),
        learning=LearningSettings(joiner="published"),
    )
    rule = UpdateRule(spec_of(arrays), config, torch.device("cpu"))
    state = rule.state()
    for name in parameters(rule):
        state[name] = torch.from_numpy(recorded(arrays, "initial", name))
    rule.load(state)
    return rule


def parameters(rule: UpdateRule) -> dict[str, torch.Tensor]:
    """All parameters of `rule`, target copies included."""
    nets = ("player", "mixer", "coach", "posterior")
    return {name: value for name, value in rule.state().items() if name.split(".")[0].removeprefix("target_") in nets}


def spec_of(arrays: Arrays) -> TaskSpec:
    """The task of the recording, as far as its arrays tell."""
    return TaskSpec(
        name="golden",
        slots=arrays["batch/o"].shape[2],
        entity_rows=arrays["batch/e"].shape[2],
        agent_features=arrays["batch/o"].shape[3],
        trait_features=arrays["batch/c"].shape[3],
        entity_features=arrays["batch/e"].shape[3],
        actions=tuple(str(action) for action in range(len(arrays["initial/player/q_head.2.bias"]))),
        horizon=145,
        recorded_steps=145,
        trait_centre=(0.5,) * arrays["batch/c"].shape[3],
        first_action="action 0",
        teams=("train",),
        held_out=(),
    )


def segments_of(arrays: Arrays) -> Segments:
    """The recorded batch as segments."""
    count, views, slots = arrays["batch/u"].shape
    T = views - 1
    actions = len(arrays["initial/player/q_head.2.bias"])
    zeros = np.zeros(count, np.int64)
    return Segments(
        agents=arrays["batch/o"].astype(np.float32),
        traits=arrays["batch/c"].astype(np.float32),
        entities=arrays["batch/e"].astype(np.float32),
        visible=arrays["batch/m"] > 0,
        present=arrays["batch/ms"] > 0,
        available=np.ones((count, views, slots, actions), np.bool_),
        actions=arrays["batch/u"][:, :T],
        rewards=arrays["batch/r"][:, :T].astype(np.float32),
        lengths=np.full(count, T, np.int64),
        terminated=np.zeros(count, np.bool_),
        episode_end=np.zeros(count, np.bool_),
        previous=np.full((count, slots), NO_ACTION, np.int64),
        memory=np.zeros((count, slots, 0), np.float32),
        episodes=zeros,
        first_steps=zeros,
        player_versions=zeros,
        coach_versions=zeros,
    )


def noise_of(arrays: Arrays) -> Noise:
    """The recorded draws."""

    def draw(name: str) -> torch.Tensor | None:
        return torch.from_numpy(arrays[f"noise/{name}"]) if f"noise/{name}" in arrays else None

    groups = draw("imagined_group")
    return Noise(
        draw("coach_t0"),
        draw("target_coach_t0"),
        draw("target_coach_T"),
        None if groups is None else groups > 0,
    )


def outputs(outcome: Outcome) -> dict[str, torch.Tensor]:
    """What the recordings hold of an outcome, by their names."""
    norms = [norm for norm in (outcome.player_grad_norm, outcome.coach_grad_norm) if norm is not None]
    named = {
        "q_tot": outcome.q_tot,
        "td_target": outcome.td_target,
        "td_loss": outcome.td_loss,
        "nll": outcome.nll,
        "imagined_q_tot": outcome.imagined_q_tot,
        "imagined_td_loss": outcome.imagined_td_loss,
        "grad_norms_before_clip": torch.stack(norms),
    }
    return {name: value for name, value in named.items() if value is not None}


def recorded(arrays: Arrays, folder: str, name: str) -> NDArray[Any]:
    """The recorded value of our parameter `name`, in our layout."""
    net, _, rest = name.partition(".")
    place = f"{folder}/{net}/"
    if rest.startswith("encoders."):
        _, index, rest = rest.split(".", 2)
        return _attention(arrays, f"{place}mixer_{list(_HYPER_NETS.values())[int(index)]}.", rest)
    if rest.startswith("attention."):
        return _attention(arrays, place, rest.removeprefix("attention."))
    if net.endswith("mixer"):
        _, hyper, layer = rest.split(".", 2)
        with_coach = f"{place}coach_mixer_{_HYPER_NETS[hyper]}.{_numbered(layer)}"
        alone = f"{place}mixer_{_HYPER_NETS[hyper]}.head.{_numbered(layer)}"
        return arrays[with_coach if with_coach in arrays else alone]
    if net.endswith("player"):
        head, _, last = rest.partition(".")
        if last == "weight" and head in ("hidden", "strategy"):
            weight = arrays[f"{place}q_head.0.weight"]
            return weight[:, : len(weight)] if head == "hidden" else weight[:, len(weight) :]
        renamed = {"mlp": "personal", "memory": "rnn", "hidden": "q_head.0", "out": "q_head.2"}[head]
        return arrays[f"{place}{renamed}.{_numbered(last)}"]
    return arrays[place + _numbered(rest)]


def _numbered(layer: str) -> str:
    """Our names of two layers as the recording numbers them."""
    return layer.replace("first.", "0.").replace("second.", "2.")


def _attention(arrays: Arrays, place: str, rest: str) -> NDArray[Any]:
    if rest in _MATRICES:
        prefix = f"{place}mha.{_MATRICES[rest]}."
        return np.stack([arrays[f"{prefix}{head}"] for head in range(sum(key.startswith(prefix) for key in arrays))])
    layer, _, last = rest.partition(".")
    renamed = {"agents": "agent_encode", "entities": "other_encode", "encode": "mha.encode.1"}[layer]
    return arrays[f"{place}{renamed}.{last}"]


def _worst(deviation: float) -> float:
    return float("inf") if np.isnan(deviation) else deviation


def _deviation(ours: torch.Tensor, golden: NDArray[Any]) -> float:
    difference = np.abs(ours.numpy().astype(np.float64) - golden)
    return float((difference / (np.abs(golden) + ABSOLUTE / RELATIVE)).max())
