"""Taking events from a stream: one message after the other, each as durable as the answer says before the next is read."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.feature_store.events import Event, Recorded
from shared.errors import Overloaded, WinnowError

Message = TypeVar("Message")

#: How long a stream waits before it asks again whether there is room. The sender waits with it.
_PAUSE_SECONDS = 0.01


@dataclass
class Ingested:
    """What became of a stream.

    Attributes:
        recorded: How many events were new.
        duplicates: How many had been recorded before, or came twice.
        messages: How many messages are durable.
    """

    recorded: int = 0
    duplicates: int = 0
    messages: int = 0


async def ingest(
    stream: AsyncIterable[Message],
    read: Callable[[Message], Awaitable[Sequence[Event]]],
    record: Callable[[Sequence[Event]], Awaitable[Recorded]],
) -> Ingested:
    """Records the events of a stream, and returns once all are durable.

    Nothing piles up here: of each stream one message is held. Where too much waits to be written, the stream waits too,
    and so does its sender.

    Args:
        stream: The messages.
        read: Returns the events of a message; raises InvalidArgument where one breaks a limit.
        record: Records events, all or none.

    Raises:
        WinnowError: a message is bad or could not be recorded; `recorded_messages` of its metadata says how many
            messages before it are durable.
    """
    ingested = Ingested()
    try:
        async for message in stream:
            outcome = await _record(await read(message), record)
            ingested.recorded += outcome.recorded
            ingested.duplicates += outcome.duplicates
            ingested.messages += 1
    except WinnowError as error:
        error.metadata["recorded_messages"] = str(ingested.messages)
        raise
    return ingested


async def _record(events: Sequence[Event], record: Callable[[Sequence[Event]], Awaitable[Recorded]]) -> Recorded:
    while True:
        try:
            return await record(events)
        except Overloaded:
            await asyncio.sleep(_PAUSE_SECONDS)
