"""Frames: how one record lies in a segment.

    bytes 0-3   u32  length of the payload
    bytes 4-7   u32  CRC-32 of the flags and the payload
    byte  8     u8   flags: 1 = last frame of its batch, 2 = erased, the payload is filler
    bytes 9-    the payload: a record as `records.encode_record` writes it, or zeros where it was erased

Numbers are little-endian. A batch is read whole or not at all: it is there once the frame that ends it is. No frame is
made of zeros alone, so that a file that a crash left with zeros at its end has no frame there.
"""

from binascii import crc32
from collections.abc import Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import numpy as np

from shared.event_log.records import Record, encode_record

LAST = 1
ERASED = 2

#: The longest record: several times what the contract's limits allow. Bounds what a damaged length can ask for.
MAX_PAYLOAD_BYTES = 1 << 20

_HEADER = Struct("<IIB")
HEADER_BYTES = _HEADER.size
_FLAGS_AT = 8
_READ_BYTES = 1 << 20

_CRC_OF_PLAIN = crc32(b"\0")
_CRC_OF_LAST = crc32(bytes([LAST]))
# What a record can begin with: msgpack's short array, or its 16-bit one.
_ARRAY = range(0x90, 0xA0)
_LONG_ARRAY = 0xDC


class Frame(NamedTuple):
    """One frame of a segment.

    Attributes:
        end: Where it ends, in bytes from the beginning of the segment.
        flags: `LAST`, `ERASED`, both or neither.
        payload: The encoded record, or filler.
    """

    end: int
    flags: int
    payload: memoryview


class BadFrame(Exception):
    """A segment holds no whole frame, or no whole batch, at a place.

    Attributes:
        offset: The place, in bytes from the beginning of the segment.
        problem: What is wrong there.
    """

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset
        self.problem = problem


def encode_batch(records: Sequence[Record]) -> bytes:
    """Returns the frames of a batch, the last of them marked.

    Raises:
        ValueError: a record is longer than `MAX_PAYLOAD_BYTES`.
    """
    parts: list[bytes] = []
    pack = _HEADER.pack
    for record in records:
        payload = encode_record(record)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a record of {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are allowed")
        parts += (pack(len(payload), crc32(payload, _CRC_OF_PLAIN), 0), payload)
    if parts:
        parts[-2] = pack(len(parts[-1]), crc32(parts[-1], _CRC_OF_LAST), LAST)
    return b"".join(parts)


def erased_frame(frame: Frame) -> bytes:
    """Returns a frame of the same length that says nothing."""
    flags = frame.flags | ERASED
    filler = bytes(len(frame.payload))
    return _HEADER.pack(len(filler), crc32(filler, crc32(bytes([flags]))), flags) + filler


def read_batches(path: Path, offset: int = 0) -> Iterator[list[Frame]]:
    """Yields the whole batches of a segment, from a frame's beginning on.

    Args:
        path: The segment.
        offset: Where to begin, in bytes. Inside of a batch, what is left of it counts as one.

    Raises:
        BadFrame: after the last whole batch there is something else.
        FileNotFoundError: there is no such segment.
    """
    batch: list[Frame] = []
    start = begun = offset  # where `held` and the batch begin
    held = b""
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while chunk := file.read(_READ_BYTES):
            held += chunk
            view, size, place = memoryview(held), len(held), 0
            while size - place >= HEADER_BYTES:
                length, checksum, flags = _HEADER.unpack_from(held, place)
                if length > MAX_PAYLOAD_BYTES:
                    raise BadFrame(start + place, "is not the beginning of a record")
                end = place + HEADER_BYTES + length
                if end > size:
                    break
                if crc32(view[place + _FLAGS_AT : end]) != checksum:
                    raise BadFrame(start + place, "the record and its checksum differ")
                batch.append(Frame(start + end, flags, view[place + HEADER_BYTES : end]))
                place = end
                if flags & LAST:
                    begun = start + end
                    yield batch
                    batch = []
            held = held[place:]
            start += place
    if held:
        raise BadFrame(start, "the file ends within a record")
    if batch:
        raise BadFrame(begun, "the file ends within a batch")


def is_torn(path: Path, offset: int) -> bool:
    """Whether what is wrong at a place of the last segment can be a batch that a crash cut short.

    A batch is written when the one before it is on disk. So a crash leaves one unfinished batch, of which any part may be
    missing. Where a batch follows that batch, the place is damaged.

    Args:
        path: The segment.
        offset: Where it holds no frame.
    """
    with path.open("rb") as file:
        file.seek(offset)
        tail = file.read()
    ended = False
    begin = 1
    while (place := _next_frame(tail, begin)) is not None:
        begin = place
        while (end := _frame_end(tail, begin)) is not None:
            if ended:
                return False
            ended = bool(tail[begin + _FLAGS_AT] & LAST)
            begin = end
    return True


def _next_frame(tail: bytes, begin: int) -> int | None:
    """Returns where the next whole frame begins, at whatever byte."""
    count = len(tail) - HEADER_BYTES - begin
    if count <= 0:
        return None
    octets = np.frombuffer(tail, dtype=np.uint8)
    # A frame begins like one: a short length, flags that exist, a record's first byte or filler.
    short = (octets[begin + 3 : begin + 3 + count] == 0) & (octets[begin + 2 : begin + 2 + count] <= 0x10)
    flags = octets[begin + _FLAGS_AT : begin + _FLAGS_AT + count]
    first = octets[begin + HEADER_BYTES : begin + HEADER_BYTES + count]
    record = ((first >= _ARRAY.start) & (first < _ARRAY.stop)) | (first == _LONG_ARRAY)
    likely = short & (flags <= (LAST | ERASED)) & (record | (flags & ERASED > 0))
    for place in np.flatnonzero(likely).tolist():
        if _frame_end(tail, begin + place) is not None:
            return begin + int(place)
    return None


def _frame_end(tail: bytes, place: int) -> int | None:
    """Returns where the frame that begins at `place` ends; None where none does."""
    if len(tail) - place < HEADER_BYTES:
        return None
    length, checksum, _ = _HEADER.unpack_from(tail, place)
    end: int = place + HEADER_BYTES + length
    if length > MAX_PAYLOAD_BYTES or end > len(tail):
        return None
    return end if crc32(memoryview(tail)[place + _FLAGS_AT : end]) == checksum else None
