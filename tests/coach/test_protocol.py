"""The protocol's files."""

import itertools
from pathlib import Path

from google.protobuf.descriptor import Descriptor

from protos import coach_pb2
from protos.generate import differences

SOURCE = (Path(coach_pb2.__file__).parent / "coach.proto").read_text(encoding="utf-8")


def test_generated_modules_match_their_source() -> None:
    assert differences() == []


def test_everything_is_commented() -> None:
    lines = [line.strip() for line in SOURCE.splitlines()]
    opening = ("rpc ", "message ", "enum ", "service ")
    for before, line in itertools.pairwise(lines[lines.index("package copa.v1;") + 1 :]):
        if line.startswith(opening) or (line.endswith(";") and "=" in line and not line.startswith("//")):
            assert before.startswith("//"), f"no comment above: {line}"


def test_zero_of_every_enum_means_not_set() -> None:
    file = coach_pb2.DESCRIPTOR
    assert file.package == "copa.v1"
    assert set(file.enum_types_by_name) == {"Criterion", "DataType", "Mode"}
    for enum in file.enum_types_by_name.values():
        assert enum.values_by_number[0].name.endswith("_UNSPECIFIED")


def test_no_array_travels_as_repeated_numbers() -> None:
    def repeated(message: Descriptor) -> list[str]:
        return [field.full_name for field in message.fields if field.is_repeated]

    found = [name for message in coach_pb2.DESCRIPTOR.message_types_by_name.values() for name in repeated(message)]
    assert found == ["copa.v1.Tensor.shape"]
