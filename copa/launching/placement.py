"""What each role reserves in the cluster, and where it may be."""

from collections.abc import Mapping

from ray.util.placement_group import PlacementGroup, placement_group

from copa.config.schema import Config
from copa.launching.cluster import resources
from copa.supervisor.programs import roles_of

LEARNER_CPUS = 2
"""Reserved, and used, by a learner whose `learner.threads` is not set."""

SHARE = 0.001
"""Part of a resource of the user's that a role takes: the resource says where, not how many."""

Resources = dict[str, float]


def reserved(config: Config, role: str, on: Mapping[str, str], *, gpus: bool) -> Resources:
    """CPUs, GPUs and further resources of one process of `role`.

    `on` maps roles to a resource that their node must have; `gpus`: whether there are any in the cluster.
    """
    cpus = {
        "learner": config.learner.threads or LEARNER_CPUS,
        "coach": 1,
        "evaluator": config.evaluator.threads,
        "actor": config.actor.threads,
    }
    found: Resources = {"CPU": float(cpus[role])}
    if role == "learner" and config.learner.device != "cpu" and (gpus or config.learner.device != "auto"):
        found["GPU"] = 1.0
    if role in on:
        found[on[role]] = SHARE
    return found


def core(config: Config, on: Mapping[str, str], *, gpus: bool) -> tuple[list[str], PlacementGroup]:
    """The roles that belong together, and a group with a bundle for each: on one node, or on as few as can be."""
    roles = [role for role, _ in roles_of(config) if role != "actor"]
    return roles, placement_group([reserved(config, role, on, gpus=gpus) for role in roles], strategy="PACK")


def needed(config: Config, on: Mapping[str, str], *, gpus: bool) -> Resources:
    """What all roles reserve together."""
    total: Resources = {}
    for role, _ in roles_of(config):
        for name, amount in reserved(config, role, on, gpus=gpus).items():
            total[name] = total.get(name, 0.0) + amount
    return total


def shortage(config: Config, on: Mapping[str, str]) -> str | None:
    """What the cluster has too little of for all roles to run at once, in words."""
    there = resources()
    short = [
        f"{there.get(name, 0):g} of {amount:g} {name}"
        for name, amount in needed(config, on, gpus=there.get("GPU", 0) > 0).items()
        if amount > there.get(name, 0)
    ]
    return ", ".join(short) or None
