"""What is sent as a stream: where the source of it fails, the caller hears why, and not that gRPC gave up."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Generic, TypeVar

from winnow.client.requests import MAX_EVENTS, Event, ingest_requests
from winnow.gateway.v1 import gateway_service_pb2 as pb

_Message = TypeVar("_Message")


class SentStream(Generic[_Message]):
    """Messages on their way. gRPC iterates them elsewhere, and ends the call without a word when that fails.

    Args:
        messages: What to send.

    Attributes:
        failure: What iterating them raised; None while it raised nothing.
    """

    def __init__(self, messages: Iterable[_Message]) -> None:
        self._messages = messages
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[_Message]:
        try:
            yield from self._messages
        except Exception as failure:
            self.failure = failure
            raise


class SentAsyncStream(Generic[_Message]):
    """The same for asyncio, where the call is then cancelled."""

    def __init__(self, messages: AsyncIterable[_Message]) -> None:
        self._messages = messages
        self.failure: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[_Message]:
        try:
            async for message in self._messages:
                yield message
        except Exception as failure:
            self.failure = failure
            raise


async def ingest_messages(events: Iterable[Event] | AsyncIterable[Event]) -> AsyncIterator[pb.IngestEventsRequest]:
    """Yields the messages of a stream of events, as they come.

    Raises:
        ValueError: an event's time has no time zone, or its type is none.
    """
    if isinstance(events, AsyncIterable):
        batch: list[Event] = []
        async for event in events:
            batch.append(event)
            if len(batch) == MAX_EVENTS:
                for message in ingest_requests(batch):
                    yield message
                batch = []
        events = batch
    for message in ingest_requests(events):
        yield message
