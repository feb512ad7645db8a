"""From the offline store to an online one, with times, batches and resumption."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from services.cli.offline import requests
from services.training.offline.backfill import backfill
from services.training.offline.store import OfflineStore
from shared.event_log.records import Record
from tests.fake_server import add_method, fake_server
from tests.unit.cli.invocation import Outcome, winnow_beside
from tests.unit.training.offline.records import attributes, item_features, log_of
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

_RECORDS: list[Record] = [
    attributes("u1", {"age": 30.0, "region": "north"}, 5_000),
    attributes("u1", {"region": "south"}, 6_000),
    attributes("u1", {"region": "late"}, 5_500),
    attributes("u2", {"age": 40.0}, 0),
    item_features("a", {"heat": 0.5, "price": 1.0}, 7_000),
    item_features("b", {"heat": 0.25, "price": 2.0}, 7_100),
    item_features("a", {"heat": 0.75}, 7_200),
    item_features("c", {"gone": 1.0}, 7_300),
]


class FakeFeatureStore:
    """Keeps what is written, and fails or refuses where it is told to."""

    def __init__(self) -> None:
        self.users: list[pb.ImportedUser] = []
        self.items: list[pb.WriteItemFeaturesRequest] = []
        self.fails_after = 1_000

    async def import_users(self, request: pb.ImportUsersRequest, context: Any) -> pb.ImportUsersResponse:
        """Keeps the users until it fails."""
        if len(self.users) >= self.fails_after:
            await context.abort(grpc.StatusCode.INTERNAL, "the disk is on fire")
        self.users.extend(request.users)
        return pb.ImportUsersResponse(users=len(request.users))

    async def write(self, request: pb.WriteItemFeaturesRequest, context: Any) -> pb.WriteItemFeaturesResponse:
        """Keeps the values of features that it knows."""
        if "gone" in request.feature_names:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "feature_names[0] is the name of no item feature")
        self.items.append(request)
        return pb.WriteItemFeaturesResponse()

    async def status(self, _: pb.GetSnapshotStatusRequest, __: Any) -> pb.GetSnapshotStatusResponse:
        """Holds two snapshots."""
        return pb.GetSnapshotStatusResponse(snapshot_ids=["S2", "S1"])

    def serving(self) -> AbstractAsyncContextManager[str]:
        """Serves on a free port of loopback."""
        methods = pb.DESCRIPTOR.services_by_name["FeatureStoreService"].methods_by_name

        def add(server: grpc.aio.Server) -> None:
            add_method(methods["ImportUsers"], self.import_users, server)
            add_method(methods["WriteItemFeatures"], self.write, server)
            add_method(methods["GetSnapshotStatus"], self.status, server)

        return fake_server(add)


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """An offline store of these records."""
    backfill(OfflineStore(tmp_path / "offline"), log_of(_RECORDS))
    return tmp_path / "offline"


async def _materialize(offline: Path, target: str, *flags: str) -> Outcome:
    return await winnow_beside("features", "materialize", "--offline", str(offline), "--target", target, *flags)


def _said(user: pb.ImportedUser) -> tuple[str, dict[str, str | float], int]:
    values = {name: value.text or value.number for name, value in user.attributes.items()}
    return user.user_id, values, user.attributes_written_at_ms


def _matrix(tensor: pb.Tensor) -> list[list[float]]:
    rows: list[list[float]] = np.frombuffer(tensor.data, dtype="<f4").reshape(tuple(tensor.shape)).tolist()
    return rows


async def test_current_values_are_sent_with_the_times_at_which_they_came_to_be(offline: Path) -> None:
    """What a later write replaced is not sent, nor what came late; features go to the newest snapshot."""
    store = FakeFeatureStore()
    async with store.serving() as target:
        outcome = await _materialize(offline, target, "--json")
    assert [_said(user) for user in store.users] == [
        ("u1", {"age": 30.0}, 5_000),
        ("u1", {"region": "south"}, 6_000),
        ("u2", {"age": 40.0}, 1),  # 0 would mean now
    ]
    written = [
        (item_id, dict(zip(request.feature_names, values, strict=True)), at)
        for request in store.items
        for item_id, values, at in zip(request.item_ids, _matrix(request.values), request.written_at_ms, strict=True)
    ]
    assert written == [
        ("a", {"price": 1.0}, 7_000),
        ("b", {"heat": 0.25, "price": 2.0}, 7_100),
        ("a", {"heat": 0.75}, 7_200),
    ]
    assert {request.snapshot_id for request in store.items} == {"S2"}
    assert json.loads(outcome.stdout) == {"users": 3, "items": 3, "refused": 1}
    assert "1 writes refused: gone: feature_names[0] is the name of no item feature" in outcome.stderr


async def test_a_second_run_sends_what_is_new_to_that_target(offline: Path) -> None:
    """Another target gets everything; and --since asks for it again."""
    first, second = FakeFeatureStore(), FakeFeatureStore()
    async with first.serving() as target, second.serving() as other:
        await _materialize(offline, target)
        first.users.clear()
        backfill(OfflineStore(offline), log_of([*_RECORDS, attributes("u3", {"age": 1.0}, 9_000)]))
        await _materialize(offline, target)
        await _materialize(offline, other)
        assert [user.user_id for user in first.users] == ["u3"]
        assert len(second.users) == 4
        first.users.clear()
        await _materialize(offline, target, "--since", "1970-01-01T00:00:05.5Z")
    assert [user.user_id for user in first.users] == ["u1", "u3"]


async def test_a_run_that_failed_is_gone_on_with(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged is not sent again, and nothing is left out."""
    monkeypatch.setattr(requests, "MAX_USERS", 1)
    store = FakeFeatureStore()
    store.fails_after = 2
    async with store.serving() as target:
        failed = await _materialize(offline, target)
        store.fails_after = 1_000
        await _materialize(offline, target)
    assert failed.exit_code == 1
    assert "the disk is on fire" in failed.stderr
    assert [_said(user)[2] for user in store.users] == [5_000, 6_000, 1]
    assert len(store.items) == 3


async def test_a_store_that_cannot_be_reached_is_named(offline: Path) -> None:
    """One sentence, and the advice to run it again."""
    outcome = await _materialize(offline, "127.0.0.1:1")
    assert (outcome.exit_code, "cannot be reached" in outcome.stderr) == (1, True)


async def test_a_moment_that_is_none_is_a_wrong_call(offline: Path) -> None:
    """Status 2, before anything is sent."""
    outcome = await _materialize(offline, "127.0.0.1:1", "--since", "yesterday")
    assert (outcome.exit_code, "'yesterday' is neither" in outcome.stderr) == (2, True)
