"""A process that looks users up at a steady pace: `python -m tests.bench.ingestion.lookups <target> <json of LookUps>`.

Open loop: a look-up is sent when it is due, whatever became of those before, and its time counts from when it was due. So
a service that stops for a while is charged for all who would have asked meanwhile.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass

import grpc
import numpy as np
import uvloop

from tests.bench.ingestion.traffic import user_id
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc


@dataclass(frozen=True)
class LookUps:
    """What to look up.

    Attributes:
        snapshot_id: In whose rows.
        users: How many there are.
        size: Users of a look-up.
        rate: Look-ups a second.
        seconds: For how long.
    """

    snapshot_id: str
    users: int
    size: int
    rate: float
    seconds: float


async def look_up(target: str, lookups: LookUps) -> dict[str, float]:
    """Looks users up and returns the percentiles of the time, in milliseconds."""
    chooser = random.Random(1)  # noqa: S311 - reproducible, not secret
    times: list[float] = []
    async with grpc.aio.insecure_channel(target) as channel:
        stub = pb_grpc.FeatureStoreServiceStub(channel)

        async def one(due: float) -> None:
            users = [pb.UserQuery(user_id=user_id(chooser.randrange(lookups.users))) for _ in range(lookups.size)]
            await stub.GetUsers(pb.GetUsersRequest(snapshot_id=lookups.snapshot_id, users=users))
            times.append(time.perf_counter() - due)

        await one(time.perf_counter())
        times.clear()
        started = time.perf_counter()
        asked = []
        for number in range(int(lookups.rate * lookups.seconds)):
            due = started + number / lookups.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.append(asyncio.create_task(one(due)))
        await asyncio.gather(*asked)
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) * 1e3
    return {"p50_ms": round(p50, 3), "p90_ms": round(p90, 3), "p99_ms": round(p99, 3), "calls": len(times)}


def command(target: str, lookups: LookUps) -> list[str]:
    """Returns the command of a process that looks up."""
    return [sys.executable, "-m", "tests.bench.ingestion.lookups", target, json.dumps(asdict(lookups))]


if __name__ == "__main__":
    print(json.dumps(uvloop.run(look_up(sys.argv[1], LookUps(**json.loads(sys.argv[2]))))))  # noqa: T201
