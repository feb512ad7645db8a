"""The feature store over gRPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from services.gateway.backend import Backend
from services.gateway.batched_method import BatchedMethod
from services.gateway.batching import Batching
from services.gateway.candidates import Rows
from services.gateway.feature_states import read_item_states, read_user_fields
from services.gateway.inspection import ItemFeatures
from services.gateway.neighbour_channels import NeighbourChannels
from services.gateway.neighbours import Erased, Recorded, User, WrittenFeatures
from services.gateway.query import Event
from services.gateway.snapshot import GatewaySnapshot
from shared import logs
from shared.errors import InvalidArgument
from shared.features import AttributeValue
from shared.tensors import FLOAT32, UINT8, UINT32, decode, decode_ragged, joined, parts, with_tensors
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

#: An answer with more rows than this is no answer.
MAX_USERS_ROWS = 4 * 1024 * 1024

#: Rows that one request may gather in all, of the contract: 65,536. With two hundred features each, what fits in a message.
MAX_BATCH_ROWS = 16_384


@dataclass(frozen=True)
class _UserQuestion:
    """A user to read."""

    snapshot: GatewaySnapshot
    user_id: str
    attributes: Mapping[str, AttributeValue]
    states: bool


@dataclass(frozen=True)
class _ItemsQuestion:
    """Items whose features to read: all of them, or what was written over the snapshot's own alone."""

    snapshot: GatewaySnapshot
    rows: Rows
    written_only: bool


