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
        np.multiply(targets, state.present, out=state.robot)
        return
    for slot in range(ROBOTS):
        occupied = (state.robot == targets[:, slot, None]).all(axis=0) & state.present
        occupied[slot] = False
        goes = state.present[slot] & ~occupied.any(axis=0)
        np.copyto(state.robot[:, slot], targets[:, slot], where=goes)


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
    state.fire *= state.burning()
