"""The folder of the store's log, and how long what is in it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from services.feature_store import metrics
from services.feature_store.logged_commit import log_position
from services.feature_store.store_folder import StoreRefused
from shared.event_log import EventLog, LogDamaged

#: Inside of the store's folder.
LOG_FOLDER = "log"


@dataclass(frozen=True)
class Retention:
    """How long the log is kept. What the store remembers is not touched by it.

    Attributes:
        older_than_ms: Segments whose newest record was written longer ago than this are dropped; None keeps them.
        max_bytes: The oldest segments are dropped until the others are not longer than this; None keeps them.
    """

    older_than_ms: int | None = None
    max_bytes: int | None = None

    def apply(self, log: EventLog) -> None:
        """Drops what need not be kept. In the thread that writes the log: what it wrote, the databases have."""
        log.retain(self.older_than_ms, self.max_bytes)
        metrics.LOG_BYTES.set(log.end - log.start)


KEEP_ALL = Retention()


@contextmanager
def open_log_folder(
    path: Path, environment: lmdb.Environment, segment_bytes: int = 64 << 20, sync: bool = True
) -> Iterator[EventLog]:
    """Opens the log of a store, which is made when missing, and closes it in the end.

    Args:
        path: The folder of the store.
        environment: Its databases, open.
        segment_bytes: How long one file of the log becomes.
        sync: Whether what is appended waits for the disk.

    Raises:
        StoreRefused: the log is damaged, ends before what the databases have from it, or cannot be written.
    """
    folder = path.resolve() / LOG_FOLDER
    log = EventLog(folder, segment_bytes, sync, at_least=log_position(environment))
    try:
        log.__enter__()
    except (LogDamaged, OSError) as error:
        raise StoreRefused(path, f"its log cannot be used: {error}") from error
    with log:
        yield log
