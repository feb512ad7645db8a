"""A process that streams events: `python -m tests.bench.ingestion.sender <target> <json of Sending>`; prints what it sent."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from itertools import islice

import grpc
import uvloop

from tests.bench.ingestion.traffic import batches
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc


@dataclass(frozen=True)
class Sending:
    """What to send.

    Attributes:
        seed: What is drawn follows from it.
        users: How many there are.
        items: How many there are.
        size: Events of a batch.
        events: How many to send.
        rate: Events a second; 0 for as many as are taken.
        streams: How many streams to send them on.
    """

    seed: int
    users: int
    items: int
    size: int
    events: int
    rate: float
    streams: int


async def send(target: str, sending: Sending) -> float:
    """Sends events and returns how many seconds it took until all were durable.

    Raises:
        AssertionError: not all of them were recorded.
    """
    started = time.perf_counter()
    async with grpc.aio.insecure_channel(target) as channel:
        stub = pb_grpc.FeatureStoreServiceStub(channel)
        parts = [_stream(sending, part, started) for part in range(sending.streams)]
        answers = await asyncio.gather(*(stub.IngestEvents(part) for part in parts))
    assert sum(answer.recorded for answer in answers) == sending.events // sending.streams * sending.streams
    return time.perf_counter() - started


async def _stream(sending: Sending, part: int, started: float) -> AsyncIterator[pb.IngestEventsRequest]:
    events = sending.events // sending.streams
    source = batches(sending.seed * 1_000 + part, sending.users, sending.items, sending.size)
    for place, batch in enumerate(islice(source, -(-events // sending.size))):
        if sending.rate:
            due = started + place * sending.size * sending.streams / sending.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        left = events - place * sending.size
        yield batch if left >= sending.size else pb.IngestEventsRequest(events=batch.events[:left])


def command(target: str, sending: Sending) -> list[str]:
    """Returns the command of a process that sends."""
    return [sys.executable, "-m", "tests.bench.ingestion.sender", target, json.dumps(asdict(sending))]


if __name__ == "__main__":
    print(uvloop.run(send(sys.argv[1], Sending(**json.loads(sys.argv[2])))))  # noqa: T201 - what the parent reads
