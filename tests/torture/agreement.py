"""Whether a store and its log say the same: the log is read from its beginning, and the store as it is when it opens."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from services.feature_store.decayed_counters import count_events
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.logged_commit import log_position
from services.feature_store.store_folder import open_store_folder
from services.feature_store.stored_user import PastEvent
from services.feature_store.user_change import remembered
from services.feature_store.user_record import Bounds, UserRecord
from shared.event_log import read_log
from shared.event_log.records import AttributesRecord, EventRecord
from shared.events import HISTORY_TYPES
from tests.torture.callers import USERS, EventKey

BOUNDS = Bounds(history=50, seen=20, filtered=1_000)
_WEEK_MS = 7 * 86_400_000

#: The history of one user, and the counters.
Said = tuple[list[tuple[int, str, int]], bytes]


@dataclass(frozen=True)
class Found:
    """What a store left.

    Attributes:
        events: The events in the log, in its order, each as often as it is there.
        attributes: Of each user, the time of the newest attribute in the log.
        log_checksum: Over what the log says of every user.
        store_checksum: Over what the store says of every user. The same, unless something is wrong.
        replayed_bytes: What the log had and the databases lacked when the store was opened.
    """

    events: list[EventKey]
    attributes: dict[str, int]
    log_checksum: str
    store_checksum: str
    replayed_bytes: int = 0


def look_at(path: Path) -> Found:
    """Opens a store, which replays what a crash left in its log alone, and reads it and the log."""
    user_ids = [f"user-{number}" for number in range(USERS)]
    with open_store_folder(path, 1 << 30) as environment, open_log_folder(path, environment) as log:
        ahead = log.end - log_position(environment)
        with LmdbStore(environment, log, BOUNDS, event_window_ms=_WEEK_MS, max_queued_events=1) as store:
            parts = store.read_now(user_ids)
    records = [UserRecord() if one is None else remembered(one, BOUNDS) for one in parts]
    logged = [record for _, record in read_log(path / "log")]
    events = [record for record in logged if isinstance(record, EventRecord)]
    attributes = defaultdict[str, int](int)
    for record in logged:
        if isinstance(record, AttributesRecord):
            attributes[record.user_id] = max(attributes[record.user_id], record.written_at_ms)
    of_log = _said_by_log(events)
    return Found(
        [(event.user_id, event.event_id) for event in events],
        dict(attributes),
        _checksum(f"{of_log.get(user_id, ([], b''))} {attributes.get(user_id, 0)}" for user_id in user_ids),
        _checksum(f"{_said_by_store(record)} {record.attribute_times.get('age', 0)}" for record in records),
        ahead,
    )


def _said_by_log(events: Iterable[EventRecord]) -> dict[str, Said]:
    """Returns of each user the history, and the counters over all events in the order in which they were recorded."""
    of_user = defaultdict[str, list[PastEvent]](list)
    for event in events:
        past = PastEvent(event.occurred_at_ms, event.item_id, event.type, event.dwell_seconds)
        of_user[event.user_id].append(past)
    said = {}
    for user_id, theirs in of_user.items():
        ordered = sorted((event for event in theirs if event.type in HISTORY_TYPES), key=lambda event: event.at_ms)
        history = [event[:3] for event in ordered[-BOUNDS.history :]]
        said[user_id] = history, count_events(b"", theirs, BOUNDS.half_life_ms)
    return said


def _said_by_store(record: UserRecord) -> Said:
    return list(zip(record.history_times, record.history_items, record.history_types, strict=True)), record.counters


def _checksum(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
