"""Checks of what a task says about itself."""

from collections.abc import Callable

from copa.errors import ConfigError
from copa.tasks.base import Option, TaskSpec
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import SEED, Check, Subject

NOBODY = "no team has this name"
NOTHING = "no option has this name"


def spec_fits(subject: Subject) -> None:
    """Sizes, names and teams of the spec fit together, and the tasks have it."""
    spec = subject.spec
    if not isinstance(spec, TaskSpec):
        raise ContractError(f"describe() gives {type(spec).__name__} instead of TaskSpec")
    for complaint in _complaints(spec, subject.name):
        raise ContractError(complaint)
    for team in spec.teams:
        task = subject.task(team, games=3)
        if task.spec != spec:
            raise ContractError(f"the spec of a task of team {team!r} is not that of describe()")
        if task.games != 3:
            raise ContractError(f"games is {task.games!r} in a task made with games=3")
        if not isinstance(task.arrivals, int) or task.arrivals < 1:
            raise ContractError(f"arrivals of team {team!r} is {task.arrivals!r}, which is no number of agents from 1")


def _complaints(spec: TaskSpec, name: str) -> list[str]:
    sizes = {"slots": 1, "entity_rows": 1, "agent_features": 1, "trait_features": 0, "entity_features": 1}
    least = sizes | {"horizon": 1, "recorded_steps": 1}
    found = [
        f"{field} is {value!r}, which is no whole number from {low}"
        for field, low in least.items()
        if not isinstance(value := getattr(spec, field), int) or value < low
    ]
    if spec.name != name:
        found.append(f"name is {spec.name!r}, but the task is registered as {name!r}")
    if not spec.actions or len(set(spec.actions)) < len(spec.actions):
        found.append(f"actions is {spec.actions!r}, which is empty or names one twice")
    if not spec.teams or len(set(spec.teams)) < len(spec.teams):
        found.append(f"teams is {spec.teams!r}, which is empty or names one twice")
    found += [f"held_out names {team!r}, which is not in teams" for team in spec.held_out if team not in spec.teams]
    if spec.first_action not in ("action 0", "zeros"):
        found.append(f"first_action is {spec.first_action!r}; allowed are 'action 0' and 'zeros'")
    if not found and spec.recorded_steps > spec.horizon:
        found.append(f"recorded_steps is {spec.recorded_steps}, more than the horizon of {spec.horizon}")
    if not found and len(spec.trait_centre) != spec.trait_features:
        found.append(f"trait_centre has {len(spec.trait_centre)} values for {spec.trait_features} trait features")
    return found


def unknown_is_refused(subject: Subject) -> None:
    """A team or an option that does not exist is a ConfigError."""
    options: dict[str, Option] = subject.options | {NOTHING: 1}
    team = subject.spec.teams[0]
    _refuses("the team", NOBODY, lambda: subject.task(NOBODY))
    _refuses("the option", NOTHING, lambda: subject.kind(games=1, seed=SEED, team=team, options=options))
    _refuses("the option", NOTHING, lambda: subject.kind.describe(options))


def _refuses(kind: str, name: str, make: Callable[[], object]) -> None:
    try:
        make()
    except ConfigError:
        return
    except Exception as error:
        raise ContractError(f"{kind} {name!r} gives {type(error).__name__}: {error}") from error
    raise ContractError(f"{kind} {name!r} is accepted")


SPEC = Check("spec", "sizes, names and teams fit together, and every team has them", spec_fits)
REFUSALS = Check("refusals", "an unknown team or option raises ConfigError", unknown_is_refused)