class FeatureStoreClient:
    """A `FeatureStore`, an `ItemInspection` and a `SnapshotHolder`.

    Args:
        channels: To the service.
        backend: Makes the calls.
        batching: How many questions travel together.
    """

    def __init__(self, channels: NeighbourChannels, backend: Backend, batching: Batching) -> None:
        self._stub = FeatureStoreServiceStub(channels.calls)
        batched = FeatureStoreServiceStub(channels.batches)
        self._backend = backend
        self.name = backend.name
        self._get_user = BatchedMethod(
            backend,
            batched.GetUsers,
            name="GetUsers",
            write=_write_users,
            read=_read_users,
            key=lambda question: (question.snapshot.id, question.states),
            weight=lambda _question: 1,
            limits=batching.limits(batching.entries),
        )
        self._get_items = BatchedMethod(
            backend,
            batched.GetItems,
            name="GetItems",
            write=_write_items,
            read=_read_items,
            key=lambda question: (question.snapshot.id, question.written_only),
            weight=lambda question: len(question.rows),
            limits=batching.limits(MAX_BATCH_ROWS),
        )

    async def get_user(
        self,
        snapshot: GatewaySnapshot,
        user_id: str,
        attributes: Mapping[str, AttributeValue],
        budget: float,
        states: bool = False,
    ) -> User:
        """See `FeatureStore`."""
        declared = {name: value for name, value in attributes.items() if snapshot.declares(name)}
        return await self._get_user.ask(_UserQuestion(snapshot, user_id, declared, states), budget)

    async def get_written_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> WrittenFeatures:
        """See `FeatureStore`."""
        return await self._get_items.ask(_ItemsQuestion(snapshot, rows, written_only=True), budget)

    async def get_item_features(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> NDArray[np.float32]:
        """See `FeatureStore`."""
        return (await self._get_items.ask(_ItemsQuestion(snapshot, rows, written_only=False), budget)).features

    async def inspect_items(self, snapshot: GatewaySnapshot, rows: Rows, budget: float) -> ItemFeatures:
        """See `ItemInspection`."""
        question = _ItemsQuestion(snapshot, rows, written_only=False)
        request = _write_items([question])
        request.include_states = True
        response = await self._backend.call(self._stub.GetItems, request, budget, [logs.request_id.get()])
        try:
            features = _read_items(response, [question])[0].features
            return ItemFeatures(features, read_item_states(response, features.shape))
        except InvalidArgument as unusable:
            raise self._backend.unusable(unusable) from unusable

    async def record_events(self, events: Sequence[Event], budget: float) -> Recorded:
        """See `FeatureStore`."""
        request = pb.RecordEventsRequest(
            events=[
                pb.Event(
                    event_id=event.event_id,
                    user_id=event.user_id,
                    item_id=event.item_id,
                    type=pb.EventType.ValueType(event.type),  # the numbers of both contracts
                    occurred_at_ms=event.occurred_at_ms,
                    dwell_seconds=event.dwell_seconds,
                    shown_by_request_id=event.shown_by_request_id,
                )
                for event in events
            ]
        )
        response = await self._backend.call(self._stub.RecordEvents, request, budget, [logs.request_id.get()])
        return Recorded(response.recorded, response.duplicates)

    async def forget_user(self, user_id: str, budget: float) -> Erased:
        """See `FeatureStore`."""
        request = pb.ForgetUserRequest(user_id=user_id)
        response = await self._backend.call(self._stub.ForgetUser, request, budget, [logs.request_id.get()])
        return Erased({each.place: each.records for each in response.erasures}, response.erased_at_ms)

    async def held_snapshots(self, budget: float) -> Sequence[str]:
        """See `SnapshotHolder`."""
        response = await self._backend.ask_state(self._stub.GetSnapshotStatus, pb.GetSnapshotStatusRequest(), budget)
        return list(response.snapshot_ids)


def _attribute(value: AttributeValue) -> pb.AttributeValue:
    return pb.AttributeValue(text=value) if isinstance(value, str) else pb.AttributeValue(number=value)


def _write_users(questions: Sequence[_UserQuestion]) -> pb.GetUsersRequest:
    users = [
        pb.UserQuery(
            user_id=question.user_id,
            attributes={name: _attribute(value) for name, value in question.attributes.items()},
        )
        for question in questions
    ]
    first = questions[0]
    return pb.GetUsersRequest(snapshot_id=first.snapshot.id, users=users, include_states=first.states)


def _read_users(response: pb.GetUsersResponse, questions: Sequence[_UserQuestion]) -> list[User]:
    snapshot, users = questions[0].snapshot, len(questions)
    features = decode(response.features, "features", FLOAT32, [users, snapshot.user_features.width])
    known = decode(response.known, "known", UINT8, [users])
    history = decode_ragged(response.history_rows, response.history_offsets, "history", users, MAX_USERS_ROWS)
    # Rows beyond the snapshot's are of items that changed since, also of some that the store has heard of first.
    seen = decode_ragged(response.seen_rows, response.seen_offsets, "seen", users, MAX_USERS_ROWS)
    fields = read_user_fields(response, snapshot, users) if questions[0].states else [None] * users
    as_trained = response.items_as_trained
    return [
        User(features[user], history[user], seen[user], bool(known[user]), fields[user], as_trained)
        for user in range(users)
    ]


def _write_items(questions: Sequence[_ItemsQuestion]) -> pb.GetItemsRequest:
    rows = joined([question.rows for question in questions])
    first = questions[0]
    return with_tensors(pb.GetItemsRequest(snapshot_id=first.snapshot.id, written_only=first.written_only), rows=rows)


def _read_items(response: pb.GetItemsResponse, questions: Sequence[_ItemsQuestion]) -> list[WrittenFeatures]:
    width = len(questions[0].snapshot.manifest.feature_schema.item_features)
    sizes = [len(question.rows) for question in questions]
    if not response.HasField("places"):  # all were asked for, or the store is an older one
        features = decode(response.features, "features", FLOAT32, [sum(sizes), width])
        return [WrittenFeatures.of_all(part) for part in parts(features, sizes)]
    places = decode(response.places, "places", UINT32, [None])
    features = decode(response.features, "features", FLOAT32, [len(places), width])
    if len(places) and (places[-1] >= sum(sizes) or (places[1:] <= places[:-1]).any()):
        raise InvalidArgument("places", f"must rise and be below {sum(sizes)}")
    firsts = [0, *accumulate(sizes)]
    cuts = np.searchsorted(places, firsts).tolist()
    return [
        WrittenFeatures(places[start:end] - np.uint32(first), features[start:end])
        for first, start, end in zip(firsts, cuts, cuts[1:], strict=False)
    ]
