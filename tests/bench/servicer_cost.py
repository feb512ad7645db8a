"""What the feature store spends between a parsed request and a serialised answer, without any RPC."""

import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import Message

from services.feature_store.events import ImportedUser
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_items import LiveItems
from services.feature_store.lmdb_store import LmdbStore
from services.feature_store.log_folder import open_log_folder
from services.feature_store.servicer import FeatureStoreServicer
from services.feature_store.store_folder import open_store_folder
from services.feature_store.user_record import Bounds
from services.feature_store.write_through import WriteThrough
from shared.features import AttributeValue
from shared.snapshot.follower import SnapshotFollower
from shared.snapshot.repository import SnapshotRepository
from shared.tensors import encode
from shared.user_ids import UserIds
from tests.bench.feature_snapshot import SNAPSHOT_ID, USER_FIELDS, item_id
from tests.bench.timing import summary
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

USERS = 1_000
BATCH = 32
WARMUP = 50


async def measure_servicer(snapshots: Path, items: int, rows: Sequence[Any], calls: int) -> dict[str, Any]:
    """Returns the time of GetItems for each of `rows` and of GetUsers for batches of 32 typical users.

    Args:
        snapshots: The repository, with the snapshot of the bench.
        items: Its number of items.
        rows: uint32 rows, one array for each request; they are used over and over.
        calls: How many of each to make.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store_folder(Path(folder), 1 << 30) as environment,
        open_log_folder(Path(folder), environment) as log,
        LmdbStore(environment, log, Bounds(1_000, 1_000), event_window_ms=1, max_queued_events=1_000_000) as store,
    ):
        draw = random.Random(0)  # noqa: S311 - reproducible, not secret
        await store.import_users([_typical_user(f"user-{number}", items, draw) for number in range(USERS)])
        item_features = WriteThrough(store)
        follower: SnapshotFollower[FeatureSnapshot] = SnapshotFollower(
            SnapshotRepository(snapshots), item_features.load, poll_seconds=1
        )
        await follower.poll()
        live_items = LiveItems(store.item_changes, limit=1)
        servicer = FeatureStoreServicer(
            store, store, store, UserIds(), item_features=item_features, live_items=live_items, follower=follower
        )
        for_items = [pb.GetItemsRequest(snapshot_id=SNAPSHOT_ID, rows=encode(one, pb.Tensor)) for one in rows]
        for_users = [_batch(draw) for _ in range(100)]
        return {
            "get_items": await _measure(servicer.GetItems, for_items, calls),
            "get_users": await _measure(servicer.GetUsers, for_users, calls),
        }


async def _measure(
    method: Callable[[Any, Any], Awaitable[Message]], requests: Sequence[Message], calls: int
) -> dict[str, Any]:
    milliseconds = []
    for call in range(WARMUP + calls):
        # Parsed anew, as each request is: what was read before is in no cache of the message's.
        request = type(requests[0]).FromString(requests[call % len(requests)].SerializeToString())
        started = time.perf_counter()
        (await method(request, None)).SerializeToString()
        milliseconds.append((time.perf_counter() - started) * 1e3)
    measured = milliseconds[WARMUP:]
    return summary(measured, sum(measured) / 1e3)


def _typical_user(user_id: str, items: int, draw: random.Random) -> ImportedUser:
    """20 to 50 events in the history and about 50 seen items."""
    history = draw.randint(20, 50)
    dislikes = max(0, 50 - history) + draw.randint(0, 10)
    events = history + dislikes
    attributes: dict[str, AttributeValue] = {}
    for field in USER_FIELDS:
        attributes[field.name] = draw.choice(field.vocabulary) if field.vocabulary else draw.gauss(1.0, 2.0)
    return ImportedUser(
        user_id,
        attributes,
        [item_id(draw.randrange(items)) for _ in range(events)],
        list(range(events)),
        [1] * history + [4] * dislikes,
    )


def _batch(draw: random.Random) -> pb.GetUsersRequest:
    users = [pb.UserQuery(user_id=f"user-{draw.randrange(USERS)}") for _ in range(BATCH)]
    return pb.GetUsersRequest(snapshot_id=SNAPSHOT_ID, users=users)


def draw_rows(items: int, rows: int, lookups: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Returns the rows of each look-up: uint32 [lookups, rows]."""
    return np.random.default_rng(1).integers(0, items, size=(lookups, rows)).astype(np.uint32)
