"""Finding a few records among many, without decoding the others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.event_log.errors import LogDamaged
from shared.event_log.framing import ERASED, BadFrame, is_torn, read_batches
from shared.event_log.records import Record, decode_record
from shared.event_log.segments import list_segments

_PIECE_BYTES = 1 << 20


def find_records(folder: Path, containing: bytes) -> Iterator[Record]:
    """Yields the records of a log whose encoding has some bytes in it, oldest first; segments without them are not read.

    Raises:
        LogDamaged: a segment that has the bytes in it does not hold what was written.
    """
    segments = list_segments(folder)
    for segment in segments:
        try:
            if not contains_any(segment.path, [containing]):
                continue
            for batch in read_batches(segment.path):
                for _, flags, payload in batch:
                    if not flags & ERASED and containing in bytes(payload):
                        yield decode_record(payload)
        except FileNotFoundError:  # retention took it away just now
            continue
        except BadFrame as bad:
            if segment is not segments[-1] or not is_torn(segment.path, bad.offset):
                raise LogDamaged(segment.path, bad.offset, bad.problem) from bad


def contains_any(path: Path, parts: Sequence[bytes]) -> bool:
    """Whether a file has one of some bytes in it; of none, every file has. Read in pieces, between which others run."""
    longest = max(map(len, parts), default=0)
    held = b""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE_BYTES):
            held += piece
            if has_any(held, parts):
                return True
            held = held[max(0, len(held) - longest + 1) :]
    return False


def has_any(content: bytes, parts: Sequence[bytes]) -> bool:
    """Whether the content has one of some bytes in it; of none, all content has."""
    return not parts or any(part in content for part in parts)
