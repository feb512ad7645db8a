"""Whatever is asked of the suite, and however it fails, no log line has a user's id or an attribute's value in it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from pathlib import Path

import grpc
import pytest

from services.cli.supervisor import SuitePorts, Supervisor, suite_programs
from services.cli.supervisor.suite import SERVICES
from tests.snapshot_factory import build_snapshot
from winnow.feature_store.v1 import feature_store_service_pb2 as store_pb
from winnow.feature_store.v1.feature_store_service_pb2_grpc import FeatureStoreServiceStub
from winnow.gateway.v1 import gateway_service_pb2 as pb
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub

#: What is in every id of a user, and in every text of an attribute; and a number that is nowhere else.
MARK = "zq7secret"
NUMBER = 48151.623
ANN = f"ann-{MARK}"
LONG = MARK * 100
ITEM = "item-00001"


class Asking:
    """Stubs of the gateway and the feature store, and a count of how calls ended."""

    def __init__(self, ports: SuitePorts) -> None:
        self._channels = [grpc.aio.insecure_channel(ports.target(name)) for name in ("gateway", "feature_store")]
        self.gateway = GatewayServiceStub(self._channels[0])
        self.store = FeatureStoreServiceStub(self._channels[1])
        self.raw: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channels[1].unary_unary(
            "/winnow.feature_store.v1.FeatureStoreService/RecordEvents"
        )
        self.codes: list[str] = []

    async def ask(self, call: Awaitable[object]) -> None:
        """Makes a call, however it ends."""
        try:
            await call
        except grpc.aio.AioRpcError as error:
            self.codes.append(error.code().name)
        else:
            self.codes.append("OK")

    async def close(self) -> None:
        """Closes the connections."""
        for channel in self._channels:
            await channel.close()


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[tuple[Asking, Supervisor]]:
    """Four services that log everything they can."""
    build_snapshot(tmp_path / "snapshots")
    ports = SuitePorts.free()
    loud = {f"{name.upper()}_LOG_LEVEL": "debug" for name in SERVICES} | {"RANKING_DEVICE": "cpu"}
    async with Supervisor(suite_programs(tmp_path, ports, settings=loud)) as supervisor:
        await supervisor.until_ready()
        asking = Asking(ports)
        yield asking, supervisor
        await asking.close()


async def ask_the_gateway(asking: Asking) -> None:
    """Asks what is fine, and what breaks limits with the mark in it."""
    text, number = pb.AttributeValue(text=MARK), pb.AttributeValue(number=NUMBER)
    both = {"gender": text, "age": number}
    stub, ask = asking.gateway, asking.ask
    await ask(stub.Recommend(pb.RecommendRequest(user_id=ANN, user_attributes=both)))
    await ask(stub.Recommend(pb.RecommendRequest(user_id=LONG)))
    too_long = {"gender": pb.AttributeValue(text=LONG)}
    await ask(stub.Recommend(pb.RecommendRequest(user_id=ANN, user_attributes=too_long)))
    too_many = {f"a{number}": text for number in range(33)}
    await ask(stub.Recommend(pb.RecommendRequest(user_id=ANN, user_attributes=too_many)))
    await ask(stub.Recommend(pb.RecommendRequest(user_id=ANN, max_results=-1, user_attributes=both)))
    await ask(stub.Explain(pb.ExplainRequest(request=pb.RecommendRequest(user_id=ANN, user_attributes=both))))
    await ask(stub.Recommend(pb.RecommendRequest(user_id=ANN), timeout=0.001))
    for event in (event_of(), event_of(item_id="nothing"), event_of(user_id=LONG), event_of(type=99)):
        await ask(stub.RecordEvents(pb.RecordEventsRequest(events=[event])))
    for user_id in (ANN, LONG):
        await ask(stub.ForgetUser(pb.ForgetUserRequest(user_id=user_id)))


def event_of(**changes: object) -> pb.Event:
    """An event of the marked user."""
    fine = {"event_id": f"e-{MARK}", "user_id": ANN, "item_id": ITEM, "type": pb.EVENT_TYPE_VIEW}
    return pb.Event(**{**fine, **changes})  # type: ignore[arg-type]


async def ask_the_store(asking: Asking) -> None:
    """The same of the feature store."""
    stub, ask = asking.store, asking.ask
    values = {"gender": store_pb.AttributeValue(text=MARK), "age": store_pb.AttributeValue(number=NUMBER)}
    many = {f"a{number}": store_pb.AttributeValue(text=f"{MARK}{number}") for number in range(40)}
    more = {f"b{number}": store_pb.AttributeValue(text=f"{MARK}{number}") for number in range(40)}
    for attributes in (values, {"gender": store_pb.AttributeValue(text=LONG)}, many, more):
        user = store_pb.ImportedUser(user_id=ANN, attributes=attributes, item_ids=[ITEM], occurred_at_ms=[1])
        await ask(stub.ImportUsers(store_pb.ImportUsersRequest(users=[user])))
    for user_id in (ANN, LONG):
        query = store_pb.UserQuery(user_id=user_id, attributes=values)
        for snapshot_id in ("snapshot-1", "gone"):
            await ask(stub.GetUsers(store_pb.GetUsersRequest(snapshot_id=snapshot_id, users=[query])))
        event = store_pb.Event(event_id="e", user_id=user_id, item_id=ITEM, type=store_pb.EVENT_TYPE_VIEW)
        await ask(stub.RecordEvents(store_pb.RecordEventsRequest(events=[event])))
        await ask(stub.IngestEvents(iter([store_pb.IngestEventsRequest(events=[event])])))
        shown = store_pb.Exposure(
            request_id="r",
            user_id=user_id,
            snapshot_id="s",
            item_ids=[ITEM],
            scores=[1],
            propensities=[1],
            found_by=[0],
        )
        await ask(stub.LogExposures(store_pb.LogExposuresRequest(exposures=[shown])))
        await ask(drained(stub.ExportUser(store_pb.ExportUserRequest(user_id=user_id))))
    await ask(asking.raw(MARK.encode()))
    await ask(stub.ForgetUser(store_pb.ForgetUserRequest(user_id=ANN)))


async def drained(responses: AsyncIterable[object]) -> None:
    """Takes every response."""
    async for _ in responses:
        pass


async def test_no_log_line_names_a_user_or_tells_an_attribute(
    asking: tuple[Asking, Supervisor], tmp_path: Path
) -> None:
    """Every service logs all that it can, calls succeed, are refused and time out, and the store is killed."""
    caller, supervisor = asking
    await ask_the_gateway(caller)
    await ask_the_store(caller)
    victim = supervisor.pid("feature_store")
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    await ask_the_gateway(caller)
    await supervisor.until_ready()
    await ask_the_store(caller)
    assert {"OK", "INVALID_ARGUMENT", "UNAVAILABLE", "FAILED_PRECONDITION"} <= set(caller.codes), caller.codes
    logs = {path.name: await asyncio.to_thread(path.read_text) for path in (tmp_path / "logs").iterdir()}
    assert {f"{name}.log" for name in SERVICES} == set(logs)
    assert all('"rpc"' in log for log in logs.values())
    lines = [line for log in logs.values() for line in log.splitlines()]
    assert [line for line in lines if MARK in line or str(NUMBER) in line] == []
