"""Options of the task."""

import sys
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
    "client": ("smac", "direct"),
}
"""Options and their values; the first is the default. `python` takes any path."""
GAME_OPTIONS = ("client", "python")
"""Those that mean something with engine `sc2` alone."""


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
    client: str
    """The library that speaks with the game: `smac`, or the game's protocol directly."""
    python: str
    """Interpreter whose environment has that library; the one that runs this where nothing is said."""

    @property
    def engine_settings(self) -> dict[str, str]:
        """What the engine is made with beside battles and seed."""
        return {name: getattr(self, name) for name in GAME_OPTIONS} if self.engine == "sc2" else {}

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
        if name not in ALLOWED and name != "python":
            raise ConfigError(unknown(f"option of {task}", name, [*ALLOWED, "python"]))
        if name in GAME_OPTIONS and given.get("engine") != "sc2":
            raise ConfigError(f"Option {name!r} of {task} is for engine 'sc2'; add engine: sc2, or leave it out.")
        if name in ALLOWED and value not in ALLOWED[name]:
            raise ConfigError(unknown(f"value of option {name!r} of {task}", value, ALLOWED[name]))
    chosen = {name: str(given.get(name, values[0])) for name, values in ALLOWED.items()}
    return Options(
        engine=cast(EngineName, chosen["engine"]),
        traits=cast(TraitForm, chosen["traits"]),
        dead=cast(DeadForm, chosen["dead"]),
        timeout=chosen["timeout"],
        train=chosen["train"],
        client=chosen["client"],
        python=str(given.get("python", sys.executable)),
    )
