"""The feature store over gRPC."""

from collections.abc import Mapping, Sequence

import grpc
import numpy as np
from numpy.typing import NDArray

from services.gateway.backend import Backend
from services.gateway.candidates import Rows
from services.gateway.neighbours import Recorded, User
from services.gateway.query import Event, EventType
from services.gateway.snapshot import GatewaySnapshot
from shared.features import AttributeValue
from shared.tensors import FLOAT32, UINT8, check_rows, decode, decode_ragged, encode
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

#: An answer with more rows than this for one user is no answer.
MAX_USER_ROWS = 4 * 1024 * 1024

EVENT_TYPES = {
    EventType.VIEW: pb.EVENT_TYPE_VIEW,
    EventType.CLICK: pb.EVENT_TYPE_CLICK,
    EventType.LIKE: pb.EVENT_TYPE_LIKE,
    EventType.DISLIKE: pb.EVENT_TYPE_DISLIKE,
    EventType.PURCHASE: pb.EVENT_TYPE_PURCHASE,
}


class FeatureStoreClient:
    """A `FeatureStore` and a `SnapshotHolder`.

    Args:
        channel: To the service.
        backend: Makes the calls.
    """

    def __init__(self, channel: grpc.aio.Channel, backend: Backend) -> None:
        self._stub = FeatureStoreServiceStub(channel)
        self._backend = backend
        self.name = backend.name

    async def get_user(
        self, snapshot: GatewaySnapshot, user_id: str, attributes: Mapping[str, AttributeValue], budget: float
    ) -> User:
        """See `FeatureStore`."""
        declared = {name: value for name, value in attributes.items() if snapshot.declares(name)}
        user = pb.UserQuery(user_id=user_id, attributes={name: _attribute(value) for name, value in declared.items()})
        request = pb.GetUsersRequest(snapshot_id=snapshot.id, users=[user])
        response = await self._backend.call(self._stub.GetUsers, request, budget)
        with self._backend.reading():
            return _read_user(response, snapshot)

    async def get_item_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> NDArray[np.float32]:
        """See `FeatureStore`."""
        request = pb.GetItemsRequest(snapshot_id=snapshot.id, rows=encode(rows, pb.Tensor))
        response = await self._backend.call(self._stub.GetItems, request, budget)
        with self._backend.reading():
            width = len(snapshot.manifest.feature_schema.item_features)
            return decode(response.features, "features", FLOAT32, [len(rows), width])

    async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
        """See `FeatureStore`."""
        request = pb.RecordEventsRequest(
            events=[
                pb.Event(
                    event_id=event.event_id,
                    user_id=event.user_id,
                    item_id=event.item_id,
                    type=EVENT_TYPES[event.type],
                    occurred_at_ms=event.occurred_at_ms,
                )
                for event in events
            ]
        )
        response = await self._backend.call(self._stub.RecordEvents, request, budget)
        return Recorded(response.recorded, response.duplicates)

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _attribute(value: AttributeValue) -> pb.AttributeValue:
    return pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)


def _read_user(response: pb.GetUsersResponse, snapshot: GatewaySnapshot) -> User:
    features = decode(response.features, "features", FLOAT32, [1, snapshot.user_features.width])
    known = decode(response.known, "known", UINT8, [1])
    history = decode_ragged(response.history_rows, response.history_offsets, "history", 1, MAX_USER_ROWS).values
    seen = decode_ragged(response.seen_rows, response.seen_offsets, "seen", 1, MAX_USER_ROWS).values
    check_rows(history, len(snapshot.catalogue), "history_rows")
    check_rows(seen, len(snapshot.catalogue), "seen_rows")
    return User(features[0], history, seen, bool(known[0]))
