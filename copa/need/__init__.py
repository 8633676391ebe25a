"""What players lose that are not told: learned by a coach from the play of its finished team."""

from copa.need.learn import learn_need

__all__ = ["learn_need"]
