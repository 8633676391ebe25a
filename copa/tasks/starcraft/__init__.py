"""StarCraft micromanagement: two small armies of the same make-up, behind one view and two engines."""

from copa.tasks.starcraft.task import MarinesMaraudersMedivacs, StarCraft, ZealotsAndStalkers

__all__ = ["MarinesMaraudersMedivacs", "StarCraft", "ZealotsAndStalkers"]
