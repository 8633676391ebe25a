"""Options of the task: all that the paper leaves open and that has another sensible value."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copa.errors import ConfigError
from copa.tasks.base import Option
from copa.tasks.rescue.rules import FIRES, ROBOTS, SIDE, TRAINING_FIRES
from copa.tasks.suggest import unknown

Skill = Annotated[float, Field(gt=0.0, le=1.0)]
Team = Annotated[int, Field(ge=1, le=ROBOTS)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]


class Options(BaseModel):
    """Checked options."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    fire_probability: Annotated[float, Field(ge=0.0, le=1.0)] = 0.001
    """With which a building that does not burn catches fire, in each step."""
    edges: Literal["stay", "wrap"] = "stay"
    """A move off the grid: the robot stays, or comes out on the other side, where sight and distance then go too."""
    shared_cells: bool = True
    """Robots may share a cell; if not, they move in slot order, and stay where another one stands in the way."""
    add_up: bool = True
    """Skills of robots that put out the same fire add up; if not, the best counts."""
    sight: Annotated[int, Field(ge=0, le=SIDE)] = 2
    """Cells within which a robot sees robots and fires (Chebyshev)."""
    horizon: Steps = 50
    """Steps of an episode."""
    skill_low: Skill = 0.2
    """Least skill in a held-out team."""
    skill_high: Skill = 1.0
    """Most skill in a held-out team."""
    most_fires: Annotated[int, Field(ge=TRAINING_FIRES[0], le=FIRES)] = 8
    """Most fires at the start with a held-out team; the fewest are as in training."""
    team_period: Steps = 10
    """Steps between two changes of a team that varies."""
    smallest_team: Team = 3
    """Robots of a varying team at the start, and the fewest."""
    largest_team: Team = 8
    """Robots of a varying team, the most."""


def read_options(given: Mapping[str, Option]) -> Options:
    """Check `given`; raises ConfigError naming the option, its value and what is allowed."""
    for name in given:
        if name not in Options.model_fields:
            raise ConfigError(unknown("option of rescue", name, Options.model_fields))
    try:
        options = Options.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"Option {first['loc'][0]!r} of rescue is {first['input']!r}: {first['msg']}.") from None
    for low, high in (("skill_low", "skill_high"), ("smallest_team", "largest_team")):
        if getattr(options, low) > getattr(options, high):
            raise ConfigError(
                f"Options of rescue: {low} is {getattr(options, low)} and {high} {getattr(options, high)};"
                f" {low} must not exceed {high}."
            )
    return options
