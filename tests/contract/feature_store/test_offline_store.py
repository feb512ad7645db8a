"""What a real feature store logged, through the offline store and back into another real feature store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import polars as pl
import pytest

from services.feature_store.__main__ import open_feature_store
from services.feature_store.config import FeatureStoreSettings
from tests.contract.feature_store.calls import CREATED_MS, SNAPSHOT, attributes, event, item, items, record, write
from tests.in_process import running
from tests.unit.cli.invocation import winnow_beside
from winnow.feature_store.v1 import feature_store_service_pb2 as pb
from winnow.feature_store.v1 import feature_store_service_pb2_grpc as pb_grpc

_AT = CREATED_MS + 1_000


@asynccontextmanager
async def _serving(folder: Path, snapshots: Path) -> AsyncIterator[tuple["pb_grpc.FeatureStoreServiceAsyncStub", str]]:
    """A feature store and its address."""
    settings = FeatureStoreSettings(
        host="127.0.0.1", port=0, metrics_port=0, path=folder, snapshot_dir=snapshots, grace_seconds=5
    )
    async with open_feature_store(settings) as service:
        await service.follower.poll()
        async with running(service.server, service.follower.ready) as channel:
            yield pb_grpc.FeatureStoreServiceStub(channel), f"127.0.0.1:{service.server.port}"


def _user(age: float, at_ms: int) -> pb.ImportUsersRequest:
    user = pb.ImportedUser(user_id="u", attributes=attributes({"age": age}), attributes_written_at_ms=at_ms)
    return pb.ImportUsersRequest(users=[user])


async def _ages(store: "pb_grpc.FeatureStoreServiceAsyncStub") -> dict[str, float]:
    request = pb.GetUsersRequest(snapshot_id=SNAPSHOT, users=[pb.UserQuery(user_id="u")], include_states=True)
    (values,) = (await store.GetUsers(request)).values
    return {name: value.number for name, value in values.values.items()}


async def _fill(store: "pb_grpc.FeatureStoreServiceAsyncStub") -> None:
    await store.ImportUsers(_user(30.0, _AT))
    await store.WriteItemFeatures(write([[0.75]], [item(3)], at_ms=_AT))
    exposure = pb.Exposure(
        request_id="r1", user_id="u", snapshot_id=SNAPSHOT, shown_at_ms=_AT + 10, item_ids=[item(1), item(2)],
        scores=[2.0, 1.0], propensities=[0.5, 1.0], channels=["content"], found_by=[1, 1],
    )  # fmt: skip
    await store.LogExposures(pb.LogExposuresRequest(exposures=[exposure, exposure]))
    clicked = event("e1", item(2), type=pb.EVENT_TYPE_CLICK, occurred_at_ms=_AT + 20, shown_by_request_id="r1")
    await store.RecordEvents(record(event("e0", item(9), occurred_at_ms=_AT + 5), clicked, clicked))


@pytest.fixture
async def log(tmp_path: Path, snapshots: Path) -> Path:
    """The log of a store in which something happened."""
    async with _serving(tmp_path / "first", snapshots) as (store, _):
        await _fill(store)
    return tmp_path / "first" / "log"


async def test_examples_are_made_of_what_the_feature_store_logged(tmp_path: Path, log: Path) -> None:
    """Each exposure and each event once, however often they were sent."""
    out = tmp_path / "examples.parquet"
    outcome = await winnow_beside("examples", "build", "--log", str(log), "--out", str(out))
    assert outcome.exit_code == 0, outcome.stderr
    rows = pl.read_parquet(out).select("item_id", "propensity", "click", "reward", "history").rows()
    assert rows == [(item(1), 0.5, 0, 0.0, [item(9)]), (item(2), 1.0, 1, 1.0, [item(9)])]


async def test_values_return_to_another_store_and_leave_newer_ones_alone(
    tmp_path: Path, log: Path, snapshots: Path
) -> None:
    """A store that was lost has its values again; what was written to it since stays."""
    offline = str(tmp_path / "offline")
    await winnow_beside("features", "backfill", "--log", str(log), "--out", offline)
    async with _serving(tmp_path / "second", snapshots) as (store, target):
        outcome = await winnow_beside("features", "materialize", "--offline", offline, "--target", target)
        # The server of this process logs to the same stream.
        assert outcome.stdout.endswith(f"1 writes of users and 1 of items sent to {target}.\n"), outcome.stderr
        assert await _ages(store) == {"age": 30.0}
        served = await store.GetItems(items([3]))
        assert 0.75 in memoryview(served.features.data).cast("f").tolist()

        await store.ImportUsers(_user(31.0, _AT + 1))
        again = await winnow_beside(
            "features", "materialize", "--offline", offline, "--target", target, "--since", "1970-01-01T00:00:00Z"
        )
        assert again.exit_code == 0
        assert await _ages(store) == {"age": 31.0}
