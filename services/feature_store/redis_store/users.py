"""Users in Redis: a hash each, changed by one script that also remembers the event ids and logs the records."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from services.feature_store import metrics
from services.feature_store.decayed_counters import count_events
from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.log_records import attributes_record, event_record, past_record
from services.feature_store.never_logged import NeverLogged
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.connection import Client
from services.feature_store.redis_store.scripts import CHANGE_USER, KEEP, PUT, REMOVE, REPLACE, Script
from services.feature_store.stored_user import PastEvent, UserParts
from services.feature_store.user_change import NEW_USER, add_events, import_user
from services.feature_store.user_record import Bounds
from shared.errors import Unavailable
from shared.event_log.records import Record, encode_record

#: How often a change is tried again when other writers came in between.
ATTEMPTS = 20


class _Found(NamedTuple):
    """What is stored of a user: the version of the hash, its parts, and which of the event ids are remembered."""

    version: bytes
    parts: UserParts | None
    known_ids: frozenset[bytes]


@dataclass
class _Change:
    """What is to be stored of a user."""

    parts: UserParts
    event_ids: list[bytes] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    counted: list[PastEvent] = field(default_factory=list)


class RedisUsers:
    """The users, the events that were recorded lately, and how often items came in events.

    Args:
        client: Of the server or the cluster.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
        log_records: How many records each stream of the log keeps.
        never_logged: What may not be in them.
    """

    #: The fields of a user's hash that are read.
    PARTS = ("version", "record", "tail", "filter")

    def __init__(
        self, client: Client, bounds: Bounds, event_window_ms: int, log_records: int, never_logged: NeverLogged
    ) -> None:
        self._client = client
        self._log_records = log_records
        self._never_logged = never_logged
        self._bounds = bounds
        self._window_ms = event_window_ms
        self._change_user = Script(client, CHANGE_USER)
        self._replace = Script(client, REPLACE)

    @staticmethod
    def parts_of(stored: Sequence[bytes | None]) -> UserParts | None:
        """Returns the parts in the fields of a hash, as `PARTS` names them; None where there is no user."""
        _, record, tail, seen_filter = stored
        return None if record is None else UserParts(record, tail, seen_filter)

    async def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user; None for a user nobody knows."""
        pipeline: Any = self._client.pipeline(transaction=False)
        named = [user_id for user_id in user_ids if user_id]
        for user_id in named:
            pipeline.hmget(keys.user(user_id), *self.PARTS)
        found = iter(await pipeline.execute() if named else ())
        return [self.parts_of(next(found)) if user_id else None for user_id in user_ids]

    async def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events; empty for an item that no event named."""
        pipeline: Any = self._client.pipeline(transaction=False)
        for item_id in item_ids:
            pipeline.get(keys.item_counters(item_id))
        return [counters or b"" for counters in (await pipeline.execute() if item_ids else ())]

    async def record(self, requests: Sequence[Sequence[Event]], now_ms: int) -> list[Recorded]:
        """Records the events of some requests, in their order; one that was recorded before counts once.

        Raises:
            Unavailable: other writers changed the same users each time.
        """
        of_user: dict[str, list[tuple[int, Event]]] = {}
        for number, events in enumerate(requests):
            for event in events:
                of_user.setdefault(event.user_id, []).append((number, event))
        new = [0] * len(requests)

        def change(user_id: str, found: _Found) -> _Change:
            admitted, event_ids = [], set(found.known_ids)
            for number, event in of_user[user_id]:
                if event.key not in event_ids:
                    event_ids.add(event.key)
                    admitted.append((number, event))
            past = [PastEvent(one.at_ms, one.item_id, one.type, one.dwell_seconds) for _, one in admitted]
            parts = add_events(found.parts or NEW_USER, past, self._bounds) if past else found.parts or NEW_USER
            numbers_of[user_id] = [number for number, _ in admitted]
            records: list[Record] = [event_record(event, now_ms) for _, event in admitted]
            return _Change(parts, [event.key for _, event in admitted], records, past)

        numbers_of: dict[str, list[int]] = {}
        asked = {user_id: [event.key for _, event in events] for user_id, events in of_user.items()}
        await self._change(asked, change, now_ms)
        for number in (number for numbers in numbers_of.values() for number in numbers):
            new[number] += 1
        return [Recorded(count, len(events) - count) for count, events in zip(new, requests, strict=True)]

    async def merge(self, users: Sequence[ImportedUser], now_ms: int) -> int:
        """Merges users into what is stored, and returns how many events were new.

        Raises:
            InvalidArgument: a user would have too many attributes.
            Unavailable: other writers changed the same users each time.
        """
        of_user: dict[str, list[tuple[int, ImportedUser]]] = {}
        for position, user in enumerate(users):
            of_user.setdefault(user.user_id, []).append((position, user))
        new: dict[str, int] = {}

        def change(user_id: str, found: _Found) -> _Change:
            merged = _Change(found.parts or NEW_USER)
            for position, user in of_user[user_id]:
                written_at_ms = user.attributes_written_at_ms or now_ms
                past = map(PastEvent, user.times_ms, user.item_ids, user.types)
                path = f"users[{position}].attributes"
                imported = import_user(
                    merged.parts, user.attributes, written_at_ms, past, bounds=self._bounds, path=path
                )
                merged.parts = imported.parts
                merged.counted += imported.events
                if imported.attributes:
                    merged.records.append(attributes_record(user_id, imported.attributes, written_at_ms, now_ms))
                merged.records += [past_record(user_id, event, now_ms) for event in imported.events]
            merged.records = self._never_logged.withhold(merged.records)
            new[user_id] = len(merged.counted)
            return merged

        await self._change({user_id: [] for user_id in of_user}, change, now_ms)
        return sum(new.values())

    async def _change(
        self, asked: dict[str, list[bytes]], change: Callable[[str, _Found], _Change], now_ms: int
    ) -> None:
        """Changes users until every change was taken.

        All changes are computed before any is written, so that one that is refused leaves everything as it was.
        """
        waiting, counted = asked, list[PastEvent]()
        for _ in range(ATTEMPTS):
            found = await self._find(waiting, now_ms)
            changes = {user_id: change(user_id, one) for user_id, one in zip(waiting, found, strict=True)}
            real = [
                (user_id, one, changes[user_id])
                for user_id, one in zip(waiting, found, strict=True)
                if changes[user_id].parts is not one.parts or one.parts is None
            ]
            taken = await self._change_user.run_many([self._step(*each, now_ms) for each in real])
            made = [one for (_, _, one), ok in zip(real, taken, strict=True) if ok]
            counted += [event for one in made for event in one.counted]
            metrics.count_records(record for one in made for record in one.records)
            waiting = {user_id: asked[user_id] for (user_id, _, _), ok in zip(real, taken, strict=True) if not ok}
            if not waiting:
                await self._count(counted)
                return
        raise Unavailable("other writers changed the same users each time; repeating is safe")

    async def _find(self, asked: dict[str, list[bytes]], now_ms: int) -> list[_Found]:
        current = now_ms // self._window_ms
        pipeline: Any = self._client.pipeline(transaction=False)
        for user_id, event_ids in asked.items():
            pipeline.hmget(keys.user(user_id), *self.PARTS)
            if event_ids:
                pipeline.hmget(keys.event_ids(user_id, current - 1), *event_ids)
                pipeline.hmget(keys.event_ids(user_id, current), *event_ids)
        answers = iter(await pipeline.execute())
        found = []
        for event_ids in asked.values():
            stored = next(answers)
            times = (next(answers), next(answers)) if event_ids else ((), ())
            known = {
                event_id
                for generation in times
                for event_id, time in zip(event_ids, generation, strict=True)
                if time is not None and now_ms - int(time) < self._window_ms
            }
            found.append(_Found(stored[0] or b"", self.parts_of(stored), frozenset(known)))
        return found

    def _step(self, user_id: str, found: _Found, change: _Change, now_ms: int) -> tuple[list[str], list[Any]]:
        generation = now_ms // self._window_ms
        # A number could come again after a user was forgotten, and let a writer who read before that bring it all back.
        arguments: list[Any] = [found.version, secrets.token_bytes(12)]
        for old, new in zip(found.parts or (None, None, None), change.parts, strict=True):
            arguments.append(KEEP if new is old else REMOVE if new is None else PUT + new)
        expiry = (generation + 2) * self._window_ms - now_ms
        arguments += [expiry, now_ms, self._log_records, len(change.event_ids), *change.event_ids]
        arguments += map(encode_record, change.records)
        where = [keys.user(user_id), keys.event_ids(user_id, generation), keys.log(keys.bucket_of(user_id))]
        return where, arguments

    async def _count(self, events: Iterable[PastEvent]) -> None:
        """Counts events of items. What a crash leaves uncounted stays so: the counters forget with time anyway."""
        some_of = {item_id: list(some) for item_id, some in groupby(sorted(events, key=_item), key=_item)}
        for _ in range(ATTEMPTS):
            if not some_of:
                return
            before = await self.read_item_counters(list(some_of))
            taken = await self._replace.run_many(
                [
                    ([keys.item_counters(item_id)], [counters, count_events(counters, some, self._bounds.half_life_ms)])
                    for (item_id, some), counters in zip(some_of.items(), before, strict=True)
                ]
            )
            some_of = {item_id: some for (item_id, some), ok in zip(some_of.items(), taken, strict=True) if not ok}


def _item(event: PastEvent) -> str:
    return event.item_id
