"""The row of each item id of a snapshot, in sixteen bytes an item."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from services.recall.channel import Rows
from services.recall.live.giving_way import give_way
from services.recall.live.lookup import Lookup

#: Bytes of the catalogue that are decoded at once: a tenth of a millisecond's work, after which other threads go on.
_DECODED_TOGETHER = 1 << 15


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What of an item matters here."""

    id: str


class ItemRows:
    """Rows by id, known by the hashes of the ids alone.

    Python's hashes of texts have 64 bits and a key that nobody outside knows: that ten thousand ids of strangers meet
    one of a million items by chance happens once in two thousand million times.

    Args:
        rows: From hash to row.
    """

    def __init__(self, rows: Lookup) -> None:
        self._rows = rows

    @classmethod
    def read(cls, catalogue: Path) -> Self:
        """Reads the catalogue, whose checksum must have been verified, in pieces. Takes a second for a million items.

        Raises:
            OSError: the file cannot be read.
            msgspec.MsgspecError: a line is no item.
        """
        decoder = msgspec.json.Decoder(_Line)
        parts = []
        with catalogue.open("rb") as file:
            while lines := file.readlines(_DECODED_TOGETHER):
                give_way()
                parts.append(_hashes([line.id for line in decoder.decode_lines(b"".join(lines))]))
        hashes = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        return cls(Lookup.of(hashes, np.arange(len(hashes))))

    def rows_of(self, item_ids: Sequence[str]) -> Rows:
        """Returns the row of each id, -1 where the snapshot does not have it: int64 [ids]."""
        return self._rows.get(_hashes(item_ids))


def _hashes(item_ids: Sequence[str]) -> Rows:
    return np.fromiter(map(hash, item_ids), dtype=np.int64, count=len(item_ids))
