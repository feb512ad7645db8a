"""The store in Redis: one connection for many callers, whose events go together while a group of them is under way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import structlog

from services.feature_store import metrics
from services.feature_store.events import Event, ImportedUser, Recorded
from services.feature_store.item_write import ItemWrite, WrittenItems
from services.feature_store.never_logged import NeverLogged
from services.feature_store.portrait import Told
from services.feature_store.redis_store import keys
from services.feature_store.redis_store.connection import Client, connected, connected_now, failures_told
from services.feature_store.redis_store.item_changes import PublishChanges, RedisItemChanges
from services.feature_store.redis_store.items import Publish, RedisItems, all_written, stored_items
from services.feature_store.redis_store.personal import RedisPersonal
from services.feature_store.redis_store.users import RedisUsers
from services.feature_store.stored_item import StoredItem
from services.feature_store.stored_user import UserParts
from services.feature_store.user_record import Bounds
from shared.errors import Overloaded, Unavailable
from shared.event_log.records import ExposureRecord, encode_record

logger = structlog.get_logger()

#: How far a replica may be behind the item features that others wrote. Half of the second that is promised.
FOLLOW_SECONDS = 0.5


class RedisStore:
    """A `UserStore`, an `ItemStore` and an `ExposureLog` in Redis or a Redis Cluster.

    Of one user a request is recorded whole or not at all. Over several users it is not one step: what a failure leaves undone
    the caller is told of by an error, and repeats, and what was done counts once.

    Args:
        url: Of the server, or of a node of the cluster.
        client: Of the same.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
        max_queued_events: How many events and items may wait to be written.
        log_records: How many records the log keeps until somebody collects them.
        now_ms: The time in milliseconds since 1970; a parameter for tests.

    Attributes:
        item_changes: Upserted and withdrawn items.
    """

    def __init__(
        self,
        url: str,
        client: Client,
        bounds: Bounds,
        *,
        event_window_ms: int,
        max_queued_events: int,
        log_records: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._url = url
        self._client = client
        self._kept = max(1, log_records // len(keys.all_logs()))
        self._never_logged = NeverLogged()
        self._users = RedisUsers(client, bounds, event_window_ms, self._kept, self._never_logged)
        self._items = RedisItems(client, self._kept, self._never_logged)
        self._personal = RedisPersonal(url, client, self._users, bounds, event_window_ms)
        self.item_changes = RedisItemChanges(url, client, self._kept, self._never_logged)
        self._capacity = max_queued_events
        self._now_ms = now_ms
        self._weight = 0
        self._waiting: list[tuple[Sequence[Event], asyncio.Future[Recorded]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._followed = 0
        self._following = asyncio.Lock()

    async def read(self, user_ids: Sequence[str]) -> list[UserParts | None]:
        """Returns what is stored of each user, as `UserStore` says."""
        async with failures_told():
            return await self._users.read(user_ids)

    async def read_item_counters(self, item_ids: Sequence[str]) -> list[bytes]:
        """Returns the counters of each item's events, as `UserStore` says."""
        async with failures_told():
            return await self._users.read_item_counters(item_ids)

    async def record_events(self, events: Sequence[Event]) -> Recorded:
        """Records events, as `UserStore` says."""
        with self._room_for(len(events)):
            outcome: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
            self._waiting.append((events, outcome))
            if self._writing is None:
                self._writing = asyncio.create_task(self._write_waiting())
            # A caller that leaves withdraws nothing: the group may be under way.
            recorded = await asyncio.shield(outcome)
        metrics.EVENTS.labels("recorded").inc(recorded.recorded)
        metrics.EVENTS.labels("duplicate").inc(recorded.duplicates)
        return recorded

    async def import_users(self, users: Sequence[ImportedUser]) -> int:
        """Merges users into what is stored, as `UserStore` says."""
        events = sum(len(user.item_ids) for user in users)
        with self._room_for(len(users) + events):
            async with failures_told():
                new = await self._users.merge(users, self._now_ms())
        metrics.EVENTS.labels("recorded").inc(new)
        metrics.EVENTS.labels("duplicate").inc(events - new)
        return new

    async def write_items(self, write: ItemWrite, publish: Publish) -> WrittenItems:
        """Writes item features, all or none, as `ItemStore` says."""
        with self._room_for(len(write.item_ids)):
            async with failures_told():
                _, result = await self._items.write(write, self._now_ms())
                # In the order of the stream, or an older write of another replica would come on top of this one.
                await self._catch_up(publish)
        written = int(result.written.sum())
        metrics.ITEM_VALUES.labels("written").inc(written)
        metrics.ITEM_VALUES.labels("superseded").inc(result.written.size - written)
        return result

    async def log_exposures(self, exposures: Sequence[ExposureRecord]) -> None:
        """Appends exposures to the log, as `ExposureLog` says; after a failure some of them may be in it."""
        with self._room_for(len(exposures)):
            async with failures_told():
                pipeline: Any = self._client.pipeline(transaction=False)
                for exposure in exposures:
                    stream = keys.log(keys.bucket_of(exposure.user_id or exposure.request_id))
                    fields = {"record": encode_record(exposure)}
                    pipeline.xadd(stream, fields, maxlen=self._kept, approximate=True)
                await pipeline.execute()
        metrics.count_records(exposures)

    def items(self) -> Iterator[tuple[str, StoredItem]]:
        """Yields each item that was written, as `ItemStore` says. May be used in any one thread."""
        return stored_items(self._url)

    async def forget_user(self, user_id: str) -> Mapping[str, int]:
        """Erases a user, as `PersonalStore` says."""
        async with failures_told():
            return await self._personal.forget(user_id, self._now_ms())

    def tell_user(self, user_id: str) -> Iterator[Told]:
        """Yields what is remembered of a user, as `PersonalStore` says."""
        return self._personal.tell(user_id, self._now_ms())

    def definitions(self) -> Mapping[str, bytes]:
        """Returns the feature views that were remembered, as `DefinitionStore` says."""
        with connected_now(self._url) as client:
            return {key.decode(): view for key, view in client.hgetall(keys.VIEWS).items()}

    def remember(self, definitions: Mapping[str, bytes]) -> None:
        """Remembers feature views, as `DefinitionStore` says."""
        with connected_now(self._url) as client:
            for key, view in definitions.items():
                client.hsetnx(keys.VIEWS, key, view)
        self._never_logged.learn(self.definitions())

    def background(
        self, publish: Publish, publish_changes: PublishChanges
    ) -> Sequence[Callable[[], Coroutine[None, None, None]]]:
        """Returns what has to run beside the service."""
        return [partial(self.follow, publish, publish_changes)]

    async def follow(self, publish: Publish, publish_changes: PublishChanges) -> None:
        """Brings what other replicas write to the snapshots that are in use here, until it is cancelled."""
        reachable = True
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                async with failures_told():
                    await self._catch_up(publish)
                    await self.item_changes.catch_up(publish_changes)
                reachable = True
            except Unavailable as error:
                if reachable:  # said once, not twice a second
                    logger.warning("Redis cannot be followed", problem=str(error))
                reachable = False

    async def begin(self) -> None:
        """Takes note of where the stream of writes is, what comes later is followed; and of what may not be logged."""
        async with failures_told():
            self._never_logged.learn(await asyncio.to_thread(self.definitions))
            self._followed = await self._items.count()

    async def close(self) -> None:
        """Writes what still waits."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    @contextmanager
    def _room_for(self, weight: int) -> Iterator[None]:
        if self._weight and self._weight + weight > self._capacity:
            raise Overloaded(f"more than {self._capacity} events or items wait to be written; try again later")
        self._weight += weight
        try:
            yield
        finally:
            self._weight -= weight

    async def _write_waiting(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            metrics.GROUP_REQUESTS.observe(len(group))
            try:
                with metrics.COMMIT_SECONDS.time():
                    async with failures_told():
                        outcomes = await self._users.record([events for events, _ in group], self._now_ms())
            except Exception as error:  # it belongs to the callers; the others must be served
                for _, outcome in group:
                    outcome.set_exception(error)
            else:
                for (_, outcome), recorded in zip(group, outcomes, strict=True):
                    outcome.set_result(recorded)
        self._writing = None

    async def _catch_up(self, publish: Publish) -> None:
        async with self._following:
            while writes := await self._items.after(self._followed):
                if writes[0][0] != self._followed + 1:  # the stream was shortened meanwhile
                    self._followed = await self._items.count()
                    for written in await asyncio.to_thread(lambda: list(all_written(self._url))):
                        publish(written)
                    continue
                for number, written in writes:
                    publish(written)
                    self._followed = number


@asynccontextmanager
async def open_redis_store(
    url: str,
    bounds: Bounds,
    *,
    event_window_ms: int,
    max_queued_events: int,
    log_records: int,
    demand_disk: bool,
    user_id_key: str,
) -> AsyncIterator[RedisStore]:
    """Connects to Redis and gives the store; in the end writes what still waits.

    Args:
        url: Of the server, or of a node of the cluster.
        bounds: How much to remember of each user.
        event_window_ms: How long an event sent again counts once.
        max_queued_events: How many events and items may wait to be written.
        log_records: How many records the log keeps until somebody collects them.
        demand_disk: Whether Redis has to sync each write to disk.
        user_id_key: The fingerprint of the key by which user ids are hashed; empty where they are stored as they come.

    Raises:
        StoreRefused: Redis cannot be reached, or not be used.
    """
    async with connected(url, demand_disk=demand_disk, user_id_key=user_id_key) as client:
        store = RedisStore(
            url,
            client,
            bounds,
            event_window_ms=event_window_ms,
            max_queued_events=max_queued_events,
            log_records=log_records,
        )
        await store.begin()
        try:
            yield store
        finally:
            await store.close()
