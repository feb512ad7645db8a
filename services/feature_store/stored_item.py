"""What was written of one item's features, as bytes."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray


class StoredItem(msgspec.Struct, array_like=True, frozen=True):
    """The written features of one item as stored: a msgpack array of these fields, in this order.

    Times and values are packed in the machine's byte order, as those of a stored user are.

    Attributes:
        names: The features that were written, each once, in the order of their first writing.
        times: When the value of each came to be, in milliseconds since 1970, UTC: int64 [names].
        values: The value of each: float32 [names].
    """

    names: list[str]
    times: bytes
    values: bytes

    @property
    def times_ms(self) -> NDArray[np.int64]:
        """The times, int64 [names]."""
        return np.frombuffer(self.times, dtype=np.int64)

    @property
    def numbers(self) -> NDArray[np.float32]:
        """The values, float32 [names]."""
        return np.frombuffer(self.values, dtype=np.float32)


NOTHING = StoredItem([], b"", b"")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredItem)


def encode_item(item: StoredItem) -> bytes:
    """Returns the bytes that `decode_item` turns back into the item."""
    return _encoder.encode(item)


def decode_item(encoded: bytes | memoryview) -> StoredItem:
    """Returns the item in `encoded`.

    Raises:
        msgspec.MsgspecError: the bytes are no stored item.
    """
    return _decoder.decode(encoded)


def merge_features(
    item: StoredItem, names: Sequence[str], values: NDArray[np.float32], at_ms: int
) -> tuple[StoredItem, NDArray[np.bool_]]:
    """Writes values that came to be at one time, unless newer ones are there: the last writer wins.

    Args:
        item: What is stored.
        names: The features, each once.
        values: float32 [names].
        at_ms: In milliseconds since 1970, UTC. Of two of the same time the one that arrives later stays, so that a
            correction within a millisecond is not lost.

    Returns:
        What is to be stored, and which of the values were written: bool [names].
    """
    place_of = {name: place for place, name in enumerate(item.names)}
    places = [place_of.setdefault(name, len(place_of)) for name in names]
    added = len(place_of) - len(item.names)
    times = np.concatenate([item.times_ms, np.full(added, -1, dtype=np.int64)])
    numbers = np.concatenate([item.numbers, np.zeros(added, dtype=np.float32)])
    written = times[places] <= at_ms
    kept = np.array(places, dtype=np.int64)[written]
    times[kept] = at_ms
    numbers[kept] = values[written]
    return StoredItem(list(place_of), times.tobytes(), numbers.tobytes()), written
