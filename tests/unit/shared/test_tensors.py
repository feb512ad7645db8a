"""Arrays survive the wire as they were, and what does not keep to the contract is refused by name."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from shared.errors import InvalidArgument
from shared.tensors import (
    FLOAT32,
    UINT8,
    UINT32,
    Ragged,
    check_rows,
    decode,
    decode_ragged,
    encode,
    encode_into,
    parts,
)
from winnow.ranking.v1.ranking_service_pb2 import DataType, Tensor

CODES = {"float32": FLOAT32, "uint32": UINT32, "uint8": UINT8}

shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)
floats = hnp.arrays(np.float32, shapes, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
counts = hnp.arrays(st.sampled_from([np.uint32, np.uint8]), shapes)
ragged_lists = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=6), max_size=6)


def tensor(values: Any, dtype: str = "uint32") -> Tensor:
    """Encodes values that are easier to read than bytes."""
    return encode(np.asarray(values, dtype), Tensor)


def raw(dtype: int, shape: list[int], elements: bytes) -> Tensor:
    """Builds a message that `encode` would not."""
    return Tensor(dtype=DataType.ValueType(dtype), shape=shape, data=elements)


@given(floats | counts)
def test_an_array_survives_the_wire(array: NDArray[Any]) -> None:
    """Dtype, shape and every element are the same after encoding, serialising, parsing and decoding."""
    parsed = Tensor.FromString(encode(array, Tensor).SerializeToString())
    decoded = decode(parsed, "array", CODES[array.dtype.name], array.shape)
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


def test_an_array_that_cannot_be_sent_leaves_the_message_as_it_was() -> None:
    """No half of a tensor is sent by mistake."""
    message = Tensor()
    with pytest.raises(KeyError):
        encode_into(message, np.zeros(2, dtype=np.float64))
    assert message == Tensor()


@given(ragged_lists)
def test_lists_survive_the_wire(lists: list[list[int]]) -> None:
    """Each list comes back with its elements, empty ones included, whatever the lengths of the others."""
    sent = Ragged.of([np.array(one, np.uint32) for one in lists], np.uint32)
    received = decode_ragged(
        encode(sent.values, Tensor), encode(sent.offsets, Tensor), "history", lists=len(lists), limit=36
    )
    assert [one.tolist() for one in received] == lists


def test_elements_are_little_endian() -> None:
    """The bytes are those that the contract names, whatever order the array has in memory."""
    assert tensor([1, 256]).data == b"\x01\x00\x00\x00\x00\x01\x00\x00"
    assert encode(np.array([1], ">u4").astype(">f4"), Tensor).data == b"\x00\x00\x80\x3f"


def test_a_transposed_array_is_sent_by_its_shape() -> None:
    """The last axis varies fastest on the wire even where it does not in memory."""
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(decode(encode(array, Tensor), "array", FLOAT32, [3, 2]), array)


def test_int64_goes_as_uint32() -> None:
    """Offsets and ids are computed as int64 and travel as uint32."""
    sent = encode(np.array([0, 2**32 - 1], np.int64), Tensor)
    assert sent.dtype == UINT32
    assert decode(sent, "rows", UINT32, [2]).tolist() == [0, 2**32 - 1]


@pytest.mark.parametrize("value", [-1, 2**32])
def test_an_id_that_does_not_fit_is_not_sent(value: int) -> None:
    """It would arrive as another item's row."""
    with pytest.raises(ValueError, match="outside of uint32"):
        encode(np.array([value], np.int64), Tensor)


def test_a_dtype_that_the_contract_does_not_have_is_not_sent() -> None:
    """Doubles are not narrowed silently."""
    with pytest.raises(KeyError):
        encode(np.zeros(1, np.float64), Tensor)


def test_a_decoded_array_is_a_read_only_view() -> None:
    """Nothing is copied, so nothing may be written to."""
    assert not decode(tensor([1]), "rows", UINT32, [1]).flags.writeable


@pytest.mark.parametrize(
    ("sent", "dtype", "shape", "problem"),
    [
        (tensor([1]), FLOAT32, [1], "must have dtype float32"),
        (raw(0, [0], b""), UINT32, [0], "must have dtype uint32"),
        (tensor([1, 2]), UINT32, [3], r"must have shape \[3\], not \[2\]"),
        (tensor([1, 2]), UINT32, [None, 2], r"must have shape \[any, 2\], not \[2\]"),
        (tensor([[1, 2]]), UINT32, [2], r"must have shape \[2\], not \[1, 2\]"),
        (tensor(1), UINT32, [1], r"must have shape \[1\], not \[\]"),
        (raw(UINT32, [2], b"1234"), UINT32, [2], "has 4 bytes of data where its shape needs 8"),
        (raw(UINT32, [1], b"12345"), UINT32, [1], "has 5 bytes of data where its shape needs 4"),
        (
            raw(UINT32, [2**32 - 1] * 2, b""),
            UINT32,
            [None, None],
            "has 0 bytes of data where its shape needs 73786976260478468100",
        ),
        (tensor([np.nan], "float32"), FLOAT32, [1], "must not hold NaN or infinity"),
        (tensor([-np.inf], "float32"), FLOAT32, [1], "must not hold NaN or infinity"),
    ],
)
def test_a_tensor_that_breaks_the_contract_is_refused_by_name(
    sent: Tensor, dtype: int, shape: list[int | None], problem: str
) -> None:
    """The refusal names the field and says what it should have been."""
    with pytest.raises(InvalidArgument, match=problem) as refusal:
        decode(sent, "user_features", dtype, shape)
    assert refusal.value.field == "user_features"


