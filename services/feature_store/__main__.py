"""The feature store's process: `python -m services.feature_store`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from services.feature_store.config import FeatureStoreSettings
from services.feature_store.items import FeatureSnapshot
from services.feature_store.known_views import KnownViews
from services.feature_store.live_items import LiveItems
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.opening import open_store
from services.feature_store.priority import give_way
from services.feature_store.servicer import FeatureStoreServicer
from services.feature_store.store_folder import StoreRefused
from services.feature_store.write_through import WriteThrough
from shared.events import EventWeights
from shared.logs import configure_logs
from shared.server import RpcServer
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository
from winnow.feature_store.v1 import feature_store_service_pb2 as messages
from winnow.feature_store.v1.feature_store_service_pb2_grpc import add_FeatureStoreServiceServicer_to_server

logger = structlog.get_logger()

#: After how long the thread that writes has to let the event loop have the interpreter, where Python's own 5 ms would be longer
#: than most look-ups take.
SWITCH_SECONDS = 0.0005

_DAY_SECONDS = 24 * 60 * 60


def main() -> None:
    """Serves until SIGTERM; exits with status 1 and a log line where the store cannot be used."""
    settings = FeatureStoreSettings.load()
    settings.keep_to_cpus()
    configure_logs("feature_store", settings.log_level)
    sys.setswitchinterval(SWITCH_SECONDS)
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
        background: What runs beside it.
    """

    server: RpcServer
    follower: SnapshotFollower[FeatureSnapshot]
    background: Sequence[Callable[[], Coroutine[None, None, None]]]


@asynccontextmanager
async def open_feature_store(settings: FeatureStoreSettings) -> AsyncIterator[FeatureStore]:
    """Opens the store and builds the service on it; in the end writes what still waits and closes the store.

    Raises:
        StoreRefused: the store cannot be opened.
    """
    async with open_store(settings) as store:
        repository = SnapshotRepository(settings.snapshot_dir)
        item_features = WriteThrough(store)
        live_items = LiveItems(store.item_changes, settings.max_live_items)
        known_views = KnownViews(
            store, settings.counter_half_life_days * _DAY_SECONDS, EventWeights.parse(settings.event_weights)
        )

        def load(folder: Path, manifest: Manifest) -> FeatureSnapshot:
            return live_items.load(item_features.load(folder, manifest))

        follower = SnapshotFollower(repository, known_views.guard(load), settings.snapshot_poll_seconds)
        server = RpcServer(settings, messages.DESCRIPTOR.services_by_name["FeatureStoreService"], links=settings.links)
        server.offer(
            add_FeatureStoreServiceServicer_to_server,
            FeatureStoreServicer(
                store,
                store,
                store,
                settings.user_ids(),
                item_features=item_features,
                live_items=live_items,
                follower=follower,
            ),
        )
        yield FeatureStore(
            server, follower, [follower.follow, *store.background(item_features.publish, live_items.publish)]
        )


async def serve(settings: FeatureStoreSettings) -> None:
    """Serves until a signal, and closes the store when every call has ended.

    Raises:
        StoreRefused: the store cannot be opened.
        StoreBroken: a write failed in a way that only opening the store anew mends.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=give_way))
    async with open_feature_store(settings) as service:
        # The store is open before the server listens: from then on the snapshot is all that ready waits for.
        await service.server.run(ready=service.follower.ready, background=service.background)


if __name__ == "__main__":
    main()
