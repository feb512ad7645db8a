"""Requests name their snapshot, and the two newest are answered for."""

from pathlib import Path

import grpc
import msgspec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from shared.snapshot.repository import SnapshotRepository
from tests.contract.feature_store.calls import event, histories, history_of, item, items, record, users, write
from tests.contract.feature_store.serving import SERVICE, Serving, serving
from tests.in_process import assert_refused, health_of
from tests.snapshot_factory import VIEWS, build_snapshot
from winnow.feature_store.v1 import feature_store_service_pb2 as pb


async def held(store: Serving) -> list[str]:
    """Returns the ids that the service says it holds."""
    return list((await store.stub.GetSnapshotStatus(pb.GetSnapshotStatusRequest())).snapshot_ids)


async def test_current_and_previous_snapshot_are_answered_for(tmp_path: Path) -> None:
    """Each in its own rows; the one before them no more."""
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        for number, size in enumerate((20, 30, 40), start=1):
            build_snapshot(tmp_path / "snapshots", f"snapshot-{number}", items=size)
            await store.follower.poll()
        await store.stub.RecordEvents(record(event("1", item(5)), event("2", item(35))))
        assert await held(store) == ["snapshot-3", "snapshot-2"]
        assert await history_of(store, "u", "snapshot-3") == [5, 35]
        assert await history_of(store, "u", "snapshot-2") == [5]
        for call in (
            store.stub.GetUsers(users("u", snapshot_id="snapshot-1")),
            store.stub.GetItems(items([0], snapshot_id="snapshot-1")),
        ):
            await assert_refused(call, grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id")


async def test_a_damaged_snapshot_changes_nothing(tmp_path: Path) -> None:
    """The service goes on with the one it has."""
    root = tmp_path / "snapshots"
    build_snapshot(root)
    async with serving(tmp_path / "store", root) as store:
        build_snapshot(root, "snapshot-2")
        (SnapshotRepository(root).folder("snapshot-2") / "item_features.npy").write_bytes(b"damaged")
        await store.follower.poll()
        assert await held(store) == ["snapshot-1"]
        assert histories(await store.stub.GetUsers(users("u"))) == [[]]


async def test_views_that_changed_under_their_version_change_nothing(tmp_path: Path) -> None:
    """The service goes on with the snapshot that it has, also after a restart, until the version is raised."""
    root = tmp_path / "snapshots"
    person, film = VIEWS
    other = msgspec.structs.replace(film, owner="catalogue", sensitivity="never_logged")
    build_snapshot(root, views=VIEWS)
    async with serving(tmp_path / "store", root) as store:
        build_snapshot(root, "snapshot-2", views=(person, other))
        await store.follower.poll()
        assert await held(store) == ["snapshot-1"]
    build_snapshot(root, "snapshot-3", views=(person, msgspec.structs.replace(other, version=2)))
    SnapshotRepository(root).activate("snapshot-2")
    async with serving(tmp_path / "store", root) as store:
        assert await held(store) == []
        SnapshotRepository(root).activate("snapshot-3")
        await store.follower.poll()
        assert await held(store) == ["snapshot-3"]


async def test_without_a_snapshot_the_service_is_alive_and_not_ready(tmp_path: Path) -> None:
    """Events need no snapshot; reads, and writes that name one, are told to come back."""
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        assert await health_of(store.channel, "") == health_pb2.HealthCheckResponse.SERVING
        assert await health_of(store.channel, SERVICE) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not store.follower.ready.is_set()
        assert await held(store) == []
        assert (await store.stub.RecordEvents(record(event()))).recorded == 1
        calls = (
            store.stub.GetUsers(users("u")),
            store.stub.GetItems(items([0])),
            store.stub.WriteItemFeatures(write([[1]])),
        )
        for call in calls:
            await assert_refused(call, grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_snapshot_makes_the_service_ready(tmp_path: Path) -> None:
    """Whenever it comes; those who watch are told."""
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        watch = health_pb2_grpc.HealthStub(store.channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        build_snapshot(tmp_path / "snapshots")
        await store.follower.poll()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        assert await held(store) == ["snapshot-1"]
        watch.cancel()


async def test_the_service_describes_itself(store: Serving) -> None:
    """A tool without the contract finds the service by reflection."""
    stub = reflection_pb2_grpc.ServerReflectionStub(store.channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answers = [answer async for answer in stub.ServerReflectionInfo(asked)]
    assert SERVICE in [service.name for service in answers[0].list_services_response.service]
