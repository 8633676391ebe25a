"""The limiter: what is refused at the start, its arithmetic against an oracle, and that it never deadlocks."""

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copa.config.load import resolve
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.replay import Limits, Push, RecordLayout, Replay, reset_run
from copa.segments import Segments
from tests.replay.conftest import MakeReplay
from tests.replay.examples import small_limits, some_segments


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": 0.9}, r"replay.tolerance = 0.9 is less than one update"),
        ({"push_steps": 33}, r"less than one push of every actor \(33 environment steps = 2.06 updates\)"),
        ({"minimum": 65}, r"replay.minimum = 65 is more than replay.capacity = 64"),
        ({"capacity": 0}, r"capacity = 0: it must be at least 1"),
    ],
)
def test_limits_that_cannot_work_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_limits(**changes).check()


def test_tolerance_does_not_matter_when_running_free() -> None:
    small_limits(tolerance=0.1, push_steps=1000, free_running=True).check()


def test_limits_of_the_default_configuration() -> None:
    limits = Limits.of(Config(), 512)
    limits.check()
    assert (limits.capacity, limits.total_steps, limits.push_steps) == (100_000, 5_000_000, 32)


def test_the_tolerance_grows_with_what_is_pushed_at_once() -> None:
    config = resolve(preset="smoke", flags={"method.T": "24"}, environment={}).config
    limits = Limits.of(config, 32)
    limits.check()
    assert limits.tolerance == 16 * 24 / 50
    assert Limits.of(resolve(preset="smoke", flags={}, environment={}).config, 32).tolerance == 4
    tight = resolve(preset="smoke", flags={"method.T": "24", "replay.tolerance": "4"}, environment={}).config
    with pytest.raises(ConfigError, match="less than one push of every actor"):
        Limits.of(tight, 32).check()


class Driver:
    """One actor and one learner in one process, counting beside Redis."""

    def __init__(self, replay: Replay, segments: Segments) -> None:
        self.replay = replay
        self.lease = replay.lease_actor()
        self.records = replay.layout.encode(segments)
        self.sequence = self.steps = self.segments = self.updates = self.warmup = 0

    def push(self, count: int, steps: int) -> None:
        if self.segments < self.replay.limits.minimum:
            self.warmup += steps
        self.sequence += 1
        self.steps += steps
        self.segments += count
        self.admission = self.replay.push(
            self.lease, Push(self.sequence, self.records[:count], bytes(count), self.steps, self.segments)
        )

    def update(self) -> str:
        permit = self.replay.permit(self.replay.limits.batch)
        self.updates += permit.granted
        return permit.reason


actions = st.lists(st.one_of(st.just(None), st.tuples(st.integers(0, 12), st.integers(0, 60))), min_size=1, max_size=60)


@given(
    actions=actions,
    tolerance=st.floats(1, 6),
    minimum=st.integers(1, 40),
    total=st.integers(100, 1000),
    per_update=st.integers(1, 50),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arithmetic_agrees_with_an_oracle_and_somebody_can_always_go_on(
    client: redis.Redis,
    layout: RecordLayout,
    actions: list[tuple[int, int] | None],
    tolerance: float,
    minimum: int,
    total: int,
    per_update: int,
) -> None:
    limits = small_limits(tolerance=tolerance, minimum=minimum, total_steps=total, steps_per_update=per_update)
    replay = Replay(client, "arithmetic", layout, limits)
    reset_run(client, replay.run, take_over=True)
    replay.claim("tests")
    driver = Driver(replay, some_segments(layout.spec, 4, 12))
    for action in actions:
        played = driver.steps >= total
        warm = driver.segments >= minimum
        ahead = driver.updates + 1 - driver.steps / per_update
        if action is not None:
            driver.push(*action)
            owed = (driver.steps - driver.warmup) / per_update - driver.updates
            expected = "finished" if driver.steps >= total else ""
            if not expected and driver.segments >= minimum and owed > tolerance:
                expected = "actors ahead"
            assert driver.admission.reason == expected
            assert driver.admission.total_steps == driver.steps
            continue
        expected = ""
        if driver.segments == 0 or (not played and not warm):
            expected = "finished" if played else "warming up"
        elif (driver.updates + 1) * per_update > total:
            expected = "finished" if played else "learner ahead"
        elif not played and ahead > tolerance:
            expected = "learner ahead"
        assert driver.update() == expected
        stats = replay.stats()
        assert stats.actors_wait != "actors ahead" or stats.learner_wait == ""


def test_a_run_ends_with_exactly_its_updates(make_replay: MakeReplay, layout: RecordLayout) -> None:
    replay = make_replay(total_steps=1000, minimum=20)
    driver = Driver(replay, some_segments(layout.spec, 4, 12))
    reasons = set()
    while not (driver.segments and driver.admission.finished):
        driver.push(8, 32)
        while (reason := driver.update()) == "":
            pass
        reasons.add(reason)
    assert driver.update() == "finished"
    assert driver.updates == 1000 // 16
    assert reasons == {"warming up", "learner ahead", "finished"}


def test_an_absent_learner_stops_the_actors_and_its_return_frees_them(
    make_replay: MakeReplay, layout: RecordLayout
) -> None:
    replay = make_replay()
    driver = Driver(replay, some_segments(layout.spec, 4, 12))
    while not driver.segments or driver.admission.reason == "":
        driver.push(8, 32)
    assert driver.admission.reason == "actors ahead"
    assert 0 < driver.admission.wait_seconds < 1
    make_replay().claim("tests")
    driver.replay = make_replay()
    while driver.update() == "":
        pass
    assert driver.replay.admission().reason == ""


def test_running_free_nobody_waits(make_replay: MakeReplay, layout: RecordLayout) -> None:
    driver = Driver(make_replay(free_running=True, total_steps=10_000), some_segments(layout.spec, 4, 12))
    driver.push(12, 5000)
    assert driver.admission.reason == ""
    assert [driver.update() for _ in range(700)] == [""] * 700
    driver.push(0, 5000)
    assert driver.admission.finished
    assert driver.update() == "finished"
