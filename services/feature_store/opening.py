"""The store that the settings name, opened."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from services.feature_store.config import FeatureStoreSettings
from services.feature_store.item_changes import Changed, ItemChangeStore
from services.feature_store.item_write import WrittenItems
from services.feature_store.known_views import DefinitionStore
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import Retention, open_log_folder
from services.feature_store.redis_store.store import open_redis_store
from services.feature_store.store import ExposureLog, ItemStore, PersonalStore, UserStore
from services.feature_store.store_folder import open_store_folder
from services.feature_store.user_record import Bounds
from shared.events import EventWeights

_DAY_MS = 24 * 60 * 60 * 1000


class Store(UserStore, ItemStore, ExposureLog, PersonalStore, DefinitionStore, Protocol):
    """Everything that the service keeps."""

    @property
    def item_changes(self) -> ItemChangeStore:
        """What was upserted and withdrawn."""
        ...

    def background(
        self, publish: Callable[[WrittenItems], None], publish_changes: Callable[[Changed], None]
    ) -> Sequence[Callable[[], Coroutine[None, None, None]]]:
        """Returns what has to run beside the service for as long as the store is used; what raises ends the process.

        Args:
            publish: Is told of the item features that other replicas wrote, where the store has any.
            publish_changes: Is told of the items that they changed.
        """
        ...


@asynccontextmanager
async def open_store(settings: FeatureStoreSettings) -> AsyncIterator[Store]:
    """Opens Redis where a URL is set, the folder else; in the end writes what still waits and closes it.

    Raises:
        StoreRefused: it cannot be opened.
    """
    bounds = Bounds(
        settings.max_history,
        settings.max_seen,
        settings.seen_filter_items,
        settings.counter_half_life_days * _DAY_MS,
        EventWeights.parse(settings.event_weights),
    )
    window_ms = max(1, int(settings.event_id_days * _DAY_MS))
    durable = settings.durability == "disk"
    if settings.url:
        async with open_redis_store(
            settings.url,
            bounds,
            event_window_ms=window_ms,
            max_queued_events=settings.max_queued_events,
            log_records=settings.redis_log_records,
            demand_disk=durable,
            user_id_key=settings.user_ids().fingerprint,
        ) as redis_store:
            yield redis_store
        return
    retention = Retention(int(settings.log_retention_days * _DAY_MS) or None, settings.log_retention_bytes or None)
    with (
        open_store_folder(settings.path, settings.max_bytes, durable, settings.user_ids().fingerprint) as environment,
        open_log_folder(settings.path, environment, settings.log_segment_bytes, sync=durable) as log,
        LmdbStore(
            environment,
            log,
            bounds,
            event_window_ms=window_ms,
            max_queued_events=settings.max_queued_events,
            retention=retention,
        ) as store,
    ):
        yield store
