"""A Bloom filter of the items that a user saw long ago: a few bits for each, never a seen item missed, few unseen ones taken for seen.

B. H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors" (1970); the probes of one item come from two hashes:
A. Kirsch, M. Mitzenmacher, "Less Hashing, Same Performance" (2006).

A filter that is filled without end takes everything for seen. So it has two generations: the current one takes items until
it is full, then it becomes the previous one, and the one before that is forgotten.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

#: Bits looked at for each item.
PROBES = 7
#: Bits for each item, before rounding up to a power of two: both generations full, below 1 in 100 unseen items is taken for
#: seen: 2 (1 - e^(-7/12))^7 = 0.7 %.
BITS_PER_ITEM = 12

#: The sizes of the two generations, as powers of two (0: there is none), and how many items the current one holds.
_HEADER = struct.Struct("<BBI")
_LEAST_BITS_LOG2 = 6


class ItemHashes:
    """The hashes of many items, to ask a filter about all of them at once.

    Args:
        hashes: uint64 [items], from `hash_items`.
    """

    def __init__(self, hashes: NDArray[np.uint64]) -> None:
        self._hashes = hashes
        self._first: tuple[int, NDArray[np.intp]] = (0, np.empty(0, dtype=np.intp))

    def __len__(self) -> int:
        return len(self._hashes)

    def probe(self, number: int, log2: int, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Returns where probe `number` (from 1) of the chosen items looks in a generation of 2**log2 bits."""
        return _position(self._hashes[chosen], number, log2)

    def first_probe(self, log2: int) -> NDArray[np.intp]:
        """Returns where probe 0 of every item looks in a generation of 2**log2 bits."""
        # Nearly always of one size, and it is the one probe of all items: remembered, it saves a third of the time.
        known, positions = self._first
        if known != log2:
            positions = _position(self._hashes, 0, log2)
            self._first = (log2, positions)
        return positions


def hash_items(item_ids: Iterable[str]) -> NDArray[np.uint64]:
    """Returns the hash of each item id: uint64 [items]."""
    digests = (hashlib.blake2b(item_id.encode(), digest_size=8).digest() for item_id in item_ids)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def add_items(encoded: bytes | None, item_ids: Sequence[str], capacity: int) -> bytes:
    """Adds items to a filter.

    Args:
        encoded: The filter; None for an empty one.
        item_ids: What to add, the item seen longest ago first.
        capacity: Items of one generation. One that was begun with another capacity keeps its size.

    Returns:
        The filter with the items, and with all that were added before but for those of generations that were forgotten.
    """
    current, previous, count = (_empty(capacity), None, 0) if encoded is None else _split(encoded)
    hashes = hash_items(item_ids)
    while len(hashes):
        if count >= capacity:
            current, previous, count = _empty(capacity), current, 0
        some, hashes = hashes[: capacity - count], hashes[capacity - count :]
        bits = _bits(current)
        positions = _positions(some, _log2(current))
        count += int(len(some) - bits[positions].all(axis=1).sum())
        bits[positions] = 1
        current = np.packbits(bits, bitorder="little").tobytes()
    return _join(current, previous, count)


def may_have_seen(encoded: bytes, item_ids: Sequence[str]) -> NDArray[np.bool_]:
    """Returns which items may have been added: bool [items]; of those that were not, few are True."""
    hashes = hash_items(item_ids)
    found = np.zeros(len(hashes), dtype=np.bool_)
    for generation in _generations(encoded):
        found |= _bits(generation)[_positions(hashes, _log2(generation))].all(axis=1)
    return found


def seen_rows(encoded: bytes, hashes: ItemHashes) -> NDArray[np.uint32]:
    """Returns the rows of the items that may have been added, ascending: uint32.

    Args:
        encoded: The filter.
        hashes: Of the items of a snapshot, by row.
    """
    found = [_rows(generation, hashes) for generation in _generations(encoded)]
    rows = found[0] if len(found) == 1 else np.union1d(*found)
    return rows.astype(np.uint32)


def _rows(generation: bytes, hashes: ItemHashes) -> NDArray[np.intp]:
    bits, log2 = _bits(generation).view(np.bool_), _log2(generation)
    rows = np.flatnonzero(bits.take(hashes.first_probe(log2), mode="clip"))
    # Probe by probe: most items that were not seen are out after one or two.
    for number in range(1, PROBES):
        rows = rows[bits.take(hashes.probe(number, log2, rows), mode="clip")]
    return rows


def _position(hashes: NDArray[np.uint64], number: int, log2: int) -> NDArray[np.intp]:
    step = (hashes >> np.uint64(32)) | np.uint64(1)
    return ((hashes + step * np.uint64(number)) & np.uint64((1 << log2) - 1)).astype(np.intp)


def _positions(hashes: NDArray[np.uint64], log2: int) -> NDArray[np.intp]:
    return np.stack([_position(hashes, number, log2) for number in range(PROBES)], axis=1)


def _bits(generation: bytes) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(generation, dtype=np.uint8), bitorder="little")


def _log2(generation: bytes) -> int:
    return len(generation).bit_length() + 2


def _empty(capacity: int) -> bytes:
    log2 = max(_LEAST_BITS_LOG2, (capacity * BITS_PER_ITEM - 1).bit_length())
    return bytes(1 << (log2 - 3))


def _split(encoded: bytes) -> tuple[bytes, bytes | None, int]:
    log2, previous_log2, count = _HEADER.unpack_from(encoded)
    end = _HEADER.size + (1 << (log2 - 3))
    return encoded[_HEADER.size : end], encoded[end:] if previous_log2 else None, count


def _join(current: bytes, previous: bytes | None, count: int) -> bytes:
    return _HEADER.pack(_log2(current), _log2(previous) if previous else 0, count) + current + (previous or b"")


def _generations(encoded: bytes) -> Iterator[bytes]:
    current, previous, _ = _split(encoded)
    yield current
    if previous is not None:
        yield previous
