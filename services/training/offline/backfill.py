"""Replaying the log into the offline store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.training.offline.rows import RowBuffer
from services.training.offline.store import OfflineStore
from services.training.offline.tables import Table
from shared.event_log.records import Record

ReadLog = Callable[[int], Iterator[tuple[int, Record]]]
"""Gives the records of the log after a position, each with the position at which it ends."""

# Texts of items make some rows large: what waits is bounded by rows and by the bytes that they took in the log.
_MOST_BYTES = 64 << 20


@dataclass(slots=True)
class Backfilled:
    """What a backfill did.

    Attributes:
        start: The position of the store before.
        end: The position of the store now.
        records: How many records it took from the log.
        rows: How many rows each table grew by.
    """

    start: int
    end: int
    records: int = 0
    rows: Counter[Table] = field(default_factory=Counter)


def backfill(
    store: OfflineStore,
    read: ReadLog,
    *,
    rebuild: bool = False,
    batch_rows: int = 100_000,
    on_batch: Callable[[Backfilled], None] = lambda _: None,
) -> Backfilled:
    """Brings the store up to the end of the log.

    Every batch becomes part of the store at once, together with its position in the log: a backfill that was cut off goes
    on after its last whole batch, and none of it comes twice. Memory is bounded by a batch.

    Args:
        store: Goes on from its position.
        read: The log.
        rebuild: Forgets what the store has first: what was erased from the log is then in no file of the store. Until it is
            done, readers see the part that was replayed.
        batch_rows: How many rows to hold in memory, about.
        on_batch: Told after every batch.

    Raises:
        OfflineStoreError: another process writes to the store, or the store cannot be read.
    """
    with store.writing(anew=rebuild):
        start = store.manifest().position
        done = Backfilled(start, start)
        waiting = RowBuffer()
        position = start
        for position, record in read(start):
            waiting.add(position, record)
            done.records += 1
            if waiting.rows >= batch_rows or position - done.end >= _MOST_BYTES:
                _store(store, waiting, position, done)
                on_batch(done)
        if position > done.end:
            _store(store, waiting, position, done)
            on_batch(done)
        return done


def _store(store: OfflineStore, waiting: RowBuffer, position: int, done: Backfilled) -> None:
    frames = waiting.take()
    store.append(frames, position)
    done.end = position
    done.rows.update({table: len(frame) for table, frame in frames.items()})
