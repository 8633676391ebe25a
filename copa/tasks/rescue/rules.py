"""What the paper fixes, and the sizes of arrays. Lengths are in cells, times in steps."""

import numpy as np

SIDE = 10
BUILDINGS = SIDE**2
"""One building in each cell."""
ROBOTS = 8
"""Agent slots."""
FIRES = 10
"""Most buildings that burn at once; each has an entity row."""

ACTIONS = ("up", "down", "left", "right", "put out")
UP, DOWN, LEFT, RIGHT, PUT_OUT = range(len(ACTIONS))
MOVES = np.array([[0, 0, -1, 1, 0], [1, -1, 0, 0, 0]], np.int8)
"""Change of x and y that each action makes; y grows upwards."""

TRAINING_ROBOTS = (3, 5)
TRAINING_SKILLS = (0.2, 0.5, 1.0)
TRAINING_FIRES = (3, 6)
"""Fires at the start, fewest and most."""
