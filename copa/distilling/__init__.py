"""One team that plays like the average of several: learned from what they would do, not from rewards."""

from copa.distilling.learn import distill

__all__ = ["distill"]
