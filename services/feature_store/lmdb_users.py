"""Users in LMDB: each part of a user in a database of its own, so that only what changed is written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import lmdb

from services.feature_store.databases import EVENT_KEYS, ITEM_COUNTERS, SEEN_FILTERS, TAILS, USERS
from services.feature_store.decayed_counters import count_events
from services.feature_store.event_window import EventWindow
from services.feature_store.events import Event, ImportedUser, Recorded, user_key
from services.feature_store.log_records import attributes_record, event_record, past_record
from services.feature_store.portrait import count_stored
from services.feature_store.stored_user import PastEvent, UserParts, has_spilled
from services.feature_store.turns import in_turns
from services.feature_store.user_change import NEW_USER, add_events, import_user
from services.feature_store.user_record import Bounds
from services.feature_store.write_transaction import WriteTransaction

#: Event keys that left the window and are removed for each event that is added: more than one, so that they run out.
PRUNED_PER_EVENT = 2

#: Events that are worked on before the event loop has a turn: about a tenth of a millisecond.
_AT_A_TIME = 32


class LmdbUsers:
    """The users, the events that were recorded lately, and how often items came in events.

    Args:
        environment: From `open_store_folder`.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
    """

    def __init__(self, environment: lmdb.Environment, bounds: Bounds, event_window_ms: int) -> None:
        self._environment = environment
        self._bounds = bounds
        self._records: Any = environment.open_db(USERS.encode())
        self._tails: Any = environment.open_db(TAILS.encode())
        self._filters: Any = environment.open_db(SEEN_FILTERS.encode())
        self._item_counters: Any = environment.open_db(ITEM_COUNTERS.encode())
        self._window = EventWindow(environment.open_db(EVENT_KEYS.encode()), event_window_ms)

    def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, as of one moment; None for a user nobody knows."""
        with self._environment.begin() as transaction:
            return [self._load(transaction, user_id.encode()) if user_id else None for user_id in user_ids]

    def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events; empty for an item that no event named."""
        with self._environment.begin(db=self._item_counters) as transaction:
            return [bytes(transaction.get(item_id.encode(), b"")) for item_id in item_ids]

    def record(self, writing: WriteTransaction, events: Sequence[Event], now_ms: int) -> Recorded:
        """Records events; one that was recorded before counts once."""
        transaction, records = writing.lmdb, writing.records
        new_of: dict[str, list[PastEvent]] = {}
        new = []
        for event in in_turns(events, _AT_A_TIME):
            if self._window.admit(transaction, event.key, now_ms):
                past = PastEvent(event.at_ms, event.item_id, event.type, event.dwell_seconds)
                new_of.setdefault(event.user_id, []).append(past)
                new.append(past)
                records.append(event_record(event, now_ms))
        for user_id, past_events in in_turns(new_of.items(), _AT_A_TIME):
            key = user_id.encode()
            before = self._load(transaction, key)
            self._save(transaction, key, before, add_events(before or NEW_USER, past_events, self._bounds))
        self._count(transaction, new)
        self._window.prune(transaction, now_ms, PRUNED_PER_EVENT * len(events))
        return Recorded(len(new), len(events) - len(new))

    def merge(self, writing: WriteTransaction, users: Sequence[ImportedUser], now_ms: int) -> int:
        """Merges users into what is stored, and returns how many events were new.

        Raises:
            InvalidArgument: a user would have too many attributes.
        """
        new = 0
        for position, user in enumerate(users):
            key = user.user_id.encode()
            before = self._load(writing.lmdb, key)
            written_at_ms = user.attributes_written_at_ms or now_ms
            past = map(PastEvent, user.times_ms, user.item_ids, user.types)
            path = f"users[{position}].attributes"
            imported = import_user(
                before or NEW_USER, user.attributes, written_at_ms, past, bounds=self._bounds, path=path
            )
            self._save(writing.lmdb, key, before, imported.parts)
            self._count(writing.lmdb, imported.events)
            new += len(imported.events)
            if imported.attributes:
                writing.records.append(attributes_record(user.user_id, imported.attributes, written_at_ms, now_ms))
            writing.records.extend(past_record(user.user_id, event, now_ms) for event in imported.events)
        return new

    def forget(self, writing: WriteTransaction, user_id: str) -> "Counter[str]":
        """Deletes a user, and returns how many records there were, by place.

        The counters of items stay: what they have from one user cannot be told from what they have from others.
        """
        key = user_id.encode()
        parts = self._load(writing.lmdb, key)
        counts = Counter[str]() if parts is None else count_stored(parts, self._bounds)
        for database in (self._records, self._tails, self._filters):
            writing.lmdb.delete(key, db=database)
        counts["event_ids"] = self._window.forget(writing.lmdb, user_key(user_id))
        return counts

    def _load(self, transaction: lmdb.Transaction, key: bytes) -> UserParts | None:
        get: Any = transaction.get  # gives bytes, since no transaction is asked for buffers
        record = get(key, db=self._records)
        if record is None:
            return None
        seen_filter = get(key, db=self._filters) if has_spilled(record) else None
        return UserParts(record, get(key, db=self._tails), seen_filter)

    def _save(self, transaction: lmdb.Transaction, key: bytes, before: UserParts | None, after: UserParts) -> None:
        databases = (self._records, self._tails, self._filters)
        for database, old, new in zip(databases, before or (None, None, None), after, strict=True):
            if new is old:
                continue
            if new is None:
                transaction.delete(key, db=database)
            else:
                transaction.put(key, new, db=database)

    def _count(self, transaction: lmdb.Transaction, events: Iterable[PastEvent]) -> None:
        by_item = sorted(
            events, key=_item
        )  # in the order of keys, neighbours on a page are written one after the other
        for item_id, some in groupby(in_turns(by_item, _AT_A_TIME), _item):
            key = item_id.encode()
            counted = bytes(transaction.get(key, b"", db=self._item_counters))
            transaction.put(key, count_events(counted, some, self._bounds.half_life_ms), db=self._item_counters)


def _item(event: PastEvent) -> str:
    return event.item_id
