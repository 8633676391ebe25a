"""Numbers of the rules."""

SIDE = 6
"""Places along each wall of the hall."""
MOVERS = 5
"""Most movers at once."""
PIANOS = 3
STRONGEST = 3
"""Movers have a strength of 1 to this."""
LIGHTEST, HEAVIEST = 2, 6
HORIZON = 48
SHIFT = 12
"""Steps after which a mover comes or goes."""
MOVES = {"stay": (0, 0), "left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}
CREWS = {"train": (2, 3, 4), "5": (5,), "shifts": (3,)}
"""Movers at the start, in turn by episode number, by team."""
