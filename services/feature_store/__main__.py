"""The feature store's process: `python -m services.feature_store`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from services.feature_store.config import FeatureStoreSettings
from services.feature_store.items import FeatureSnapshot
from services.feature_store.known_views import KnownViews
from services.feature_store.live_items import LiveItems
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import Retention, open_log_folder
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.servicer import FeatureStoreServicer
from services.feature_store.store_folder import StoreRefused, open_store_folder
from services.feature_store.user_record import Bounds
from services.feature_store.write_through import WriteThrough
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository
from winnow.feature_store.v1 import feature_store_service_pb2 as messages
from winnow.feature_store.v1.feature_store_service_pb2_grpc import add_FeatureStoreServiceServicer_to_server

_DAY_MS = 24 * 60 * 60 * 1000

logger = structlog.get_logger()


def main() -> None:
    """Serves until SIGTERM; exits with status 1 and a log line where the store cannot be used."""
    settings = FeatureStoreSettings.load()
    configure_logs("feature_store", settings.log_level)
    try:
        uvloop.run(serve(settings))
    except (StoreRefused, StoreBroken) as error:
        logger.error("the store cannot be used", problem=str(error))
        raise SystemExit(1) from None


@dataclass(frozen=True)
class FeatureStore:
    """The service with everything that it is made of.

    Attributes:
        server: Listens once it is run.
        follower: The snapshots.
        store: The users, and what was written of items.
    """

    server: RpcServer
    follower: SnapshotFollower[FeatureSnapshot]
    store: LmdbStore


@contextmanager
def open_feature_store(settings: FeatureStoreSettings) -> Iterator[FeatureStore]:
    """Opens the store and builds the service on it; in the end writes what still waits and closes the store.

    Raises:
        StoreRefused: the store cannot be opened.
    """
    durable = settings.durability == "disk"
    ids = settings.user_ids()
    with (
        open_store_folder(settings.path, settings.max_bytes, durable, ids.fingerprint) as environment,
        open_log_folder(settings.path, environment, settings.log_segment_bytes, sync=durable) as log,
        LmdbStore(
            environment,
            log,
            Bounds(
                settings.max_history,
                settings.max_seen,
                settings.seen_filter_items,
                settings.counter_half_life_days * _DAY_MS,
            ),
            event_window_ms=max(1, int(settings.event_id_days * _DAY_MS)),
            max_queued_events=settings.max_queued_events,
            retention=Retention(
                int(settings.log_retention_days * _DAY_MS) or None, settings.log_retention_bytes or None
            ),
        ) as store,
    ):
        repository = SnapshotRepository(settings.snapshot_dir)
        item_features = WriteThrough(store)
        live_items = LiveItems(store.item_changes, settings.max_live_items)
        known_views = KnownViews(store)

        def load(folder: Path, manifest: Manifest) -> FeatureSnapshot:
            return live_items.load(item_features.load(folder, manifest))

        follower = SnapshotFollower(repository, known_views.guard(load), settings.snapshot_poll_seconds)
        server = RpcServer(settings, messages.DESCRIPTOR.services_by_name["FeatureStoreService"])
        add_FeatureStoreServiceServicer_to_server(
            FeatureStoreServicer(
                store, store, store, ids, item_features=item_features, live_items=live_items, follower=follower
            ),
            server.grpc,
        )
        yield FeatureStore(server, follower, store)


async def serve(settings: FeatureStoreSettings) -> None:
    """Serves until a signal, and closes the store when every call has ended.

    Raises:
        StoreRefused: the store cannot be opened.
        StoreBroken: a write failed in a way that only opening the store anew mends.
    """
    with open_feature_store(settings) as service:
        # The store is open before the server listens: from then on the snapshot is all that ready waits for.
        await service.server.run(
            ready=service.follower.ready,
            background=[service.follower.follow, service.store.watch, service.store.retain],
        )


if __name__ == "__main__":
    main()
