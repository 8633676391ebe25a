"""What robots do in a step: move, or put out."""

import numpy as np

from copa.tasks.rescue.grid import moved
from copa.tasks.rescue.options import Options
from copa.tasks.rescue.rules import PUT_OUT, ROBOTS
from copa.tasks.rescue.state import Small, State


def move(state: State, actions: Small, options: Options) -> None:
    """Move the robots by `actions` [A, B]; where they may not share a cell, in slot order."""
    targets = moved(state.robot, actions, wrap=options.edges == "wrap")
    if options.shared_cells:
        state.robot[...] = targets
        return
    for slot in range(ROBOTS):
        occupied = (state.robot == targets[:, slot, None]).all(axis=0) & state.present
        np.copyto(state.robot[:, slot], targets[:, slot], where=~occupied.any(axis=0))


def put_out(state: State, actions: Small, *, add_up: bool) -> None:
    """Lower the levels of the fires that robots put out by `actions` [A, B]; what is at 0 burns no more."""
    works = state.skill * (actions == PUT_OUT)
    power = np.zeros_like(state.level)
    join = np.add if add_up else np.maximum
    for slot in range(ROBOTS):
        here = state.robot[:, slot]
        at = state.fire[0] == here[0]
        at &= state.fire[1] == here[1]
        join(power, at * works[slot], out=power)
    np.maximum(state.level - power, 0, out=state.level)
