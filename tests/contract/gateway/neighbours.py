"""The three services that the gateway asks: real servers with the real contracts, which answer as they are told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast

import grpc
import numpy as np
from numpy.typing import NDArray

from shared.errors import WinnowError
from shared.exchange.context import ExchangedCall
from shared.exchange.offered import OfferedMethods
from shared.exchange.serving import ExchangeServicer
from shared.interceptors import abort
from shared.logs import REQUEST_ID_KEY
from shared.snapshot.manifest import Manifest
from shared.status import status_of
from shared.tensors import UINT32, decode, encode, with_tensors
from winnow.exchange.v1.exchange_service_pb2_grpc import add_ExchangeServiceServicer_to_server
from winnow.feature_store.v1 import feature_store_service_pb2 as feature_store_pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import (
    FeatureStoreServiceServicer,
    add_FeatureStoreServiceServicer_to_server,
)
from winnow.ranking.v1 import ranking_service_pb2 as ranking_pb
from winnow.ranking.v1.ranking_service_pb2_grpc import RankingServiceServicer, add_RankingServiceServicer_to_server
from winnow.recall.v1 import recall_service_pb2 as recall_pb
from winnow.recall.v1.recall_service_pb2_grpc import RecallServiceServicer, add_RecallServiceServicer_to_server

#: Answers a request in place of the neighbour.
Behaviour = Callable[[Any, Any], Awaitable[Any]]

#: What recall finds, best first, both for users and for items.
FOUND = (30, 10, 20, 40)
CHANNELS = ("two_tower", "content")

#: Width of user features in the snapshots of the factory: any attribute, gender (3), age (2).
USER_FEATURES = 6


def fails(code: grpc.StatusCode) -> Behaviour:
    """A call that ends with a bare status."""

    async def behave(_: Any, context: Any) -> None:
        await context.abort(code, "told to fail")

    return behave


def refuses(error: WinnowError) -> Behaviour:
    """A call that ends as one of our own services ends it, with an ErrorInfo."""

    async def behave(_: Any, context: Any) -> None:
        await abort(context, status_of(error))

    return behave


def answers(response: Any) -> Behaviour:
    """A call with this response, whatever is asked."""

    async def behave(_: Any, __: Any) -> Any:
        return response

    return behave


async def hangs(_: Any, __: Any) -> None:
    """A call that is never answered."""
    await asyncio.Event().wait()


@dataclass
class Neighbours:
    """The services and what they were asked.

    Attributes:
        behaviours: By method; a method that is not named answers as a working service does.
        held: What GetSnapshotStatus answers, by service; None: that the service is unavailable.
        calls: Every request but for the snapshot status, with its method.
        request_ids: The request id that came with each call.
        streamed: Which methods were called over an open stream.
        exposures: What LogExposures logged; it comes after answers, whenever it comes, and is not among the calls.
        item_changes: What changed about items; of each the last.
        targets: Where the feature store, recall and ranking listen.
    """

    manifest: Manifest
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    held: dict[str, list[str] | None] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    streamed: set[str] = field(default_factory=set)
    exposures: list[feature_store_pb.Exposure] = field(default_factory=list)
    item_changes: list[Any] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    _servers: list[grpc.aio.Server] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.held = {name: [self.manifest.id] for name in ("feature_store", "recall", "ranking")}
        fake_store = _FeatureStore(self)  # type: ignore[abstract]  # the gateway asks nothing else of it
        await self._serve(lambda server: add_FeatureStoreServiceServicer_to_server(fake_store, server))
        await self._serve(lambda server: add_RecallServiceServicer_to_server(_Recall(self), server))
        await self._serve(lambda server: add_RankingServiceServicer_to_server(_Ranking(self), server))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(server.stop(None) for server in self._servers))

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [method for method, _ in self.calls]

    def request_of(self, method: str) -> Any:
        """The only request that a method was called with."""
        (request,) = [request for name, request in self.calls if name == method]
        return request

    def hold(self, *ids: str) -> None:
        """Lets every service hold these snapshots, newest first."""
        self.held = {name: list(ids) for name in self.held}

    async def play(self, method: str, request: Any, context: Any, otherwise: Callable[[Any], Any]) -> Any:
        """Notes a call and answers it."""
        metadata = dict(context.invocation_metadata())
        self.calls.append((method, request))
        if isinstance(context, ExchangedCall):
            self.streamed.add(method)
        self.request_ids.append(str(metadata.get(REQUEST_ID_KEY, "")))
        behaviour = self.behaviours.get(method)
        return otherwise(request) if behaviour is None else await behaviour(request, context)

    async def state(self, service: str, context: Any) -> list[str]:
        """Tells which snapshots a service holds."""
        held = self.held[service]
        if held is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to be unavailable")
        return held or []

    async def _serve(self, add: Callable[[grpc.aio.Server], None]) -> None:
        server = grpc.aio.server()
        offered = OfferedMethods(server)
        add(cast("grpc.aio.Server", offered))
        add_ExchangeServiceServicer_to_server(ExchangeServicer(offered.unary), server)
        self.targets.append(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        await server.start()
        self._servers.append(server)


class _FeatureStore(FeatureStoreServiceServicer):
    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def GetUsers(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("GetUsers", request, context, lambda asked: user_response(asked=asked))

    async def GetItems(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("GetItems", request, context, self._items)

    async def RecordEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("RecordEvents", request, context, self._recorded)

    async def UpsertItems(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("UpsertItems", request, context, self._upserted)

    async def WithdrawItems(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("WithdrawItems", request, context, self._withdrawn)

    async def ListItemChanges(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        changes = [one for one in self._neighbours.item_changes if one.version > request.after_version]
        version = changes[-1].version if changes else request.after_version
        return feature_store_pb.ListItemChangesResponse(changes=changes, version=version)

    async def ForgetUser(self, request: Any, context: Any) -> Any:  # noqa: N802
        receipt = feature_store_pb.ForgetUserResponse(erased_at_ms=1_700_000_000_005)
        receipt.erasures.add(place="history", records=3)
        receipt.erasures.add(place="counters")
        return await self._neighbours.play("ForgetUser", request, context, lambda _: receipt)

    async def ImportUsers(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    async def WriteItemFeatures(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    async def LogExposures(self, request: Any, context: Any) -> Any:  # noqa: N802
        if (behaviour := self._neighbours.behaviours.get("LogExposures")) is not None:
            return await behaviour(request, context)
        self._neighbours.exposures += request.exposures
        return feature_store_pb.LogExposuresResponse()

    async def GetSnapshotStatus(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return feature_store_pb.GetSnapshotStatusResponse(
            snapshot_ids=await self._neighbours.state("feature_store", context)
        )

    def _items(self, request: Any) -> Any:
        rows = decode(request.rows, "rows", UINT32, [None]).astype(np.float32)
        width = len(self._neighbours.manifest.feature_schema.item_features)
        features = np.repeat(rows[:, np.newaxis], width, axis=1)
        response = with_tensors(feature_store_pb.GetItemsResponse(), features=features)
        if request.written_only:  # all of them are
            with_tensors(response, places=np.arange(len(rows), dtype=np.uint32))
        return with_item_states(response) if request.include_states else response

    def _upserted(self, request: Any) -> Any:
        for item in request.items:
            self._change(item, withdrawn=False)
        return feature_store_pb.UpsertItemsResponse(added=len(request.items) - 1, updated=1)

    def _withdrawn(self, request: Any) -> Any:
        for item_id in request.item_ids:
            self._change(feature_store_pb.Item(item_id=item_id), withdrawn=True)
        return feature_store_pb.WithdrawItemsResponse(withdrawn=len(request.item_ids))

    def _change(self, item: Any, withdrawn: bool) -> None:
        changes = self._neighbours.item_changes
        old = next((one for one in changes if one.item.item_id == item.item_id), None)
        version = changes[-1].version + 1 if changes else 1
        number = len(changes) if old is None else old.number
        if old is not None:
            changes.remove(old)
        changes.append(
            feature_store_pb.ItemChange(
                version=version, number=number, item=item, withdrawn=withdrawn, changed_at_ms=4_000_000_000_000
            )
        )

    def _recorded(self, request: Any) -> Any:
        return feature_store_pb.RecordEventsResponse(recorded=len(request.events) - 1, duplicates=1)


class _Recall(RecallServiceServicer):
    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def Retrieve(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("Retrieve", request, context, lambda _: found_response(*FOUND))

    async def RetrieveSimilar(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = found_response(*FOUND)
        similar = recall_pb.RetrieveSimilarResponse.FromString(found.SerializeToString())
        return await self._neighbours.play("RetrieveSimilar", request, context, lambda _: similar)

    async def GetSnapshotStatus(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return recall_pb.GetSnapshotStatusResponse(snapshot_ids=await self._neighbours.state("recall", context))


class _Ranking(RankingServiceServicer):
    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def Score(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._neighbours.play("Score", request, context, self._scores)

    async def GetSnapshotStatus(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return ranking_pb.GetSnapshotStatusResponse(snapshot_ids=await self._neighbours.state("ranking", context))

    def _scores(self, request: Any) -> Any:
        """The higher the row, the better the click; every like is 0.5."""
        rows = decode(request.candidate_rows, "candidate_rows", UINT32, [None])
        scores = np.stack([rows.astype(np.float32), np.full(len(rows), 0.5, np.float32)], axis=1)
        return score_response(scores, self._neighbours.manifest.objectives)


def user_response(
    history: tuple[int, ...] = (1, 2), seen: tuple[int, ...] = (1, 2, 3), asked: Any = None, **changes: Any
) -> Any:
    """What the feature store says of a user whom it knows; whence the values are when `asked` asks for it."""
    columns: dict[str, Any] = {
        "features": np.zeros((1, USER_FEATURES), np.float32),
        "known": np.ones(1, np.uint8),
        "history_rows": np.array(history, np.uint32),
        "history_offsets": np.array([0, len(history)], np.uint32),
        "seen_rows": np.array(seen, np.uint32),
        "seen_offsets": np.array([0, len(seen)], np.uint32),
    } | changes
    tensors: dict[str, Any] = {name: encode(column, feature_store_pb.Tensor) for name, column in columns.items()}
    response = feature_store_pb.GetUsersResponse(**tensors)
    return with_user_states(response) if asked is not None and asked.include_states else response


def with_user_states(response: Any) -> Any:
    """Adds that the gender "F" was written a minute ago, and that the age has outlived its time to live."""
    response.values.add().values["gender"].text = "F"
    return with_tensors(
        response, field_states=np.array([[1, 3]], np.uint8), field_ages=np.array([[60, 90_000]], np.uint32)
    )


def with_item_states(response: Any) -> Any:
    """Adds that of each item the first value was written an hour ago, the second is its own, the third has expired."""
    items = response.features.shape[0]
    return with_tensors(
        response,
        states=np.tile(np.array([1, 2, 3], np.uint8), (items, 1)),
        ages=np.tile(np.array([3600, 0, 7200], np.uint32), (items, 1)),
    )


def found_response(*rows: int, channels: tuple[str, ...] = CHANNELS, **changes: Any) -> Any:
    """What recall finds: all by the first channel, with the score 0.5."""
    scores = np.zeros((len(rows), len(channels)), np.float32)
    scores[:, 0] = 0.5
    columns: dict[str, Any] = {
        "candidate_rows": np.array(rows, np.uint32),
        "candidate_offsets": np.array([0, len(rows)], np.uint32),
        "found_by": np.ones(len(rows), np.uint32),
        "channel_scores": scores,
    } | changes
    tensors: dict[str, Any] = {name: encode(column, recall_pb.Tensor) for name, column in columns.items()}
    response = recall_pb.RetrieveResponse(**tensors)
    response.channels.extend(channels)
    return response


def score_response(scores: NDArray[np.float32], objectives: tuple[str, ...]) -> Any:
    """What ranking says."""
    return ranking_pb.ScoreResponse(scores=encode(scores, ranking_pb.Tensor), objectives=objectives)
