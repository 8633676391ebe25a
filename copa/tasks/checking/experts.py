"""Checks of the hand-written expert."""

import numpy as np

from copa.tasks.checking.repeating import require_batches_agree
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import Check, Subject


def expert_plays(subject: Subject) -> None:
    """The expert gives available actions in every game, the same ones for the same game."""
    spec = subject.spec
    for team in spec.teams:
        task = subject.task(team)
        episodes = np.arange(task.games)
        view = task.reset(episodes, episodes)
        for number in range(spec.horizon):
            actions = task.greedy()
            where = f"(team {team!r}, step {number + 1})"
            shape = (task.games, spec.slots)
            if not isinstance(actions, np.ndarray) or actions.shape != shape or actions.dtype != np.int64:
                found = f"{getattr(actions, 'dtype', type(actions).__name__)}{list(np.shape(actions))}"
                raise ContractError(f"greedy() gives {found} instead of int64{list(shape)} {where}")
            if actions.min() < 0 or actions.max() >= len(spec.actions):
                raise ContractError(
                    f"greedy() gives actions {actions.min()} to {actions.max()} of {len(spec.actions)} {where}"
                )
            allowed = np.take_along_axis(view.available, actions[..., None], axis=2)[..., 0]
            for game, slot in np.argwhere(view.members() & ~allowed)[:1].tolist():
                raise ContractError(
                    f"greedy() gives game {game}, slot {slot} action {actions[game, slot]}, which is not available"
                    f" {where}"
                )
            view = task.step(actions).view
    require_batches_agree(subject, greedy=True)


GREEDY = Check("greedy", "the expert gives int64 actions that are available, the same in any batch", expert_plays)
