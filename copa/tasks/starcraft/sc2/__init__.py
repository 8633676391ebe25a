"""The engine `sc2`: StarCraft II itself, in processes of its own (docs/tasks/starcraft-sc2.md)."""

from copa.tasks.starcraft.sc2.engine import GameEngine

__all__ = ["GameEngine"]
