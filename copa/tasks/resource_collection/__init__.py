"""Resource Collection: gather, carry home, catch invaders."""

from copa.tasks.resource_collection.task import ResourceCollection

__all__ = ["ResourceCollection"]
