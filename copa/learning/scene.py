"""A part of a batch as the networks look at it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from copa.config.schema import Config
from copa.learning.batch import Part
from copa.methods import Method, sight
from copa.nets.rows import Rows, build_rows
from copa.tasks.base import TaskSpec


@dataclass(frozen=True, slots=True)
class Scene:
    """T+1 views of N segments."""

    rows: Rows
    """[T+1, N, R, ...]"""
    members: Tensor
    """[T+1, N, A] bool"""
    present: Tensor
    """[T+1, N, R, A heads], what the coach and the mixer look at, and the posterior at coach steps (`Rows.look`)."""
    visible: Tensor
    """[T+1, N, R, A heads], what agents see by themselves."""
    sight: Tensor
    """[T+1, N, R, A heads], what the method lets players see."""
    memory: Tensor | None
    """[N, A, W], the players' memory at the first view; None for zeros."""


def build_scene(spec: TaskSpec, config: Config, method: Method, part: Part, slots: int) -> Scene:
    """Lay out `part` of a task with `slots` agent slots.

    An agent that was not there a step before has no previous action; nor has any at the first step, unless the
    acting state is stored (`learning.segment_start`).
    """
    members = part.present.any(-1)
    stored = config.learning.segment_start == "stored"
    first = part.previous if stored else torch.full_like(part.previous, -1)
    acted = part.actions.masked_fill(~members[:-1], -1)
    none = torch.zeros_like(first).unsqueeze(0)
    rows = build_rows(
        spec,
        part.agents,
        part.traits,
        part.entities,
        members,
        previous=torch.cat([first.unsqueeze(0), acted]),
        actions=torch.cat([part.actions, none]),
        cut=slots - members.shape[-1] if config.nets.attention == "published" else 0,
    )
    memory = part.memory if stored and part.memory.shape[-1] else None
    heads = config.nets.heads
    present, visible = rows.look(part.present, heads), rows.look(part.visible, heads)
    if method.sight == "visible":
        return Scene(rows, members, present, visible, visible, memory)
    steps = torch.arange(len(members), device=members.device).view(-1, 1, 1, 1)
    seen = sight(method, part.visible, part.present, steps, config.method.T)
    return Scene(rows, members, present, visible, rows.look(seen, heads), memory)


def imagined_split(scene: Scene, groups: Tensor, split: str, heads: int) -> tuple[Tensor, Tensor]:
    """Masks of pairs in the same group, and of pairs in different ones; each [N, R, A heads] (`Rows.look`).

    An agent is in the first group where it is present at the first step (`entities`, published), or where `groups`
    says so (`both`, REFIL's paper).

    Args:
        groups: [N, A+E] bool.
    """
    own = scene.members[0] if split == "entities" else groups[:, : scene.rows.slots]
    same = own.unsqueeze(-1) == groups.unsqueeze(1)
    return scene.rows.look(same, heads), scene.rows.look(~same, heads)