def test_a_refusal_does_not_repeat_a_shape_of_a_million_axes() -> None:
    """What the caller sent is quoted up to the number of axes that the contract allows, and one more."""
    with pytest.raises(InvalidArgument) as refusal:
        decode(raw(UINT32, [1] * 1_000_000, b"1234"), "rows", UINT32, [None])
    assert len(refusal.value.message) < 100


@pytest.mark.parametrize(
    ("values", "offsets", "lists", "field", "problem"),
    [
        (tensor([1.0], "float32"), tensor([0, 1]), 1, "seen_rows", "must have dtype uint32"),
        (tensor([1, 2, 3, 4]), tensor([0, 4]), 1, "seen_rows", "holds 4 rows; at most 3 are allowed"),
        (tensor([1]), tensor([0, 1], "uint8"), 1, "seen_offsets", "must have dtype uint32"),
        (tensor([1]), tensor([0, 1]), 2, "seen_offsets", r"must have shape \[3\], not \[2\]"),
        (tensor([1]), tensor([1, 1]), 1, "seen_offsets", "must rise from 0 to the number of rows, 1"),
        (tensor([1]), tensor([0, 2]), 1, "seen_offsets", "must rise from 0 to the number of rows, 1"),
        (tensor([1]), tensor([0, 2, 1]), 2, "seen_offsets", "must rise from 0 to the number of rows, 1"),
        (tensor([1, 2]), tensor([0, 2, 1, 2]), 3, "seen_offsets", "must rise from 0 to the number of rows, 2"),
        (tensor([]), tensor([]), None, "seen_offsets", "must rise from 0 to the number of rows, 0"),
    ],
)
def test_lists_that_break_the_contract_are_refused_by_name(
    values: Tensor, offsets: Tensor, lists: int | None, field: str, problem: str
) -> None:
    """The refusal names that of the two fields that is wrong."""
    with pytest.raises(InvalidArgument, match=problem) as refusal:
        decode_ragged(values, offsets, "seen", lists, limit=3)
    assert refusal.value.field == field


def test_any_number_of_lists_may_be_allowed() -> None:
    """The first field of a request says how many queries there are."""
    assert len(decode_ragged(tensor([7]), tensor([0, 0, 1]), "history", None, limit=3)) == 2


def test_a_ragged_array_knows_the_list_of_each_value() -> None:
    """`owners` is what tells a flat batch which query a candidate belongs to."""
    ragged = Ragged.of([np.array([4, 5]), np.array([], np.int64), np.array([6])], np.uint32)
    assert ragged.owners.tolist() == [0, 0, 2]
    assert ragged.values.dtype == np.uint32


def test_a_ragged_array_may_hold_no_list() -> None:
    """Then it has one offset, no values, and no owners."""
    ragged = Ragged.of([], np.float32)
    assert (len(ragged), ragged.offsets.tolist(), ragged.owners.tolist()) == (0, [0], [])
    assert ragged.values.dtype == np.float32


@pytest.mark.parametrize("index", [-1, 1])
def test_a_list_that_is_not_there_is_no_empty_list(index: int) -> None:
    """A wrong index is an error, from either end."""
    with pytest.raises(IndexError):
        Ragged.of([np.array([1])], np.uint32)[index]


def test_rows_of_the_snapshot_pass() -> None:
    """The last row is one below the number of items, and no rows at all are fine."""
    check_rows(np.array([0, 9], np.uint32), 10, "rows")
    check_rows(np.array([], np.uint32), 10, "rows")


def test_a_row_that_the_snapshot_does_not_have_is_refused() -> None:
    """The refusal names the field, the row, and how many items there are."""
    with pytest.raises(InvalidArgument, match="rows holds row 10; the snapshot has 10 items"):
        check_rows(np.array([0, 10], np.uint32), 10, "rows")


def test_parts_are_views_of_the_whole_in_order() -> None:
    """Each caller of a batch gets its own rows, without a copy; one that asked for none gets none."""
    whole = np.arange(8, dtype=np.float32).reshape(4, 2)
    first, nothing, rest = parts(whole, [1, 0, 3])
    assert (first.tolist(), nothing.shape, rest.tolist()) == ([[0, 1]], (0, 2), [[2, 3], [4, 5], [6, 7]])
    assert first.base is not None


def test_some_of_the_lists_are_taken_in_any_order() -> None:
    """Values and offsets follow."""
    taken = Ragged.of([np.array([1, 2]), np.array([]), np.array([3])], np.uint32).take(np.array([2, 0]))
    assert [one.tolist() for one in taken] == [[3], [1, 2]]
    assert taken.values.dtype == np.uint32


def test_values_that_are_not_kept_leave_their_lists_shorter() -> None:
    """No list is lost, not even one that has nothing left."""
    lists = Ragged.of([np.array([1, 2]), np.array([]), np.array([3])], np.uint32)
    kept = lists.where(np.array([False, True, False]))
    assert [one.tolist() for one in kept] == [[2], [], []]
