"""One episode as it was played: what the bodies did, what the players saw, what the coach said."""

from dataclasses import dataclass

import numpy as np

from copa.acting import joined
from copa.evaluation.evaluate import make_policy
from copa.evaluation.sweep import Player
from copa.methods import method_named, sight
from copa.tasks import make_task, task_spec
from copa.tasks.base import Bools, Floats
from copa.tasks.drawing import Drawing


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment: what was there, and what was said, before the players acted."""

    drawing: Drawing
    members: Bools
    """[A], which slots hold an agent."""
    seen: Bools
    """[A, A+E], which rows each agent looks at; for a method whose players see everything, all that is present."""
    spoken: Bools
    """[A], agents that the coach told a strategy at this moment."""
    strategies: dict[int, Floats]
    """Strategy that each agent holds, [d_z], by slot; empty without a coach."""
    reward: float
    """Of the step that led here, whole team."""
    total: float
    """Return so far."""
    eligible: int
    """Strategies that could have travelled so far."""
    sent: int
    """Strategies that travelled so far."""

    @property
    def rate(self) -> float | None:
        """Share of strategies that travelled so far, per coach step; None without a coach."""
        return self.sent / self.eligible if self.eligible else None


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole episode: a frame before every step, and one of how it ended."""

    task: str
    team: str
    player: str
    """Who played: the method of a checkpoint, `random` or `greedy`."""
    seed: int
    episode: int
    beta: float | None
    """None without a coach."""
    frames: tuple[Frame, ...]
    outcomes: dict[str, float]
    """What the task reports at the end, for instance `battle_won`."""

    @property
    def title(self) -> str:
        """The task's name in words."""
        words = self.task.replace("_", " ").split()
        return " ".join(word[0].upper() + word[1:] for word in words)

    @property
    def slots(self) -> list[int]:
        """Slots that hold an agent at any moment."""
        return [int(slot) for slot in np.flatnonzero(np.any([frame.members for frame in self.frames], axis=0))]

    @property
    def steps(self) -> int:
        """Environment steps played."""
        return len(self.frames) - 1


def record(player: Player, *, team: str, seed: int, episode: int, beta: float = 0.0) -> Recording:
    """Play `episode` of `seed` with the first source of `player`, as evaluation does: no exploration, at `beta`.

    Raises:
        ConfigError: there is no such task or team.
    """
    config, source = player.config, player.sources[0]
    spec = task_spec(config.task.name, config.task.options)
    task = make_task(spec.name, games=1, seed=seed, team=team, options=config.task.options)
    policy = make_policy(config, spec, source, 1, seed, beta)
    method = None if isinstance(source, str) else method_named(config.method.name)
    view = task.reset(np.zeros(1, np.int64), np.array([episode]))
    fresh = view.members()
    running = np.ones(1, np.bool_)
    frames: list[Frame] = []
    outcomes: dict[str, float] = {}
    reward = total = 0.0
    while True:
        step = len(frames)
        drawing = task.drawing(0)
        members = view.members()[0]
        actions = policy.act(task, view, step, fresh, running) if running.any() else None
        told = members if actions is not None else members & ~fresh[0]
        visible = view.visible if method is None else sight(method, view.visible, view.present, step, config.method.T)
        frames.append(
            Frame(
                drawing=drawing,
                members=members,
                seen=visible[0],
                spoken=np.zeros_like(members) if policy.spoken is None or actions is None else policy.spoken[0],
                strategies={}
                if policy.held is None
                else {int(slot): policy.held[0, slot].copy() for slot in np.flatnonzero(told)},
                reward=reward,
                total=total,
                eligible=policy.eligible,
                sent=policy.sent,
            )
        )
        if actions is None:
            break
        result = task.step(actions)
        reward = float(result.reward[0])
        total += reward
        broke_off = result.lost is not None and bool(result.lost[0])
        if broke_off or result.terminated[0] or result.truncated[0]:
            running[:] = False
            outcomes = {name: float(values[0]) for name, values in result.info.items()}
        fresh = joined(view, result.view)
        view = result.view
    return Recording(
        task=spec.name,
        team=team,
        player=player.label,
        seed=seed,
        episode=episode,
        beta=beta if player.has_coach else None,
        frames=tuple(frames),
        outcomes=outcomes,
    )
