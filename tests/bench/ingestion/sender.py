"""A process that streams events: `python -m tests.bench.ingestion.sender <target> <json of Sending>`; prints what it sent."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import grpc
import uvloop

from tests.bench.ingestion.traffic import batches
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

_METHOD = "/winnow.feature_store.v1.FeatureStoreService/IngestEvents"


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

    They are drawn and encoded before: the sender is not to compete with what it measures. Prints a line when it begins.

    Raises:
        AssertionError: not all of them were recorded.
    """
    parts = [_encoded(sending, part) for part in range(sending.streams)]
    print("sending", flush=True)  # noqa: T201 - what the parent waits for
    started = time.perf_counter()
    async with grpc.aio.insecure_channel(target) as channel:
        ingest: Any = channel.stream_unary(_METHOD, response_deserializer=pb.IngestEventsResponse.FromString)
        answers = await asyncio.gather(*(ingest(_paced(part, sending, started)) for part in parts))
    assert sum(answer.recorded for answer in answers) == sending.events // sending.streams * sending.streams
    return time.perf_counter() - started


def _encoded(sending: Sending, part: int) -> list[bytes]:
    left = sending.events // sending.streams
    source = batches(sending.seed * 1_000 + part, sending.users, sending.items, sending.size)
    encoded = []
    while left > 0:
        batch = next(source)
        del batch.events[left:]
        encoded.append(batch.SerializeToString())
        left -= len(batch.events)
    return encoded


async def _paced(encoded: list[bytes], sending: Sending, started: float) -> AsyncIterator[bytes]:
    for place, batch in enumerate(encoded):
        if sending.rate:
            due = started + place * sending.size * sending.streams / sending.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        yield batch


def command(target: str, sending: Sending) -> list[str]:
    """Returns the command of a process that sends."""
    return [sys.executable, "-m", "tests.bench.ingestion.sender", target, json.dumps(asdict(sending))]


if __name__ == "__main__":
    print(uvloop.run(send(sys.argv[1], Sending(**json.loads(sys.argv[2])))))  # noqa: T201 - what the parent reads
