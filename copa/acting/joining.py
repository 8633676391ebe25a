"""Who began or joined between two moments."""

from copa.tasks.base import Bools, View


def joined(before: View, after: View) -> Bools:
    """[B, A], slots that hold an agent in `after` and none in `before`, the view one step earlier."""
    arrived: Bools = after.members() & ~before.members()
    return arrived
