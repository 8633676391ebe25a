"""Numbers of the world: lengths in its own unit, times in steps, masses 1."""

import numpy as np

AGENTS = 6
LANDMARKS = 8
HOME = 0
RESOURCES = np.arange(1, 7)
INVADER = 7
TYPES = 3
RESOURCE_TYPES = (RESOURCES - 1) % TYPES
"""Type (0 red, 1 green, 2 blue) of each resource."""

AGENT_RADIUS = 0.04
LANDMARK_RADII = np.array([0.08, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.03])
TOUCH_MARGIN = 0.01
SIGHT = 0.2

ACTIONS = ("stay", "left", "right", "down", "up")
ACTION_AXES = np.array([[0, -1, 1, 0, 0], [0, 0, 0, -1, 1]])
"""Direction of the force on x and y that each action gives."""

FRICTION = 0.75
"""Share of the velocity that a step keeps."""
TIME_STEP = 0.1
ACCELERATION = 5.0
"""Force of an action, in units of the agent's top speed."""
CONTACT_FORCE = 100.0
SOFTNESS = 1e-3
"""Width over which a contact force sets in."""
NEGLIGIBLE = 40 * SOFTNESS
"""Distance beyond contact at which the force is below 1e-18 and is not computed."""
SMALLEST = 1e-9
"""No length or speed is divided by less, so that bodies in one place, or at rest, make no NaN."""
WALL_AXIS = 1.4
WALL_HALF_WIDTH = 0.5
WALL_END = 1.0

START_RADIUS = 0.12
RESOURCE_RADII = (0.4, 0.95)
RESOURCE_EDGE = 0.95
RESOURCE_SPACING = 0.1
INVADER_RADIUS = 1.42
INVADER_EDGE = 0.99
INVADER_PACE = 0.05
INVADER_DELAY = 10

PICK_UP_REWARD = 10.0
"""Times the ability in the resource's type."""
DELIVERY_REWARD = 1.0
CATCH_REWARD = 4.0
INVASION_REWARD = -4.0

EVENTS = ("picked_up", "delivered", "caught", "invaded")
"""What is counted in an episode: resources picked up and delivered, invaders caught, and those that reached home."""
PICKED_UP, DELIVERED, CAUGHT, INVADED = range(len(EVENTS))

TRAINING_ABILITIES = (0.1, 0.5, 0.9)
TRAINING_SPEEDS = (0.3, 0.5, 0.7)
HELD_OUT_SPEEDS = (0.2, 0.8)

HORIZON = 145
RECORDED_STEPS = 144

AT_NOTHING = -1
AT_HOME = 0
AT_INVADER = 4
"""What an agent is `at`: nothing, home, a resource of type 1..3, the invader."""
