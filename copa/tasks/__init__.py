"""Tasks, found by name.

A task is a class that an entry point of the group `copa.tasks` names; any installed package may bring one.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points

from copa.errors import ConfigError
from copa.tasks.base import Option, Task, TaskSpec, TaskType
from copa.tasks.rescue import Rescue
from copa.tasks.resource_collection import ResourceCollection
from copa.tasks.starcraft import MarinesMaraudersMedivacs, ZealotsAndStalkers
from copa.tasks.suggest import unknown

GROUP = "copa.tasks"
BUILT_IN: dict[str, TaskType] = {
    "rescue": Rescue,
    "resource_collection": ResourceCollection,
    "starcraft/3-8MMM": MarinesMaraudersMedivacs,
    "starcraft/3-8sz": ZealotsAndStalkers,
}
"""Tasks that need no entry point, so that a bare checkout has them."""


def task_names() -> list[str]:
    """Names of all tasks there are."""
    return sorted({*BUILT_IN, *entry_points(group=GROUP).names})


def task_spec(name: str, options: Mapping[str, Option] | None = None) -> TaskSpec:
    """Sizes and conventions of a task; raises ConfigError for a name or option that does not exist."""
    return find(name).describe(options or {})


def make_task(
    name: str, *, games: int, seed: int, team: str | None = None, options: Mapping[str, Option] | None = None
) -> Task:
    """`games` games of a task, none of them started; `team` is its training distribution when not given.

    Raises ConfigError for a name, team or option that does not exist.
    """
    kind = find(name)
    chosen = options or {}
    return kind(games=games, seed=seed, team=team or kind.describe(chosen).teams[0], options=chosen)


def find(name: str) -> TaskType:
    """The class of the task `name`; raises ConfigError where there is none, or where it cannot be imported."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise ConfigError(unknown("task", name, task_names()))
    entry = next(iter(found))
    try:
        kind: TaskType = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"Task {name!r} ({entry.value}) cannot be imported: {error}. Reinstall it.") from error
    return kind
