"""Options of the task, and the variants of its rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from copa.errors import ConfigError
from copa.tasks.base import Option
from copa.tasks.resource_collection.rules import INVADER_DELAY
from copa.tasks.suggest import unknown


@dataclass(frozen=True, slots=True)
class Variant:
    """How fast the world changes."""

    speed: float = 1.0
    """Every agent's top speed is its drawn one times this; the trait shows the product."""
    renewal: bool = True
    """Resources that were picked up reappear."""
    invader: bool = True
    """There are invaders."""
    longest_delay: int = INVADER_DELAY
    """An invader that went comes back after 1 to this many steps."""
    team_period: int = 10
    """Steps between two changes of a team that changes."""


VARIANTS = {
    "standard": Variant(),
    "static": Variant(speed=0.5, renewal=False, invader=False),
    "medium": Variant(speed=0.5, invader=False),
    "dynamic": Variant(longest_delay=1, team_period=5),
}

ALLOWED = {"variant": tuple(VARIANTS), "invader": ("fresh", "carried")}
"""Options and their values; the first is the default."""


@dataclass(frozen=True, slots=True)
class Options:
    """Checked options."""

    variant: Variant
    carried_invader: bool
    """A new episode keeps the invader's absence and delay of the one before, as the published program does."""


def read_options(given: Mapping[str, Option]) -> Options:
    """Check `given`; raises ConfigError naming the option, its value and what is allowed."""
    for name, value in given.items():
        if name not in ALLOWED:
            raise ConfigError(unknown("option of resource_collection", name, ALLOWED))
        if value not in ALLOWED[name]:
            raise ConfigError(unknown(f"value of option {name!r} of resource_collection", value, ALLOWED[name]))
    chosen = {name: given.get(name, values[0]) for name, values in ALLOWED.items()}
    return Options(variant=VARIANTS[str(chosen["variant"])], carried_invader=chosen["invader"] == "carried")
