"""Games put into a chosen situation."""

from collections.abc import Callable

import numpy as np
import pytest

from copa.tasks.resource_collection import ResourceCollection

Put = Callable[..., ResourceCollection]


@pytest.fixture
def game() -> Put:
    """One game in float64 with agents at rest at the given places, and nothing else near unless it is put there."""

    def put(
        agents: list[tuple[float, float]],
        landmarks: dict[int, tuple[float, float]] | None = None,
        carried: dict[int, int] | None = None,
        options: dict[str, str] | None = None,
        team: str = "5",
    ) -> ResourceCollection:
        task = ResourceCollection(games=1, seed=0, team=team, options=options, dtype=np.float64)
        task.reset(np.zeros(1, np.int64), np.zeros(1, np.int64))
        state = task.state
        state.present[:, 0] = np.arange(6) < len(agents)
        state.position[:] = 0.0
        for slot, place in enumerate(agents):
            state.position[:, slot, 0] = place
        state.traits[:3, :, 0] = np.array([0.2, 0.4, 0.6])[:, None]
        state.traits[3] = 0.5
        far = [(-0.9 + 0.25 * number, -0.94) for number in range(6)]
        for number in range(1, 8):
            here = (landmarks or {}).get(number)
            state.landmark[:, number, 0] = here or (*far, (0.9, 0.9))[number - 1]
            state.there[number, 0] = here is not None or number < 7
        state.delay[:] = 99
        for slot, kind in (carried or {}).items():
            state.carried[slot, 0] = kind
        return task

    return put
