"""The RPCs of the feature store: messages to the domain and back."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from itertools import islice
from typing import Any, ParamSpec, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.feature_store import item_requests, requests
from services.feature_store.answers import with_states
from services.feature_store.events import Event
from services.feature_store.exposure_requests import read_exposures
from services.feature_store.ingestion import ingest
from services.feature_store.item_write import WrittenItems
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_items import LiveItems
from services.feature_store.store import ExposureLog, PersonalStore, UserStore
from services.feature_store.user_columns import filtered_users, user_columns
from services.feature_store.write_through import WriteThrough, served
from shared.channel import MAX_MESSAGE_BYTES
from shared.errors import InvalidArgument, Overloaded
from shared.snapshot.follower import SnapshotFollower
from shared.tensors import UINT32, check_rows, decode, with_tensors
from shared.user_ids import UserIds
from winnow.feature_store.v1 import feature_store_service_pb2 as messages
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceServicer

# What takes longer than about a millisecond leaves the event loop. A thread costs a tenth of that.
#: Of a request to check, field by field.
INLINE_REQUEST_BYTES = 16 << 10
#: Of stored users to decode.
INLINE_STORED_BYTES = 128 << 10
#: Of items that filters of seen items are asked about.
INLINE_FILTERED_ITEMS = 20_000
#: Of item features to gather.
INLINE_GATHERED_BYTES = 1 << 20
#: Of written values to count.
INLINE_WRITTEN_BYTES = 64 << 10

#: Records about a user that are read before they are sent.
TOLD_TOGETHER = 500

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class FeatureStoreServicer(FeatureStoreServiceServicer):
    """Answers from a store of users and from the snapshots that are held.

    Args:
        store: The users.
        exposures: The log of what was shown.
        personal: Tells what is remembered of a user, and forgets it.
        ids: Turns users' ids into those they are stored under.
        item_features: Takes what is written over the snapshots' item features.
        live_items: The items beside those of the snapshots.
        follower: The snapshots.
        now_ms: The time in milliseconds since 1970, UTC; a parameter for tests.
    """

    def __init__(
        self,
        store: UserStore,
        exposures: ExposureLog,
        personal: PersonalStore,
        ids: UserIds,
        *,
        item_features: WriteThrough,
        live_items: LiveItems,
        follower: SnapshotFollower[FeatureSnapshot],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = store
        self._exposures = exposures
        self._personal = personal
        self._ids = ids
        self._item_features = item_features
        self._live_items = live_items
        self._follower = follower
        self._now_ms = now_ms

    async def GetUsers(self, request: messages.GetUsersRequest, _context: Any) -> messages.GetUsersResponse:
        """Reads users, in the rows and features of a snapshot."""
        query = await _inline_below(
            INLINE_REQUEST_BYTES, request.ByteSize(), requests.read_user_query, request, self._ids
        )
        snapshot = self._follower.get(request.snapshot_id)
        stored = await self._store.read(query.user_ids)
        size = sum(parts.size for parts in stored if parts is not None)
        if filtered_users(stored) * len(snapshot.item_hashes) > INLINE_FILTERED_ITEMS:
            size = INLINE_STORED_BYTES
        live, now_ms = self._live_items.beside(snapshot), self._now_ms()
        columns = await _inline_below(INLINE_STORED_BYTES, size, user_columns, query, stored, snapshot, now_ms, live)
        _check_answer_bytes(columns.features.nbytes + columns.history.values.nbytes + columns.seen.values.nbytes)
        snapshot.written.expire(now_ms)
        answer = with_tensors(
            messages.GetUsersResponse(items_as_trained=not snapshot.written.differ),
            features=columns.features,
            known=columns.known,
            history_rows=columns.history.values,
            history_offsets=columns.history.offsets,
            seen_rows=columns.seen.values,
            seen_offsets=columns.seen.offsets,
        )
        return answer if columns.states is None else with_states(answer, columns.states)

    async def GetItems(self, request: messages.GetItemsRequest, _context: Any) -> messages.GetItemsResponse:
        """Gathers the features of items."""
        requests.check_snapshot_id(request.snapshot_id)
        rows = decode(request.rows, "rows", UINT32, [None])
        if len(rows) > requests.MAX_ROWS:
            raise InvalidArgument("rows", f"holds {len(rows)}; at most {requests.MAX_ROWS} are allowed")
        snapshot = self._follower.get(request.snapshot_id)
        matrix, now_ms = snapshot.item_features, self._now_ms()
        check_rows(rows, len(matrix), "rows")
        written, places = snapshot.written, None
        written.expire(now_ms)
        if request.written_only:
            places = written.differing(rows)
            rows = rows[places]
        size = rows.size * matrix.shape[1] * matrix.itemsize
        if request.include_states:  # a byte and four more for each value
            size = size // 4 * 9
        _check_answer_bytes(size)
        answer = await _inline_below(INLINE_GATHERED_BYTES, size, _gather, matrix, rows)
        if request.include_states:
            states, ages = await _inline_below(INLINE_GATHERED_BYTES, size, written.states, rows, now_ms)
            with_tensors(answer, states=states, ages=ages)
        return answer if places is None else with_tensors(answer, places=places)

    async def RecordEvents(self, request: messages.RecordEventsRequest, _context: Any) -> messages.RecordEventsResponse:
        """Records what users did; returns when it is on disk."""
        outcome = await self._store.record_events(await self._read_events(request))
        return messages.RecordEventsResponse(recorded=outcome.recorded, duplicates=outcome.duplicates)

    async def IngestEvents(
        self, stream: AsyncIterable[messages.IngestEventsRequest], _context: Any
    ) -> messages.IngestEventsResponse:
        """Records what users did, message by message; returns when all of it is on disk."""
        done = await ingest(stream, self._read_events, self._store.record_events)
        return messages.IngestEventsResponse(recorded=done.recorded, duplicates=done.duplicates, messages=done.messages)

    async def ImportUsers(self, request: messages.ImportUsersRequest, _context: Any) -> messages.ImportUsersResponse:
        """Merges users into what is stored; returns when it is on disk."""
        users = await _inline_below(
            INLINE_REQUEST_BYTES, request.ByteSize(), requests.read_imported_users, request, self._ids, self._now_ms()
        )
        return messages.ImportUsersResponse(users=len(users), recorded=await self._store.import_users(users))

    async def LogExposures(self, request: messages.LogExposuresRequest, _context: Any) -> messages.LogExposuresResponse:
        """Logs what was shown to whom; returns when it is in the log."""
        exposures = await _inline_below(INLINE_REQUEST_BYTES, request.ByteSize(), read_exposures, request, self._ids)
        await self._exposures.log_exposures(exposures)
        return messages.LogExposuresResponse()

    async def WriteItemFeatures(
        self, request: messages.WriteItemFeaturesRequest, _context: Any
    ) -> messages.WriteItemFeaturesResponse:
        """Writes values over those of the snapshots; returns when they are on disk and served."""
        requests.check_snapshot_id(request.snapshot_id)
        snapshot = self._follower.get(request.snapshot_id)
        write = await _inline_below(
            INLINE_REQUEST_BYTES,
            request.ByteSize(),
            requests.read_item_write,
            request,
            snapshot.column_of,
            self._now_ms(),
        )
        outcome = await self._item_features.write(write)
        return await _inline_below(INLINE_WRITTEN_BYTES, write.values.nbytes, _written, snapshot, outcome)

    async def UpsertItems(self, request: messages.UpsertItemsRequest, _context: Any) -> messages.UpsertItemsResponse:
        """Adds or changes items; returns when they are on disk."""
        items = await _inline_below(INLINE_REQUEST_BYTES, request.ByteSize(), item_requests.read_items, request)
        outcome = await self._live_items.upsert(items, self._follower.newest)
        return messages.UpsertItemsResponse(added=outcome.added, updated=outcome.updated, version=outcome.version)

    async def WithdrawItems(
        self, request: messages.WithdrawItemsRequest, _context: Any
    ) -> messages.WithdrawItemsResponse:
        """Withdraws items; returns when that is on disk."""
        item_ids = item_requests.read_withdrawn(request)
        outcome = await self._live_items.withdraw(item_ids, self._follower.newest)
        return messages.WithdrawItemsResponse(withdrawn=outcome.withdrawn, version=outcome.version)

    async def ListItemChanges(
        self, request: messages.ListItemChangesRequest, _context: Any
    ) -> messages.ListItemChangesResponse:
        """Lists changes of items. Most who ask are told that there are none, without a look at the disk."""
        after = request.after_version
        if self._live_items.is_up_to_date(after):
            return messages.ListItemChangesResponse(version=after)
        limit = min(request.max_changes or item_requests.MAX_CHANGES, item_requests.MAX_CHANGES)
        return await asyncio.to_thread(self._list_changes, after, limit)

    def _list_changes(self, after: int, limit: int) -> messages.ListItemChangesResponse:
        return item_requests.write_changes(self._live_items.changes(after, limit))

    async def ForgetUser(self, request: messages.ForgetUserRequest, _context: Any) -> messages.ForgetUserResponse:
        """Erases everything that is remembered of a user; returns when no file holds it any more."""
        receipt = await self._personal.forget_user(requests.read_user_id(request, self._ids))
        response = messages.ForgetUserResponse(erased_at_ms=self._now_ms())
        for place, records in receipt.items():
            response.erasures.add(place=place, records=records)
        return response

    async def ExportUser(
        self, request: messages.ExportUserRequest, _context: Any
    ) -> AsyncIterator[messages.ExportUserResponse]:
        """Tells everything that is remembered of a user."""
        told = self._personal.tell_user(requests.read_user_id(request, self._ids))
        # In a thread, for it reads the log; a part at a time, so that a long past is never in memory as a whole.
        while part := await asyncio.to_thread(lambda: list(islice(told, TOLD_TOGETHER))):
            for place, record in part:
                yield messages.ExportUserResponse(place=place, record=msgspec.json.encode(record).decode())

    async def _read_events(self, request: messages.RecordEventsRequest | messages.IngestEventsRequest) -> list[Event]:
        return await _inline_below(INLINE_REQUEST_BYTES, request.ByteSize(), requests.read_events, request, self._ids)

    async def GetSnapshotStatus(
        self, _request: messages.GetSnapshotStatusRequest, _context: Any
    ) -> messages.GetSnapshotStatusResponse:
        """Says which snapshots are held."""
        return messages.GetSnapshotStatusResponse(snapshot_ids=self._follower.ids)


async def _inline_below(
    limit: int,
    size: int,
    function: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **named: Parameters.kwargs,
) -> Result:
    """Calls the function on the event loop when `size` is below the limit, where a thread would cost more than it."""
    if size < limit:
        return function(*arguments, **named)
    return await asyncio.to_thread(function, *arguments, **named)


def _gather(matrix: NDArray[np.float32], rows: NDArray[np.uint32]) -> messages.GetItemsResponse:
    # The rows were checked, so that numpy need not do it again; `take` costs a third of indexing.
    return with_tensors(messages.GetItemsResponse(), features=matrix.take(rows, axis=0, mode="clip"))


def _written(snapshot: FeatureSnapshot, outcome: WrittenItems) -> messages.WriteItemFeaturesResponse:
    written = int(outcome.written.sum())
    return messages.WriteItemFeaturesResponse(
        written=written,
        superseded=outcome.written.size - written,
        served=int(served(snapshot, outcome).sum()),
    )


def _check_answer_bytes(size: int) -> None:
    # The rest of the message takes some bytes too.
    if size > MAX_MESSAGE_BYTES - (64 << 10):
        raise Overloaded(f"the answer would have {size} bytes; ask for fewer at once")
