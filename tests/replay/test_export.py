"""Export and import of a whole replay."""

from pathlib import Path

import numpy as np
import pytest
import redis

from copa.errors import DataError, MismatchError
from copa.replay import RecordLayout, Replay, reset_run
from tests.replay.conftest import MakeReplay
from tests.replay.examples import small_limits, small_spec, some_segments
from tests.replay.test_exactly_once import episodes_in, push_of


@pytest.fixture
def filled(make_replay: MakeReplay, layout: RecordLayout) -> Replay:
    replay = make_replay(capacity=600)
    lease = replay.lease_actor()
    for sequence in range(7):
        replay.push(lease, push_of(layout, sequence, first=100 * sequence, count=100, total=100 * (sequence + 1)))
    replay.lease_episodes(77)
    assert replay.permit(8).granted
    return replay


def test_a_replay_survives_as_a_file(filled: Replay, make_replay: MakeReplay, tmp_path: Path) -> None:
    path = tmp_path / "replay.bin"
    before, episodes = filled.stats(), episodes_in(filled)
    counters = filled.counters()
    assert filled.export(path) == 600
    assert [file.name for file in tmp_path.iterdir()] == ["replay.bin"]
    reset_run(filled.link.client, filled.run, take_over=True)
    again = make_replay(claim=False, capacity=600)
    assert again.claim("tests", restore=True).created
    assert again.import_(path) == 600
    assert again.counters() == {**counters, "actors": {}}
    after = again.stats()
    for name in ("segments", "steps", "inserted", "sampled", "lost", "episodes", "warmup_steps"):
        assert getattr(after, name) == getattr(before, name), name
    assert episodes_in(again) == episodes
    again.refresh_side(again.permit(8))
    filled.refresh_side(again.permit(8))
    np.testing.assert_array_equal(again.side.generations, [2] * 100 + [1] * 500)
    again.lease_actor()


def test_an_actor_that_lived_on_repeats_nothing_after_the_import(
    filled: Replay, layout: RecordLayout, make_replay: MakeReplay, tmp_path: Path
) -> None:
    lease = filled.lease_actor()
    push = push_of(layout, 0, first=700, count=3, total=3)
    filled.push(lease, push)
    filled.export(tmp_path / "replay.bin")
    reset_run(filled.link.client, filled.run, take_over=True)
    again = make_replay(capacity=600)
    again.import_(tmp_path / "replay.bin")
    assert again.push(lease, push).repeated
    assert again.stats().inserted == 703


def test_a_replay_that_is_not_empty_stays_as_it_is(filled: Replay, tmp_path: Path) -> None:
    filled.export(tmp_path / "replay.bin")
    for act in (lambda: filled.import_(tmp_path / "replay.bin"), lambda: filled.restore_counters(filled.counters())):
        with pytest.raises(MismatchError, match=r"is not empty \(2800 steps, 700 segments written\)"):
            act()
    assert filled.stats().inserted == 700


def test_damaged_exports_are_refused_and_leave_the_replay_empty(
    filled: Replay, client: redis.Redis, layout: RecordLayout, tmp_path: Path
) -> None:
    path, damaged = tmp_path / "replay.bin", tmp_path / "damaged.bin"
    filled.export(path)
    data = path.read_bytes()
    empty = Replay(client, "import-here", layout, small_limits(capacity=600))
    empty.claim("tests")

    def flipped(place: int) -> bytes:
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    for content, message in (
        (b"", "no replay export"),
        (b"x" * 100, "no replay export"),
        (flipped(40), "damaged at its head"),
        (data[:-1], "damaged at record 599"),
        (data[: -60 * layout.record_bytes], "cut off at record 512"),
        (flipped(len(data) - 1), "damaged at record 599"),
        (data + b"x", "goes on after its last record"),
    ):
        damaged.write_bytes(content)
        with pytest.raises(DataError, match=message):
            empty.import_(damaged)
    assert empty.stats().segments == 0
    with pytest.raises(DataError, match="cannot be read"):
        empty.import_(tmp_path / "absent")
    with pytest.raises(DataError, match="incomplete"):
        empty.restore_counters({"steps": 3})
    other = Replay(client, "other", RecordLayout(small_spec(slots=3), 4), small_limits(capacity=600))
    other.claim("tests")
    with pytest.raises(MismatchError, match=r"another schema \(slots: here 3"):
        other.import_(path)
    assert empty.import_(path) == 600


def test_a_damaged_record_is_not_exported(filled: Replay, tmp_path: Path) -> None:
    filled.link.command("SETRANGE", filled.keys.slots([300])[0], 5, b"\xff\xff\xff")
    with pytest.raises(DataError, match="slot 300"):
        filled.export(tmp_path / "replay.bin")
    assert not list(tmp_path.iterdir())


def test_the_layout_of_an_export_is_documented_by_its_segments(filled: Replay, tmp_path: Path) -> None:
    segments = some_segments(filled.layout.spec, 4, 1)
    assert len(filled.layout.encode(segments)[0]) == filled.layout.record_bytes
    filled.export(tmp_path / "replay.bin")
    size = (tmp_path / "replay.bin").stat().st_size
    assert 600 * (filled.layout.record_bytes + 5) < size < 600 * (filled.layout.record_bytes + 5) + 4096
