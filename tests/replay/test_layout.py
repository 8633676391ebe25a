"""Records: round trips over many specs, refusals, damage."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copa.config.schema import MethodSettings
from copa.errors import DataError
from copa.replay.layout import EPISODE_END, REWARDED, RecordLayout, difference, side_flags
from copa.segments import Segments
from tests.replay.examples import small_spec, some_segments

sizes = st.integers(1, 7)


@given(
    slots=sizes,
    entity_rows=st.integers(0, 7),
    agent_features=sizes,
    trait_features=st.integers(0, 5),
    entity_features=sizes,
    actions=st.integers(1, 300),
    T=st.integers(1, 9),
    memory_width=st.integers(0, 9),
    count=st.integers(0, 6),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_round_trip(
    slots: int,
    entity_rows: int,
    agent_features: int,
    trait_features: int,
    entity_features: int,
    actions: int,
    T: int,
    memory_width: int,
    count: int,
    seed: int,
) -> None:
    spec = small_spec(
        slots=slots,
        entity_rows=entity_rows,
        agent_features=agent_features,
        trait_features=trait_features,
        entity_features=entity_features,
        actions=tuple(f"a{index}" for index in range(actions)),
    )
    layout = RecordLayout(spec, T, memory_width)
    segments = some_segments(spec, T, count, memory_width=memory_width, seed=seed)
    records = layout.encode(segments)
    assert [len(record) for record in records] == [layout.record_bytes] * count
    decoded = layout.decode(records)
    for field in fields(Segments):
        before, after = getattr(segments, field.name), getattr(decoded, field.name)
        assert after.dtype == before.dtype
        assert after.flags.c_contiguous
        assert after.flags.writeable
        np.testing.assert_array_equal(after, before, err_msg=field.name)


def test_the_longest_segment_keeps_its_length() -> None:
    longest = next(item.le for item in MethodSettings.model_fields["T"].metadata if hasattr(item, "le"))
    layout = RecordLayout(small_spec(), longest)
    segments = replace(some_segments(layout.spec, longest, 2), lengths=np.array([longest, longest - 1]))
    assert layout.decode(layout.encode(segments)).lengths.tolist() == [longest, longest - 1]


@pytest.mark.parametrize("name", ["agents", "traits", "entities", "rewards", "memory"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    layout = RecordLayout(small_spec(), 4, 3)
    segments = some_segments(layout.spec, 4, 3, memory_width=3)
    getattr(segments, name)[1].flat[0] = value
    with pytest.raises(DataError, match=rf"field {name} holds NaN or infinity \(segment 1\)"):
        layout.encode(segments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("actions", 3),
        ("previous", -2),
        ("lengths", 0),
        ("lengths", 5),
        ("first_steps", -1),
        ("episodes", -1),
        ("player_versions", -1),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: int) -> None:
    layout = RecordLayout(small_spec(), 4)
    segments = some_segments(layout.spec, 4, 3)
    getattr(segments, name)[2] = value
    with pytest.raises(DataError, match=rf"field {name} holds values .*allowed"):
        layout.encode(segments)


def test_wrong_shapes_and_dtypes_are_refused_by_name() -> None:
    layout = RecordLayout(small_spec(), 4)
    segments = some_segments(layout.spec, 4, 3)
    with pytest.raises(DataError, match=r"field traits has shape .*needs \(3, 5, 2, 2\)"):
        layout.encode(replace(segments, traits=segments.traits[:, :4]))
    with pytest.raises(DataError, match="field rewards has dtype float64"):
        layout.encode(replace(segments, rewards=segments.rewards.astype(np.float64)))
    with pytest.raises(DataError, match="field visible has dtype uint8"):
        layout.encode(replace(segments, visible=segments.visible.astype(np.uint8)))


@given(bit=st.integers(0, 313 * 8 - 1))
@settings(max_examples=50, deadline=None)
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    layout = RecordLayout(small_spec(), 4)
    records = layout.encode(some_segments(layout.spec, 4, 2))
    damaged = bytearray(records[1])
    damaged[bit // 8] ^= 1 << bit % 8
    assert layout.intact([records[0], bytes(damaged)]).tolist() == [True, False]
    with pytest.raises(DataError, match=r"1 of 2 records are damaged \(first: record 1\)"):
        layout.decode([records[0], bytes(damaged)])


def test_missing_cut_and_empty_records_are_not_intact(layout: RecordLayout) -> None:
    record = layout.encode(some_segments(layout.spec, 4, 1))[0]
    others = [record, None, b"", record[:-1], record + b"\0", bytes(layout.record_bytes)]
    assert layout.intact(others).tolist() == [True, False, False, False, False, False]


def test_side_flags_see_real_steps_only(layout: RecordLayout) -> None:
    segments = some_segments(layout.spec, 4, 4)
    segments.rewards[:] = -1.0
    segments.lengths[:] = 2
    segments.rewards[1, 1] = 0.5
    segments.rewards[2, 2] = 0.5
    segments.episode_end[:] = [False, True, False, True]
    assert side_flags(segments).tolist() == [0, REWARDED | EPISODE_END, 0, EPISODE_END]


def test_schema_names_the_field_that_differs() -> None:
    ours = RecordLayout(small_spec(), 4).schema()
    assert difference(ours, ours) is None
    assert difference(ours, RecordLayout(small_spec(), 2).schema()) == "T: here 4, in Redis 2"
    assert difference(ours, RecordLayout(small_spec(), 4, periods=2).schema()) == "periods: here None, in Redis 2"
    longer, periods = RecordLayout(small_spec(), 8).schema(), RecordLayout(small_spec(), 4, periods=2).schema()
    assert longer["record_bytes"] == periods["record_bytes"]
    assert difference(longer, periods) == "periods: here None, in Redis 2"
    assert difference(periods, longer) == "T: here 4, in Redis 8"
    assert difference(ours, RecordLayout(small_spec(slots=3), 4).schema()) == "slots: here 2, in Redis 3"
    other = {**ours, "fields": {**ours["fields"], "memory": ["<f2", 0, [1]]}}
    assert difference(ours, other) is not None
    assert str(difference(ours, other)).startswith("fields.memory: here")
