"""The feature store as a process: it loses nothing that it acknowledged, however it ends."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import lmdb
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.feature_store.config import FeatureStoreSettings
from services.feature_store.store_folder import open_store_folder
from tests.contract.feature_store.calls import CREATED_MS, array, event, histories, item, items, record, users, write
from tests.contract.feature_store.serving import SERVICE
from tests.service_process import ServiceProcess, assert_help_lists, started
from tests.snapshot_weights import ITEM_FEATURES
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc

MODULE = "services.feature_store"
USERS = ("u0", "u1", "u2", "u3", "u4")
CALLERS = 4
ROWS = range(8)


@dataclass
class Told:
    """A request that was sent, and whether its answer came."""

    request: pb.RecordEventsRequest
    acknowledged: bool = False


class Callers:
    """Callers who record events of their own, each event once, until the process dies under them.

    Args:
        seed: What they tell follows from it.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._events = 0
        self.told: list[Told] = []

    async def call_and_kill(self, stub: "pb_grpc.FeatureStoreServiceAsyncStub", process: ServiceProcess) -> None:
        """Records from several callers at once, and kills the process after a number of answers."""
        answers_left = self._random.randint(1, 40)

        async def call() -> None:
            nonlocal answers_left
            while True:  # until it gets no answer
                told = Told(self._request())
                self.told.append(told)
                await stub.RecordEvents(told.request)
                told.acknowledged = True
                answers_left -= 1
                if answers_left == 0:
                    process.kill()

        outcomes = await asyncio.gather(*(call() for _ in range(CALLERS)), return_exceptions=True)
        assert all(isinstance(outcome, grpc.aio.AioRpcError) for outcome in outcomes), outcomes

    def _request(self) -> pb.RecordEventsRequest:
        first, self._events = self._events, self._events + self._random.randint(1, 30)
        numbers = range(first, self._events)
        return record(
            *(
                event(f"{number}", item(number % 200), user_id=USERS[number % len(USERS)], occurred_at_ms=number)
                for number in numbers
            )
        )


async def assert_told_exactly_once(stub: "pb_grpc.FeatureStoreServiceAsyncStub", told: Sequence[Told]) -> None:
    """Repeats every request: one that was acknowledged holds nothing new, one that was not all or nothing."""
    expected = defaultdict[str, list[int]](list)
    for one in told:
        answer = await stub.RecordEvents(one.request)
        events = len(one.request.events)
        assert answer.recorded in ((0,) if one.acknowledged else (0, events))
        one.acknowledged = True
        for event_ in one.request.events:
            expected[event_.user_id].append(int(event_.event_id))
    read = await stub.GetUsers(users(*USERS, max_history=1_000))
    assert histories(read) == [[number % 200 for number in sorted(expected[user_id])] for user_id in USERS]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path, snapshots: Path, seed: int) -> None:
    """Killed in the midst of recording, again and again: each event is there exactly once, no request by half."""
    callers = Callers(seed)
    for _ in range(4):
        with started(MODULE, "--path", str(tmp_path), "--snapshot-dir", str(snapshots)) as process:
            port = process.wait_for("ready")["port"]
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = pb_grpc.FeatureStoreServiceStub(channel)
                await assert_told_exactly_once(stub, callers.told)
                await callers.call_and_kill(stub, process)


async def test_a_call_in_flight_ends_when_the_process_is_told_to(tmp_path: Path, snapshots: Path) -> None:
    """SIGTERM lets it finish and be answered; the exit code is 0, and what was acknowledged is there."""
    flags = ("--path", str(tmp_path), "--snapshot-dir", str(snapshots))
    request = record(event("1"), event("2"))
    with started(MODULE, *flags) as process:
        port = process.wait_for("ready")["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pb_grpc.FeatureStoreServiceStub(channel)
            health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
            assert (await health.read()).status == health_pb2.HealthCheckResponse.SERVING
            # LMDB has one write transaction at a time, of whichever process: while this one is open, the call waits.
            with lmdb.open(str(tmp_path), max_dbs=8) as environment, environment.begin(write=True) as held:
                call = stub.RecordEvents(request)
                await stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())  # the call before it has arrived, too
                exit_code = asyncio.create_task(asyncio.to_thread(process.terminate))
                assert (await health.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
                assert not call.done()
                held.abort()
            assert (await call).recorded == 2
            assert await exit_code == 0
    with started(MODULE, *flags) as process:
        port = process.wait_for("ready")["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            again = await pb_grpc.FeatureStoreServiceStub(channel).RecordEvents(request)
            assert (again.recorded, again.duplicates) == (0, 2)


def test_a_store_in_use_ends_the_process_with_a_clear_word(tmp_path: Path, snapshots: Path) -> None:
    """The log says which folder and why; the exit code is 1."""
    with (
        open_store_folder(tmp_path, 1 << 20),
        started(MODULE, "--path", str(tmp_path), "--snapshot-dir", str(snapshots)) as process,
    ):
        entry = process.wait_for("the store cannot be used")
        assert str(tmp_path) in entry["problem"]
        assert "another process has it open" in entry["problem"]
        assert process.wait_for_exit() == 1


def test_help_lists_every_setting() -> None:
    """By flag and by environment variable."""
    assert_help_lists(MODULE, "FEATURE_STORE_", list(FeatureStoreSettings.model_fields))


async def test_a_killed_process_serves_every_item_feature_that_it_acknowledged(tmp_path: Path, snapshots: Path) -> None:
    """Killed in the midst of writing, again and again: the newest acknowledged value or a newer one, no write by half."""
    writers = Writers()
    for answers in (1, 7, 30):
        with started(MODULE, "--path", str(tmp_path), "--snapshot-dir", str(snapshots)) as process:
            port = process.wait_for("ready")["port"]
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = pb_grpc.FeatureStoreServiceStub(channel)
                served = set(array((await stub.GetItems(items(ROWS))).features)[:, 0].tolist())
                if writers.acknowledged:
                    assert len(served) == 1
                    assert max(writers.acknowledged) <= served.pop() <= writers.sent
                await writers.write_and_kill(stub, process, answers)
    assert len(writers.acknowledged) >= 1 + 7 + 30


class Writers:
    """Callers who write to every item, each time a number that is higher and later than all before.

    Attributes:
        sent: The highest number that was sent.
        acknowledged: The numbers whose answer came.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged: list[int] = []

    async def write_and_kill(
        self, stub: "pb_grpc.FeatureStoreServiceAsyncStub", process: ServiceProcess, answers: int
    ) -> None:
        """Writes from several callers at once, and kills the process after a number of answers."""
        until = len(self.acknowledged) + answers

        async def call() -> None:
            while len(self.acknowledged) < until:
                self.sent = number = self.sent + 1
                ids = [item(row) for row in ROWS]
                await stub.WriteItemFeatures(write([[number]] * len(ids), ids, ITEM_FEATURES[:1], CREATED_MS + number))
                self.acknowledged.append(number)
                if len(self.acknowledged) == until:
                    process.kill()

        outcomes = await asyncio.gather(*(call() for _ in range(CALLERS)), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, grpc.aio.AioRpcError) for outcome in outcomes), outcomes
