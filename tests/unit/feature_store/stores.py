"""Real stores in real folders, for tests of what they remember."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.feature_store.events import Event
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.store_folder import open_store_folder
from services.feature_store.stored_user import StoredUser
from services.feature_store.user_change import remembered
from services.feature_store.user_record import Bounds
from shared.events import EventType

WEEK_MS = 7 * 24 * 60 * 60 * 1000
MIB = 1 << 20


WIDE = Bounds(history=1_000, seen=1_000)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1_700_000_000_000


@contextmanager
def open_store(
    path: Path,
    bounds: Bounds = WIDE,
    clock: Clock | None = None,
    max_bytes: int = 256 * MIB,
    max_queued_events: int = 100_000,
) -> Iterator[LmdbStore]:
    """Opens the store in a folder, with a window of a week."""
    time = clock or Clock()
    with (
        open_store_folder(path, max_bytes) as environment,
        open_log_folder(path, environment) as log,
        LmdbStore(
            environment,
            log,
            bounds,
            event_window_ms=WEEK_MS,
            max_queued_events=max_queued_events,
            now_ms=lambda: time.now_ms,
        ) as store,
    ):
        yield store


def stored(store: LmdbStore, user_id: str, bounds: Bounds = WIDE) -> StoredUser | None:
    """Returns what a store remembers of one user, with everything in the record."""
    (parts,) = store.read_now([user_id])
    return None if parts is None else remembered(parts, bounds).stored


def event(event_id: str, item_id: str = "i", at_ms: int = 0, user_id: str = "u", kind: int = EventType.VIEW) -> Event:
    """Returns an event, with defaults for what does not matter."""
    return Event(event_id, user_id, item_id, kind, at_ms)
