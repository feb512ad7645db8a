"""Random messages of any protobuf type: sometimes sensible, mostly not.

Values that a contract is likely to trip over (zero, negative, huge, NaN, empty, a megabyte, invalid ids) are drawn
far more often than chance would; a snapshot that is held and ids that exist are mixed in, so that a request gets past
the first check often enough to reach the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

MEGABYTE = "x" * 1_000_000

_INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
_FLOATS = (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE)


@dataclass(frozen=True)
class Vocabulary:
    """Values that mean something to the running suite.

    Attributes:
        snapshot_id: A snapshot that is held.
        item_ids: Items of its catalogue.
        user_ids: Users of the store.
    """

    snapshot_id: str
    item_ids: Sequence[str]
    user_ids: Sequence[str]

    @property
    def words(self) -> list[str]:
        """All of them, with strings that nothing should accept."""
        strange = ["", "\x00", "ü" * 129, "a" * 257, "no such thing", "../../etc", "💥", " "]
        return [self.snapshot_id, "ranker", *self.item_ids[:5], *self.user_ids[:3], "category", "view", *strange]


def messages(descriptor: Descriptor, vocabulary: Vocabulary, depth: int = 3) -> st.SearchStrategy[Message]:
    """Draws messages of the type that `descriptor` describes, fields present or not."""
    cls = GetMessageClass(descriptor)
    if descriptor.name == "Tensor":
        return _tensors(cls)
    if depth == 0 or not descriptor.fields:
        return st.builds(cls)
    fields = st.fixed_dictionaries(
        {}, optional={field.name: _values(field, vocabulary, depth) for field in descriptor.fields}
    )
    return fields.map(lambda chosen: _build(cls, chosen))


def _build(cls: type[Message], chosen: dict[str, Any]) -> Message:
    message = cls()
    for name, value in chosen.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        target = getattr(message, name)
        if isinstance(value, dict):
            for key, one in value.items():
                target[key].CopyFrom(one) if isinstance(one, Message) else target.__setitem__(key, one)
        elif isinstance(value, list):
            target.extend(value)
        elif field.message_type is not None:
            target.CopyFrom(value)
        else:
            setattr(message, name, value)
    return message


def _values(field: FieldDescriptor, vocabulary: Vocabulary, depth: int) -> st.SearchStrategy[Any]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        keys = _scalars(entry.fields_by_name["key"], vocabulary)
        return st.dictionaries(keys, _scalars(entry.fields_by_name["value"], vocabulary, depth), max_size=3)
    one = _scalars(field, vocabulary, depth)
    if not field.is_repeated:
        return one
    few = st.lists(one, max_size=4)
    if field.message_type is not None:
        return few
    many = one.map(lambda value: [value] * (2 if value == MEGABYTE else 10_001))  # ten thousand megabytes are too many
    return st.one_of(few, many, one.map(lambda value: [value, value]))


def _scalars(field: FieldDescriptor, vocabulary: Vocabulary, depth: int = 0) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, vocabulary, depth - 1)
    return _strings(field, vocabulary) if field.type == FieldDescriptor.TYPE_STRING else _numbers(field)


def _numbers(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type in _INTEGERS:
        low, high = _INTEGERS[field.type]
        return st.one_of(st.sampled_from([0, 1, max(low, -1), high, low]), st.integers(low, high), st.integers(0, 20))
    if field.type in _FLOATS:
        return st.one_of(st.sampled_from([0.0, 1.0, -1.0, float("nan"), float("inf"), 3e38]), st.floats(0, 1, width=32))
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.sampled_from([*(value.number for value in field.enum_type.values), 99])
    return st.binary(max_size=64)


def _strings(field: FieldDescriptor, vocabulary: Vocabulary) -> st.SearchStrategy[str]:
    if field.name == "snapshot_id":
        return st.sampled_from([vocabulary.snapshot_id] * 6 + ["", "unknown", MEGABYTE])
    return st.one_of(st.sampled_from(vocabulary.words), st.text(max_size=20), st.just(MEGABYTE))


def _tensors(cls: type[Message]) -> st.SearchStrategy[Message]:
    """Tensors that are whole, and tensors whose dtype, shape and bytes disagree."""
    offsets = st.sampled_from([[0], [0, 0], [0, 1], [0, 2], [0, 2, 3], [1, 0], [5]]).map(
        lambda values: _tensor(cls, 2, [len(values)], np.array(values, "<u4").tobytes())
    )
    rows = st.lists(st.one_of(st.integers(0, 30), st.just(2**32 - 1)), max_size=4).map(
        lambda values: _tensor(cls, 2, [len(values)], np.array(values, "<u4").tobytes())
    )
    floats = st.tuples(
        st.integers(0, 3), st.integers(0, 40), st.sampled_from([0.0, 0.5, float("nan"), float("-inf")])
    ).map(lambda drawn: _tensor(cls, 1, drawn[:2], np.full(drawn[:2], drawn[2], "<f4").tobytes()))
    broken = st.tuples(
        st.integers(0, 5), st.lists(st.sampled_from([0, 1, 2, 2**31, 2**32 - 1]), max_size=6), st.binary(max_size=32)
    ).map(lambda drawn: _tensor(cls, *drawn))
    return st.one_of(offsets, rows, floats, broken)


def _tensor(cls: type[Message], dtype: int, shape: Sequence[int], content: bytes) -> Message:
    return cls(dtype=dtype, shape=shape, data=content)


def shortened(message: Message, length: int = 400) -> str:
    """Returns a message as text that fits in a test's failure."""
    return json_format.MessageToJson(message, indent=None)[:length]
