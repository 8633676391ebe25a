"""Options of the task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from copa.errors import ConfigError
from copa.tasks.base import Option
from copa.tasks.starcraft.engines import EngineName
from copa.tasks.starcraft.view import DeadForm, TraitForm
from copa.tasks.suggest import unknown

TEAMS = {
    "3-8": range(3, 9),
    "3-5": range(3, 6),
    "6-8": range(6, 9),
    **{str(size): range(size, size + 1) for size in range(3, 9)},
}
"""Units per side by team; a team's scenarios are those of the set with so many."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "engine": ("micro", "sc2"),
    "traits": ("full", "refil"),
    "dead": ("absent", "present"),
    "timeout": ("truncated", "terminal"),
    "train": ("3-8", "3-5"),
}
"""Options and their values; the first is the default."""


@dataclass(frozen=True, slots=True)
class Options:
    """Checked options."""

    engine: EngineName
    """Who fights the battles: our own engine, or the game."""
    traits: TraitForm
    """What an agent's traits say: its type and what that means, or its type alone."""
    dead: DeadForm
    """Whether a unit that died is gone from masks, or stays as a row."""
    timeout: str
    """A battle that is open after the last step is `truncated`, or `terminal` like a lost one."""
    train: str
    """The team that is trained with."""

    @property
    def teams(self) -> tuple[str, ...]:
        """All teams, the one that is trained with first."""
        return (self.train, *(team for team in TEAMS if team != self.train))

    @property
    def held_out(self) -> tuple[str, ...]:
        """Teams of sizes that training does not see."""
        return ("6-8",) if self.train == "3-5" else ()


def read_options(given: Mapping[str, Option], task: str) -> Options:
    """Check `given`; raises ConfigError naming the option, its value and what is allowed."""
    for name, value in given.items():
        if name not in ALLOWED:
            raise ConfigError(unknown(f"option of {task}", name, ALLOWED))
        if value not in ALLOWED[name]:
            raise ConfigError(unknown(f"value of option {name!r} of {task}", value, ALLOWED[name]))
    chosen = {name: str(given.get(name, values[0])) for name, values in ALLOWED.items()}
    return Options(
        engine=cast(EngineName, chosen["engine"]),
        traits=cast(TraitForm, chosen["traits"]),
        dead=cast(DeadForm, chosen["dead"]),
        timeout=chosen["timeout"],
        train=chosen["train"],
    )
