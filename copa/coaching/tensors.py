"""Arrays on the wire: `Tensor` messages to and from NumPy."""

import math

import numpy as np
from numpy.typing import NDArray

from copa.errors import DataError
from copa.tasks.base import Bools, Floats, View
from protos import coach_pb2

_FLOAT32 = coach_pb2.DATA_TYPE_FLOAT32
_BOOL = coach_pb2.DATA_TYPE_BOOL
_INT32 = coach_pb2.DATA_TYPE_INT32

_ITEM_BYTES = {_FLOAT32: 4, _BOOL: 1, _INT32: 4}


def floats_message(array: Floats) -> coach_pb2.Tensor:
    """A FLOAT32 tensor of `array`, of any shape."""
    return coach_pb2.Tensor(dtype=_FLOAT32, shape=array.shape, data=array.astype("<f4", copy=False).tobytes())


def bools_message(array: Bools) -> coach_pb2.Tensor:
    """A BOOL tensor of `array`, of any shape."""
    return coach_pb2.Tensor(dtype=_BOOL, shape=array.shape, data=array.tobytes())


def view_message(view: View) -> coach_pb2.View:
    """What the coach needs of `view`: all but sight and available actions."""
    return coach_pb2.View(
        agents=floats_message(view.agents),
        traits=floats_message(view.traits),
        entities=floats_message(view.entities),
        present=bools_message(view.present),
    )


def strategies_message(mask: Bools, vectors: Floats) -> coach_pb2.Strategies:
    """The strategies `vectors` [n, W] of the players in `mask` [B, A]."""
    pairs = np.argwhere(mask).astype("<i4")
    return coach_pb2.Strategies(
        pairs=coach_pb2.Tensor(dtype=_INT32, shape=pairs.shape, data=pairs.tobytes()), vectors=floats_message(vectors)
    )


def read_floats(tensor: coach_pb2.Tensor, shape: tuple[int, ...], field: str) -> Floats:
    """The array of a FLOAT32 tensor, read-only, without a copy.

    Raises DataError naming `field` when it is not of `shape`, or not finite.
    """
    array = np.frombuffer(_data(tensor, _FLOAT32, shape, field), "<f4").reshape(shape)
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{field}: element {index} is {array[index]}; all must be finite")
    return array.astype(np.float32, copy=False)


def read_bools(tensor: coach_pb2.Tensor, shape: tuple[int, ...], field: str) -> Bools:
    """The array of a BOOL tensor, read-only, without a copy.

    Raises DataError naming `field` when it is not of `shape`, or has bytes other than 0 and 1.
    """
    array = np.frombuffer(_data(tensor, _BOOL, shape, field), np.uint8)
    if array.size and array.max() > 1:
        raise DataError(f"{field}: a byte is {array.max()}; each must be 0 or 1")
    return array.view(np.bool_).reshape(shape)


def read_strategies(message: coach_pb2.Strategies, shape: tuple[int, int, int]) -> tuple[Bools, Floats]:
    """Mask [B, A] and vectors [n, W] of a reply to `shape` = (B, A, W); raises DataError when it is malformed."""
    games, slots, width = shape
    count = message.vectors.shape[0] if message.vectors.shape else 0
    vectors = read_floats(message.vectors, (count, width), "strategies.vectors")
    pairs: NDArray[np.int32] = np.frombuffer(
        _data(message.pairs, _INT32, (count, 2), "strategies.pairs"), "<i4"
    ).reshape(count, 2)
    flat = pairs[:, 0].astype(np.int64) * slots + pairs[:, 1]
    if ((pairs < 0) | (pairs >= (games, slots))).any() or (np.diff(flat) <= 0).any():
        raise DataError(f"strategies.pairs: must ascend within {games} rows and {slots} slots")
    mask = np.zeros((games, slots), np.bool_)
    mask.reshape(-1)[flat] = True
    return mask, vectors


def _data(tensor: coach_pb2.Tensor, dtype: coach_pb2.DataType.ValueType, shape: tuple[int, ...], field: str) -> bytes:
    """The bytes of `tensor`, after its dtype, shape and length were found to be as they must."""
    if tensor.dtype != dtype:
        found = coach_pb2.DataType.Name(tensor.dtype) if tensor.dtype in coach_pb2.DataType.values() else tensor.dtype
        raise DataError(f"{field}: dtype is {found}, must be {coach_pb2.DataType.Name(dtype)}")
    if tuple(tensor.shape) != shape:
        raise DataError(f"{field}: shape is {list(tensor.shape[:8])}, must be {list(shape)}")
    expected = math.prod(shape) * _ITEM_BYTES[dtype]
    if len(tensor.data) != expected:
        raise DataError(f"{field}: has {len(tensor.data)} bytes, must have {expected} for shape {list(shape)}")
    return tensor.data
