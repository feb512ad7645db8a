"""The feature store as a process: it loses nothing that it acknowledged, however it ends."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from services.feature_store.config import FeatureStoreSettings
from services.feature_store.store_folder import open_store_folder
from tests.contract.feature_store.calls import event, histories, item, record, users
from tests.service_process import ServiceProcess, assert_help_lists, started
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc

MODULE = "services.feature_store"
USERS = ("u0", "u1", "u2", "u3", "u4")
CALLERS = 4


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
            while answers_left > 0:
                told = Told(self._request())
                self.told.append(told)
                await stub.RecordEvents(told.request)
                told.acknowledged = True
                answers_left -= 1
                if answers_left == 0:
                    process.kill()

        outcomes = await asyncio.gather(*(call() for _ in range(CALLERS)), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, grpc.aio.AioRpcError) for outcome in outcomes), outcomes

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
    assert any(not told.acknowledged for told in callers.told)


async def test_calls_in_flight_end_when_the_process_is_told_to(tmp_path: Path, snapshots: Path) -> None:
    """SIGTERM lets them finish and be answered; the exit code is 0, and what was acknowledged is there."""
    flags = ("--path", str(tmp_path), "--snapshot-dir", str(snapshots))
    requests = [record(*(event(f"{call}-{number}") for number in range(10_000))) for call in range(3)]
    with started(MODULE, *flags) as process:
        port = process.wait_for("ready")["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pb_grpc.FeatureStoreServiceStub(channel)
            calls = [asyncio.ensure_future(stub.RecordEvents(request)) for request in requests]
            _, in_flight = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            exited = asyncio.create_task(asyncio.to_thread(process.terminate))
            assert in_flight
            assert [answer.recorded for answer in await asyncio.gather(*calls)] == [10_000] * 3
            assert await exited == 0
    with started(MODULE, *flags) as process:
        port = process.wait_for("ready")["port"]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            again = await pb_grpc.FeatureStoreServiceStub(channel).RecordEvents(requests[2])
            assert (again.recorded, again.duplicates) == (0, 10_000)


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
