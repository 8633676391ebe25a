"""What the engine makes of time: loops of the first step and of the others, and the luck of each."""

import numpy as np

from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.micro.chance import weapon_jitter
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.unit_types import MARINE
from tests.tasks.starcraft.micro import ENEMY, orders

SEED = 3
EPISODES = np.array([7, 2**40])


def begun() -> MicroEngine:
    """Two Marines on either side, in two battles."""
    engine = MicroEngine(len(EPISODES), SEED)
    engine.start(np.arange(len(EPISODES)), EPISODES, np.tile((2, 0, 0, 0, 0), (len(EPISODES), 1)))
    return engine


def test_the_clock_counts_the_loops_of_each_battle() -> None:
    engine = begun()
    clocks = [engine.state.clock.tolist()]
    for _ in range(2):
        engine.step(orders({}, engine.battles))
        clocks.append(engine.state.clock.tolist())
    engine.start(np.array([1]), np.array([9]), np.array([[3, 0, 0, 0, 0]]))
    engine.step(orders({}, engine.battles))
    clocks.append(engine.state.clock.tolist())
    assert clocks == [[0, 0], [12, 12], [20, 20], [28, 12]]


def jitter_at(clock: int, seed: int = SEED) -> np.ndarray:
    """[16, 2], what is drawn for the step that begins after `clock` loops."""
    state = State.empty(len(EPISODES))
    state.episode[:], state.clock[:] = EPISODES, clock
    return weapon_jitter(seed, state)


def test_the_luck_of_a_step_is_drawn_for_the_runs_seed_the_episode_and_the_loop_it_begins_in() -> None:
    engine = begun()
    marines = [0, 1, ENEMY, ENEMY + 1]
    engine.state.x[marines] = np.array([[14], [14], [16], [16]])
    engine.state.y[marines] = np.array([[15], [17], [15], [17]])
    engine.state.automatic[marines] = True
    for clock in (4, 12, 20):
        engine.state.cooldown[:] = 0
        engine.step(orders({}, engine.battles))
        expected = np.float32(MARINE.period) + jitter_at(clock)[marines] - 7
        np.testing.assert_allclose(engine.state.cooldown[marines], expected, atol=1e-5)
    assert len(np.unique([jitter_at(clock)[marines] for clock in (0, 4, 8, 12, 20)])) == 5 * 4 * 2
    assert (jitter_at(4) != jitter_at(4, seed=SEED + 1)).all()
