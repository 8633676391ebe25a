"""What a game looks like."""

from copa.tasks.drawing import Body, Drawing, Shape
from copa.tasks.resource_collection.rules import (
    AGENT_RADIUS,
    AGENTS,
    HOME,
    INVADER,
    LANDMARK_RADII,
    LANDMARKS,
    RESOURCE_TYPES,
    RESOURCES,
    SIGHT,
)
from copa.tasks.resource_collection.state import State

BOUNDS = (-1.0, -1.0, 1.0, 1.0)
ABILITIES = ("red", "green", "blue", "speed")
"""Names of the traits, in their order."""
AGENT_COLOUR = "#2b303b"
COLOURS = ("#d55e00", "#009e73", "#0072b2")
"""Of red, green and blue resources: distinguishable with colour-blindness (Okabe and Ito)."""
SHAPES: tuple[Shape, ...] = ("square", "diamond", "triangle")


def _landmark_looks() -> list[tuple[str, str, Shape]]:
    looks: list[tuple[str, str, Shape]] = [("home", "#c9c2b4", "circle")] * LANDMARKS
    for landmark, kind in zip(RESOURCES, RESOURCE_TYPES, strict=True):
        looks[landmark] = (f"{ABILITIES[kind]} resource", COLOURS[kind], SHAPES[kind])
    looks[INVADER] = ("invader", "#000000", "circle")
    return looks


LANDMARK_LOOKS = _landmark_looks()
"""Name, colour and shape of each landmark."""


def draw(state: State, game: int) -> Drawing:
    """The bodies of `game`: landmarks that are there, then the agents present."""
    landmarks = [landmark for landmark in (HOME, *RESOURCES, INVADER) if state.there[landmark, game]]
    agents = [slot for slot in range(AGENTS) if state.present[slot, game]]
    return Drawing(
        bounds=BOUNDS,
        bodies=(
            *(_landmark(state, int(landmark), game) for landmark in landmarks),
            *(_agent(state, slot, game) for slot in agents),
        ),
    )


def _landmark(state: State, landmark: int, game: int) -> Body:
    name, colour, shape = LANDMARK_LOOKS[landmark]
    x, y = state.landmark[:, landmark, game].tolist()
    return Body(name, x, y, float(LANDMARK_RADII[landmark]), colour, shape, row=AGENTS + landmark)


def _agent(state: State, slot: int, game: int) -> Body:
    x, y = state.position[:, slot, game].tolist()
    carried = int(state.carried[slot, game])
    return Body(
        f"agent {slot}",
        x,
        y,
        AGENT_RADIUS,
        AGENT_COLOUR,
        slot=slot,
        row=slot,
        abilities=dict(zip(ABILITIES, state.traits[:, slot, game].tolist(), strict=True)),
        carries=COLOURS[carried - 1] if carried else None,
        sight=SIGHT,
    )
