"""How a batch is cut into parts by the sizes of its teams."""

import numpy as np

from copa.learning import to_device
from tests.learning.rules import CPU
from tests.learning.segments import make_segments, members_of


def test_parts_are_cut_to_their_teams() -> None:
    segments = make_segments(members_of([[0], [0, 1]], 8, 4))
    parts = to_device(segments, CPU, part_segments=2).parts
    assert [part.previous.shape for part in parts] == [(4, 1), (4, 2)]
    (part,) = to_device(segments, CPU, part_segments=8).parts
    assert part.previous.shape == (8, 2)


def test_parts_are_whole_quarters_of_the_batch() -> None:
    """What is left of the smaller teams goes with the larger, so that sizes repeat from batch to batch."""
    for counts, shapes in {
        (4, 5, 7): [(4, 1), (4, 2), (8, 3)],
        (5, 5, 6): [(4, 1), (4, 2), (8, 3)],
        (3, 2, 11): [(4, 2), (12, 3)],
        (8, 1, 7): [(8, 1), (8, 3)],
        (0, 16, 0): [(16, 2)],
    }.items():
        teams = [list(range(size)) for size, count in enumerate(counts, start=1) for _ in range(count)]
        parts = to_device(make_segments(members_of(teams, 16, 4)), CPU, part_segments=2).parts
        assert [part.previous.shape for part in parts] == shapes
        places = [np.arange(16) if part.segments is None else part.segments.numpy() for part in parts]
        assert sorted(np.concatenate(places)) == list(range(16))
