"""Look-ups from a feature store in a process of its own, over gRPC on loopback."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvloop
from numpy.typing import NDArray

from shared.channel import channel_options
from shared.tensors import FLOAT32, decode, encode
from tests.bench.feature_snapshot import SNAPSHOT_ID
from tests.bench.timing import summary
from tests.service_process import started
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub

Rows = NDArray[np.uint32]
WARMUP = 50


def measure_winnow(
    folder: Path, rows: Rows, expected: NDArray[np.float32], in_flight: list[int], seconds: float
) -> dict[str, Any]:
    """Starts the service on the snapshot below `folder`, and asks it by the asyncio and by the synchronous client.

    A look-up is all that a caller pays for: building the request, the call, and the answer as an array.

    Args:
        folder: Holds `snapshots`; the store goes beside them.
        rows: uint32 [look-ups, rows], asked over and over.
        expected: float32 [items, features]; the first answer is compared with it.
        in_flight: How many look-ups are under way at once.
        seconds: For each measurement.
    """
    flags = ("--path", str(folder / "store"), "--snapshot-dir", str(folder / "snapshots"), "--log-level", "info")
    with started("services.feature_store", *flags) as process:
        target = f"127.0.0.1:{process.wait_for('ready')['port']}"
        _check(target, rows[0], expected)
        return {
            f"{client}, {number} in flight": measure(target, rows, number, seconds)
            for client, measure in (("grpc.aio", _measure_aio), ("sync", _measure_sync))
            for number in in_flight
        }


def request(rows: Rows) -> pb.GetItemsRequest:
    """Returns the request for some rows."""
    message = pb.GetItemsRequest(snapshot_id=SNAPSHOT_ID)
    message.rows.CopyFrom(encode(rows, pb.Tensor))
    return message


def _features(answer: pb.GetItemsResponse, rows: int) -> NDArray[np.float32]:
    return decode(answer.features, "features", FLOAT32, [rows, None])


def _check(target: str, rows: Rows, expected: NDArray[np.float32]) -> None:
    with grpc.insecure_channel(target, options=channel_options(retry=False)) as channel:
        answer = FeatureStoreServiceStub(channel).GetItems(request(rows), wait_for_ready=True, timeout=10)
    if not np.array_equal(_features(answer, len(rows)), expected[rows]):
        raise RuntimeError("the feature store answered with other features than the snapshot has")


def _measure_aio(target: str, rows: Rows, in_flight: int, seconds: float) -> dict[str, Any]:
    async def measure() -> dict[str, Any]:
        async with grpc.aio.insecure_channel(target, options=channel_options(retry=False)) as channel:
            stub = FeatureStoreServiceStub(channel)

            async def look_up(number: int) -> None:
                chosen = rows[number % len(rows)]
                _features(await stub.GetItems(request(chosen)), len(chosen))

            for number in range(WARMUP):
                await look_up(number)
            numbers, milliseconds, begun = count(), list[float](), time.perf_counter()

            async def caller() -> None:
                while (now := time.perf_counter()) < begun + seconds:
                    await look_up(next(numbers))
                    milliseconds.append((time.perf_counter() - now) * 1e3)

            await asyncio.gather(*(caller() for _ in range(in_flight)))
            return summary(milliseconds, time.perf_counter() - begun)

    return uvloop.run(measure())


def _measure_sync(target: str, rows: Rows, in_flight: int, seconds: float) -> dict[str, Any]:
    with grpc.insecure_channel(target, options=channel_options(retry=False)) as channel:
        stub = FeatureStoreServiceStub(channel)

        def look_up(number: int) -> None:
            chosen = rows[number % len(rows)]
            _features(stub.GetItems(request(chosen)), len(chosen))

        for number in range(WARMUP):
            look_up(number)
        return measure_in_threads(look_up, in_flight, seconds)


def measure_in_threads(look_up: Callable[[int], None], in_flight: int, seconds: float) -> dict[str, Any]:
    """Calls from `in_flight` threads, each as soon as its last call returned."""
    numbers, milliseconds, begun = count(), list[float](), time.perf_counter()

    def caller() -> None:
        while (now := time.perf_counter()) < begun + seconds:
            look_up(next(numbers))
            milliseconds.append((time.perf_counter() - now) * 1e3)

    with ThreadPoolExecutor(in_flight) as threads:
        for call in [threads.submit(caller) for _ in range(in_flight)]:
            call.result()
    return summary(milliseconds, time.perf_counter() - begun)
