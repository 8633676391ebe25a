"""Every task is drawn by the same means."""

from pathlib import Path

import numpy as np
import pytest

from copa.config.schema import Config
from copa.evaluation.sweep import untrained
from copa.rendering import record, write
from copa.rendering.scene import Scene
from copa.tasks import task_names, task_spec
from tests.rendering.page import episode_of


@pytest.mark.parametrize("name", task_names())
def test_drawings_agree_with_views(name: str, tmp_path: Path) -> None:
    """Players that are drawn are members, and all that a player sees is drawn, inside the world."""
    config = Config.model_validate({"task": {"name": name}})
    spec = task_spec(name)
    recording = record(untrained("random", config), team=spec.teams[-1], seed=2, episode=1)
    places = set()
    for frame in recording.frames:
        left, bottom, right, top = frame.drawing.bounds
        rows = {body.row for body in frame.drawing.bodies if body.row is not None}
        slots = [body.slot for body in frame.drawing.bodies if body.slot is not None]
        assert sorted(slots) == np.flatnonzero(frame.members).tolist()
        assert set(np.flatnonzero(frame.seen[slots].any(axis=0))) <= rows <= set(range(spec.rows))
        for body in frame.drawing.bodies:
            assert left <= body.x <= right
            assert bottom <= body.y <= top
            assert all(0.0 <= value <= 1.0 for value in body.abilities.values())
        places.add(tuple((body.x, body.y) for body in frame.drawing.bodies))
    assert len(places) > 1
    assert Scene(recording).looks.kinds
    write(tmp_path / "episode.html", recording)
    assert len(episode_of(tmp_path / "episode.html")["frames"]) == recording.steps + 1
