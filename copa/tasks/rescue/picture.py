"""What one game looks like."""

import numpy as np

from copa.tasks.drawing import Body, Drawing
from copa.tasks.rescue.options import Options
from copa.tasks.rescue.rules import ROBOTS, SIDE
from copa.tasks.rescue.state import State

FIRE_RADIUS, FIRE_COLOUR = 0.42, "#e4572e"
ROBOT_RADIUS, ROBOT_COLOUR = 0.2, "#2e86ab"
APART = 0.2
"""From a cell's centre to a robot, each in a direction of its own, so that none hides another."""


def draw(state: State, game: int, options: Options) -> Drawing:
    """Fires, and the robots over them; cell (x, y) is the unit square about that point."""
    fires = tuple(
        Body(
            name="fire",
            x=float(state.fire[0, row, game]),
            y=float(state.fire[1, row, game]),
            radius=FIRE_RADIUS,
            colour=FIRE_COLOUR,
            shape="flame",
            row=ROBOTS + int(row),
            abilities={"level": float(state.level[row, game])},
        )
        for row in np.flatnonzero(state.burning()[:, game])
    )
    robots = tuple(
        Body(
            name=f"robot {slot}",
            x=float(state.robot[0, slot, game] + APART * np.cos(2 * np.pi * slot / ROBOTS)),
            y=float(state.robot[1, slot, game] + APART * np.sin(2 * np.pi * slot / ROBOTS)),
            radius=ROBOT_RADIUS,
            colour=ROBOT_COLOUR,
            slot=int(slot),
            row=int(slot),
            abilities={"skill": float(state.skill[slot, game])},
            sight=float(options.sight),
        )
        for slot in np.flatnonzero(state.present[:, game])
    )
    edge = SIDE - 0.5
    return Drawing(bounds=(-0.5, -0.5, edge, edge), bodies=fires + robots, square_cells=1.0)
