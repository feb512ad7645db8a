"""Callers of a feature store that dies under them: they know what was acknowledged, and send the rest again."""

import asyncio
import random
from dataclasses import dataclass, field

import grpc

from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc

USERS = 40
ITEMS = 200
_TYPES = (
    pb.EVENT_TYPE_VIEW,
    pb.EVENT_TYPE_CLICK,
    pb.EVENT_TYPE_LIKE,
    pb.EVENT_TYPE_DISLIKE,
    pb.EVENT_TYPE_PURCHASE,
    pb.EVENT_TYPE_IMPRESSION,
    pb.EVENT_TYPE_DWELL,
)
#: An event's own name, and whose it is.
EventKey = tuple[str, str]


@dataclass
class Callers:
    """Several callers at once, each with one request under way.

    Args:
        seed: What they tell follows from it.

    Attributes:
        acknowledged: The events whose answer came.
        unanswered: Requests whose answer did not come: recorded or not, nobody knows.
        attributes: Of each user, the time of the newest attribute that was acknowledged.
    """

    seed: int
    acknowledged: set[EventKey] = field(default_factory=set)
    unanswered: list[list[pb.Event]] = field(default_factory=list)
    attributes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible, not secret
        self._events = 0
        self._writes = 0

    async def call_until(self, target: str, killed: asyncio.Event) -> None:
        """Sends what is unanswered again and then more and more, until the store is killed."""
        again, self.unanswered = self.unanswered, []
        async with grpc.aio.insecure_channel(target) as channel:
            stub = pb_grpc.FeatureStoreServiceStub(channel)
            queue = iter(again)
            await asyncio.gather(
                *(self._record(stub, queue, killed) for _ in range(3)),
                self._stream(stub, killed),
                self._import(stub, killed),
            )
        self.unanswered += queue

    async def _record(
        self, stub: "pb_grpc.FeatureStoreServiceAsyncStub", again: "object", killed: asyncio.Event
    ) -> None:
        while not killed.is_set():
            events = next(again, None) or self._draw()  # type: ignore[call-overload]
            try:
                await stub.RecordEvents(pb.RecordEventsRequest(events=events))
            except grpc.aio.AioRpcError:
                self.unanswered.append(events)
                return
            self.acknowledged |= {(event.user_id, event.event_id) for event in events}

    async def _stream(self, stub: "pb_grpc.FeatureStoreServiceAsyncStub", killed: asyncio.Event) -> None:
        while not killed.is_set():
            batches = [self._draw() for _ in range(self._random.randint(1, 5))]
            try:
                await stub.IngestEvents(pb.IngestEventsRequest(events=events) for events in batches)
            except (grpc.aio.AioRpcError, asyncio.CancelledError):  # a stream that cannot be written to is cancelled
                self.unanswered += batches
                return
            self.acknowledged |= {(event.user_id, event.event_id) for events in batches for event in events}

    async def _import(self, stub: "pb_grpc.FeatureStoreServiceAsyncStub", killed: asyncio.Event) -> None:
        while not killed.is_set():
            self._writes += 1
            user_id, at_ms = f"user-{self._random.randrange(USERS)}", self._writes
            attributes = {"age": pb.AttributeValue(number=at_ms)}
            user = pb.ImportedUser(user_id=user_id, attributes=attributes, attributes_written_at_ms=at_ms)
            try:
                await stub.ImportUsers(pb.ImportUsersRequest(users=[user]))
            except grpc.aio.AioRpcError:
                return
            self.attributes[user_id] = at_ms

    def _draw(self) -> list[pb.Event]:
        return [self._event() for _ in range(self._random.randint(1, 60))]

    def _event(self) -> pb.Event:
        self._events += 1
        kind = self._random.choice(_TYPES)
        return pb.Event(
            event_id=f"{self._events}",
            user_id=f"user-{self._random.randrange(USERS)}",
            item_id=f"item-{self._random.randrange(ITEMS):05d}",
            type=kind,
            occurred_at_ms=self._random.randrange(1_000_000),
            dwell_seconds=30.0 if kind == pb.EVENT_TYPE_DWELL else 0.0,
        )
