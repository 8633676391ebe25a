"""What a hall looks like."""

from copa.tasks.base import Snapshot
from copa.tasks.drawing import Body, Drawing
from piano_movers.rules import HEAVIEST, MOVERS, SIDE, STRONGEST


def picture(hall: Snapshot) -> Drawing:
    """Pianos are squares, larger where they are heavier; movers are circles, with their strength as a bar."""
    bodies = []
    for row in [*range(MOVERS, len(hall["size"])), *range(MOVERS)]:
        (x, y), size = hall["place"][row].tolist(), int(hall["size"][row])
        if row >= MOVERS:
            bodies.append(Body(f"piano of {size}", x, y, 0.45 * size / HEAVIEST, "#303030", shape="square", row=row))
        elif hall["here"][row]:
            strength = {"strength": size / STRONGEST}
            bodies.append(Body(f"mover {row}", x, y, 0.2, "#d08030", slot=row, row=row, abilities=strength, sight=1.0))
    edge = SIDE - 0.5
    return Drawing((-0.5, -0.5, edge, edge), tuple(bodies), square_cells=1.0)
