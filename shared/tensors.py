"""Arrays on the wire: little-endian bytes with a dtype and a shape.

Repeated protobuf floats cost far more than bytes in Python, which have no buffer access. Each service declares
a `Tensor` message of its own; they are all of the shape of `TensorMessage`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from shared.errors import InvalidArgument

FLOAT32 = 1
UINT32 = 2
UINT8 = 3

_DTYPE_OF_CODE: dict[int, np.dtype[Any]] = {
    FLOAT32: np.dtype("<f4"),
    UINT32: np.dtype("<u4"),
    UINT8: np.dtype("u1"),
}
_CODE_OF_DTYPE = {dtype: code for code, dtype in _DTYPE_OF_CODE.items()}

_UINT32_MAX = 2**32 - 1

MAX_AXES = 4

#: A shape in which None stands for any length.
ShapePattern = Sequence[int | None]


class TensorMessage(Protocol):
    """What the `Tensor` messages of all services have in common."""

    dtype: Any
    data: bytes

    @property
    def shape(self) -> Any:
        """The length of each axis."""
        ...


Message = TypeVar("Message", bound=TensorMessage)

#: A request or an answer with tensors in it.
Written = TypeVar("Written")


@dataclass(frozen=True)
class Ragged:
    """Lists of different lengths: list i is `values[offsets[i]:offsets[i + 1]]`.

    Attributes:
        values: [sum of lengths], of any dtype.
        offsets: int64 [lists + 1], from 0, not decreasing, ending at len(values).
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def span(self, index: int) -> slice:
        """Returns where list `index` (from 0) is in `values`, and in whatever is parallel to them."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def __getitem__(self, index: int) -> NDArray[Any]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[index] for index in range(len(self)))

    @classmethod
    def of(cls, lists: Sequence[NDArray[Any]], dtype: DTypeLike) -> "Ragged":
        """Lays `lists` end to end."""
        offsets = np.array([0, *accumulate(map(len, lists))], dtype=np.int64)
        values = joined(lists) if lists else np.empty(0)
        return cls(values.astype(dtype, copy=False), offsets)

    def take(self, lists: NDArray[np.int64]) -> "Ragged":
        """Returns some of the lists."""
        return Ragged.of([self[index] for index in lists.tolist()], self.values.dtype)

    def where(self, kept: NDArray[np.bool_]) -> "Ragged":
        """Returns the same lists with only the values where `kept` (bool [sum of lengths]) is true."""
        return Ragged(self.values[kept], np.concatenate(([0], np.cumsum(kept)))[self.offsets])

    @property
    def owners(self) -> NDArray[np.int64]:
        """For each value, the index of its list: int64 [sum of lengths]."""
        if len(self) == 1:
            return np.zeros(len(self.values), dtype=np.int64)
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))


def encode(array: NDArray[Any], message: type[Message]) -> Message:
    """Returns `array` as a message of the given `Tensor` class; offsets and ids (int64) go as uint32.

    Raises:
        KeyError: the dtype is none of those on the wire.
        ValueError: an int64 does not fit in uint32.
    """
    tensor = message()
    encode_into(tensor, array)
    return tensor


def encode_into(tensor: TensorMessage, array: NDArray[Any]) -> None:
    """Writes `array` into an empty message, such as a field of an answer, where `encode` would have it copied once more.

    Raises:
        KeyError: the dtype is none of those on the wire.
        ValueError: an int64 does not fit in uint32.
    """
    if array.dtype == np.int64:
        # Seen as unsigned, a negative one is the largest of all.
        if array.size and int(array.view(np.uint64).max()) > _UINT32_MAX:
            raise ValueError("an offset or id is outside of uint32")
        array = array.astype(np.uint32)
    code = _CODE_OF_DTYPE.get(array.dtype)
    if code is None:  # big-endian, or none of ours
        array = array.astype(array.dtype.newbyteorder("<"))
        code = _CODE_OF_DTYPE[array.dtype]
    tensor.dtype = code
    tensor.shape.extend(array.shape)
    tensor.data = array.tobytes()  # in C order, whatever the strides


def with_tensors(message: Written, **arrays: NDArray[Any]) -> Written:
    """Returns the message, with arrays written into its tensor fields of those names.

    Given to its constructor instead, a tensor is copied once more: of a megabyte that takes half a millisecond.
    """
    for field, array in arrays.items():
        encode_into(getattr(message, field), array)
    return message


def decode(tensor: TensorMessage, field: str, dtype: int, shape: ShapePattern, *, finite: bool = True) -> NDArray[Any]:
    """Returns the array in `tensor`, a read-only view of its bytes.

    Args:
        tensor: The message.
        field: Its name in the request, for the error.
        dtype: The code of the dtype that is expected.
        shape: The shape that is expected; None stands for any length.
        finite: Whether to refuse NaN and infinity; a reader that has a use for the rest of the array says no.

    Raises:
        InvalidArgument: the dtype, the shape or the number of bytes is not as expected, or a float is not finite.
    """
    if tensor.dtype != dtype:
        raise InvalidArgument(field, f"must have dtype {_DTYPE_OF_CODE[dtype].name}")
    found = tuple(tensor.shape)
    if not _matches(found, shape):
        pattern = ", ".join("any" if want is None else str(want) for want in shape)
        raise InvalidArgument(field, f"must have shape [{pattern}], not {list(found[: MAX_AXES + 1])}")
    kind = _DTYPE_OF_CODE[dtype]
    size = math.prod(found) * kind.itemsize
    data = tensor.data  # a copy, each time that it is asked for
    if len(data) != size:
        raise InvalidArgument(field, f"has {len(data)} bytes of data where its shape needs {size}")
    array = np.frombuffer(data, dtype=kind)
    if finite and dtype == FLOAT32 and not np.isfinite(array).all():
        raise InvalidArgument(field, "must not hold NaN or infinity")
    return array if len(found) == 1 else array.reshape(found)


def _matches(found: Sequence[int], shape: ShapePattern) -> bool:
    if len(found) != len(shape):
        return False
    for got, want in zip(found, shape, strict=True):  # noqa: SIM110 - a generator costs as much as all the checks
        if want is not None and got != want:
            return False
    return True


def decode_ragged(values: TensorMessage, offsets: TensorMessage, field: str, lists: int | None, limit: int) -> Ragged:
    """Returns the lists in a uint32 tensor `<field>_rows` and its `<field>_offsets`.

    Args:
        values: The lists end to end.
        offsets: uint32 [lists + 1].
        field: The stem of both fields' names, such as `history`.
        lists: How many lists are expected; None for any number.
        limit: How many values are allowed in all.

    Raises:
        InvalidArgument: naming the field that is wrong.
    """
    flat = decode(values, f"{field}_rows", UINT32, [None])
    if len(flat) > limit:
        raise InvalidArgument(f"{field}_rows", f"holds {len(flat)} rows; at most {limit} are allowed")
    bounds = decode(offsets, f"{field}_offsets", UINT32, [None if lists is None else lists + 1]).astype(np.int64)
    rises = len(bounds) > 0 and bounds[0] == 0 and bounds[-1] == len(flat)
    if not rises or (len(bounds) > 2 and (bounds[1:] < bounds[:-1]).any()):
        raise InvalidArgument(f"{field}_offsets", f"must rise from 0 to the number of rows, {len(flat)}")
    return Ragged(flat, bounds)


def check_rows(rows: NDArray[np.uint32], items: int, field: str) -> None:
    """Checks that every row is below `items`.

    Raises:
        InvalidArgument: one is not.
    """
    if len(rows) and (largest := int(np.maximum.reduce(rows))) >= items:
        raise InvalidArgument(field, f"holds row {largest}; the snapshot has {items} items")


def joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Returns arrays end to end along their first axis: one alone as it is, where `np.concatenate` would copy it.

    Args:
        arrays: At least one.
    """
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def parts(array: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    """Returns views of consecutive parts of an array along its first axis, which the sizes sum up to."""
    ends = list(accumulate(sizes))
    return [array[end - size : end] for size, end in zip(sizes, ends, strict=True)]
