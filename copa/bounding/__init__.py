"""Theorem 1 as a tool: how much holding back strategies may cost, and how much it does."""

from copa.bounding.estimate import Allowed, Estimate, Point, estimate, require_coach

__all__ = ["Allowed", "Estimate", "Point", "estimate", "require_coach"]
