"""What a store in Redis promises beyond what every store does: several replicas, failures of Redis, and its log."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import redis

from services.feature_store.redis_store import keys
from services.feature_store.redis_store.collector import Collector
from services.feature_store.redis_store.connection import connected_now
from services.feature_store.store_folder import StoreRefused
from shared.event_log import EventLog, read_log
from shared.event_log.records import EventRecord, ExposureRecord, ItemFeaturesRecord, Record
from tests.contract.feature_store.calls import CREATED_MS, array, event, history_of, item, items, record, write
from tests.contract.feature_store.serving import Serving, serving
from tests.redis_servers import emptied, running_redis, started_again
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

SLOTS = 16_384


@pytest.fixture(params=["redis", "redis_cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty Redis, alone and as a cluster."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    emptied(found)
    return found


@asynccontextmanager
async def replicas(url: str, snapshots: Path, folder: Path) -> AsyncIterator[tuple[Serving, Serving]]:
    """Runs two feature stores over one Redis."""
    async with serving(folder, snapshots, url=url) as first, serving(folder, snapshots, url=url) as second:
        yield first, second


def collected(url: str, folder: Path) -> list[Record]:
    """Returns what the collector brings."""
    with EventLog(folder) as log, connected_now(url) as client:
        Collector(client, log).collect()
    return [one for _, one in read_log(folder)]


async def test_what_one_replica_records_the_other_reads(url: str, snapshots: Path, tmp_path: Path) -> None:
    """At once, and an event that is sent to both counts once."""
    async with replicas(url, snapshots, tmp_path) as (first, second):
        await first.stub.RecordEvents(record(event("1", item(7), occurred_at_ms=10)))

        assert await history_of(second, "u") == [7]
        again = await second.stub.RecordEvents(record(event("1", item(7)), event("2", item(3), occurred_at_ms=5)))
        assert (again.recorded, again.duplicates) == (1, 1)
        assert await history_of(first, "u") == [3, 7]


async def test_replicas_that_write_the_same_user_at_once_lose_nothing(
    url: str, snapshots: Path, tmp_path: Path
) -> None:
    """Each event once, wherever it went, and as often in the log; a repeated one counts once."""
    async with replicas(url, snapshots, tmp_path) as both:
        calls = [
            both[number % 2].stub.RecordEvents(
                record(event(str(number // 3), item(number // 3), occurred_at_ms=number))
            )
            for number in range(120)
        ]
        answers = await asyncio.gather(*calls)

        assert sum(answer.recorded for answer in answers) == 40
        assert sorted(await history_of(both[0], "u")) == list(range(40))
    log = Counter(one.event_id for one in collected(url, tmp_path / "log") if isinstance(one, EventRecord))
    assert log == {str(number): 1 for number in range(40)}


async def test_replicas_follow_each_others_item_features(url: str, snapshots: Path, tmp_path: Path) -> None:
    """Within the stated bound; of one item the value written last by its own time stays, whoever wrote it."""
    async with replicas(url, snapshots, tmp_path) as (first, second):
        following = asyncio.create_task(second.background[-1]())
        await second.stub.WriteItemFeatures(write([[5.0]], [item(1)], at_ms=CREATED_MS + 5))
        await first.stub.WriteItemFeatures(write([[2.0], [3.0]], [item(0), item(1)], at_ms=CREATED_MS + 2))
        async with asyncio.timeout(5):
            while True:
                seen = array((await second.stub.GetItems(items([0, 1]))).features)
                if 2.0 in seen[0]:
                    break
        own = array((await first.stub.GetItems(items([0, 1]))).features)
        following.cancel()
    assert np.array_equal(seen, own)
    assert 5.0 in own[1]


async def test_a_replica_that_was_away_for_long_reads_all_items_again(
    url: str, snapshots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream keeps the last writes alone; who missed some of the rest must not miss their values."""
    monkeypatch.setattr("services.feature_store.redis_store.items.KEPT_WRITES", 1)
    async with replicas(url, snapshots, tmp_path) as (first, second):
        for number in range(300):  # the stream is shortened by whole nodes of a hundred
            await first.stub.WriteItemFeatures(write([[float(number)]], [item(number % 3)], at_ms=CREATED_MS + number))
        await second.stub.WriteItemFeatures(write([[-1.0]], [item(9)]))

        seen = array((await second.stub.GetItems(items(range(10)))).features)
        own = array((await first.stub.GetItems(items(range(3)))).features)
    assert np.array_equal(seen[:3], own)


async def test_all_keys_of_a_user_are_in_one_slot(snapshots: Path, tmp_path: Path, redis_cluster_url: str) -> None:
    """With the log of the user's records, so that one script can change them all; users are spread over the nodes."""
    emptied(redis_cluster_url)
    async with serving(tmp_path, snapshots, url=redis_cluster_url) as store:
        for number in range(60):
            await store.stub.RecordEvents(record(event("1", user_id=f"user-{number}")))
    with redis.RedisCluster.from_url(redis_cluster_url) as client:
        for number in range(60):
            user_id = f"user-{number}"
            where = (keys.user(user_id), keys.event_ids(user_id, 1), keys.log(keys.bucket_of(user_id)))
            assert len({client.keyslot(key) for key in where}) == 1
        sizes = [client.dbsize(target_nodes=node) for node in client.get_primaries()]
    assert all(size > 10 for size in sizes), sizes


async def test_scripts_that_a_node_forgot_are_sent_again(url: str, snapshots: Path, tmp_path: Path) -> None:
    """As after a restart of Redis, or on a node that took over."""
    async with serving(tmp_path, snapshots, url=url) as store:
        await store.stub.RecordEvents(record(event("1", item(1))))
        with redis.Redis.from_url(url) as client:
            if client.info("cluster")["cluster_enabled"]:
                with redis.RedisCluster.from_url(url) as cluster:
                    cluster.script_flush()
            else:
                client.script_flush()

        await store.stub.RecordEvents(record(event("2", item(2), occurred_at_ms=1)))
        assert await history_of(store, "u") == [1, 2]


async def test_without_redis_calls_are_unavailable_and_with_it_all_is_there_again(
    snapshots: Path, tmp_path: Path
) -> None:
    """Killed where it was: what was acknowledged is on its disk, and the service goes on by itself."""
    with running_redis(tmp_path / "redis") as server:
        async with serving(tmp_path / "store", snapshots, url=server.url) as store:
            await store.stub.RecordEvents(record(event("1", item(1))))
            server.process.kill()
            server.process.wait()
            for call in (store.stub.RecordEvents(record(event("2"))), history_of(store, "u")):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call
                assert caught.value.code() == grpc.StatusCode.UNAVAILABLE

            with started_again(server):
                async with asyncio.timeout(20):
                    while (history := await history_or_none(store)) is None:
                        pass
                assert history == [1]
                answer = await store.stub.RecordEvents(record(event("1", item(1)), event("2", item(2))))
                assert (answer.recorded, answer.duplicates) == (1, 1)


async def history_or_none(store: Serving) -> list[int] | None:
    """Returns the history of the user, None while the store cannot be reached."""
    try:
        return await history_of(store, "u")
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise
        return None


async def test_redis_that_acknowledges_before_the_disk_is_refused(snapshots: Path, tmp_path: Path) -> None:
    """Unless the operator says that the end of the process is all that has to be survived."""
    with running_redis(tmp_path / "redis", "--appendfsync", "everysec") as server:
        with pytest.raises(StoreRefused, match="appendfsync always"):
            async with serving(tmp_path / "store", snapshots, url=server.url):
                pass
        async with serving(tmp_path / "store", snapshots, url=server.url, durability="process") as store:
            await store.stub.RecordEvents(record(event("1", item(1))))


async def test_redis_that_is_not_there_is_refused_without_its_password(snapshots: Path, tmp_path: Path) -> None:
    """The message goes to a log."""
    with pytest.raises(StoreRefused, match="cannot be reached") as caught:
        async with serving(tmp_path, snapshots, url="redis://me:secret@127.0.0.1:1"):
            pass
    assert "secret" not in str(caught.value)


async def test_the_collector_brings_each_record_once(url: str, snapshots: Path, tmp_path: Path) -> None:
    """Whatever was written by any replica, also when it was stopped between the log and its checkpoint."""
    async with replicas(url, snapshots, tmp_path) as (first, second):
        await first.stub.RecordEvents(record(event("1", item(1)), event("1", item(1), user_id="v")))
        folder = tmp_path / "log"
        assert len(collected(url, folder)) == 2
        checkpoint = (folder / "collected.json").read_bytes()

        await second.stub.RecordEvents(record(event("2", item(2))))
        await second.stub.WriteItemFeatures(write([[1.0]]))
        shown = pb.Exposure(
            request_id="r", user_id="u", snapshot_id="s", item_ids=["a"], scores=[1], propensities=[1], found_by=[0]
        )
        await first.stub.LogExposures(pb.LogExposuresRequest(exposures=[shown]))
        entries = _stream_entries(url)
        collected(url, folder)
        # As if it had been killed before the checkpoint, when Redis still had the records.
        (folder / "collected.json").write_bytes(checkpoint)
        _put_back(url, entries)

        kinds = Counter(type(one) for one in collected(url, folder))
    assert kinds == {EventRecord: 3, ItemFeaturesRecord: 1, ExposureRecord: 1}
    assert not any(_stream_entries(url).values()), "Redis let go of what was collected"


async def test_a_user_who_is_forgotten_is_in_no_file_of_redis_and_in_no_collected_log(
    snapshots: Path, tmp_path: Path
) -> None:
    """Redis writes its append-only file anew, and the collector erases what it took before."""
    marker = "somebody-to-be-forgotten"
    with running_redis(tmp_path / "redis") as server:
        async with serving(tmp_path / "store", snapshots, url=server.url) as store:
            await store.stub.RecordEvents(record(event("1", item(1), user_id=marker), event("1", item(2), user_id="v")))
            collected(server.url, tmp_path / "log")
            await store.stub.RecordEvents(record(event("2", item(3), user_id=marker)))
            assert holding(tmp_path, marker), "or nothing is tested here"

            receipt = await store.stub.ForgetUser(pb.ForgetUserRequest(user_id=marker))
            log = collected(server.url, tmp_path / "log")

            assert {one.place: one.records for one in receipt.erasures}["history"] == 2
            assert [one.user_id for one in log if isinstance(one, EventRecord)] == ["v"]
            assert await history_of(store, "v") == [2]
            # The note for the collector is let go of with the rest of the stream, and the file is written anew once more.
            await store.stub.ForgetUser(pb.ForgetUserRequest(user_id="nobody"))
    assert not holding(tmp_path, marker)


def holding(folder: Path, marker: str) -> list[Path]:
    """Returns the files that have the marker's bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()]


async def test_replicas_follow_each_others_items(url: str, snapshots: Path, tmp_path: Path) -> None:
    """An item that one took is listed by the other, under one version and number for both."""
    async with replicas(url, snapshots, tmp_path) as (first, second):
        following = asyncio.create_task(second.background[-1]())
        await first.stub.UpsertItems(pb.UpsertItemsRequest(items=[pb.Item(item_id="new", title="New")]))
        async with asyncio.timeout(5):
            while not (listed := (await second.stub.ListItemChanges(pb.ListItemChangesRequest())).changes):
                pass
        await second.stub.UpsertItems(pb.UpsertItemsRequest(items=[pb.Item(item_id="other", title="Other")]))
        own = (await second.stub.ListItemChanges(pb.ListItemChangesRequest())).changes
        following.cancel()
    assert [one.item.item_id for one in listed] == ["new"]
    assert [(one.version, one.number, one.item.title) for one in own] == [(1, 0, "New"), (2, 1, "Other")]


async def test_another_user_id_key_is_refused(snapshots: Path, tmp_path: Path, redis_url: str) -> None:
    """Users would come to be unknown, one by one, and nobody would know why."""
    emptied(redis_url)
    async with serving(tmp_path, snapshots, url=redis_url, user_id_key="a key of sixteen bytes"):
        pass
    with pytest.raises(StoreRefused, match="another key"):
        async with serving(tmp_path, snapshots, url=redis_url, user_id_key="another of sixteen bytes"):
            pass


def _client(url: str) -> Any:
    with redis.Redis.from_url(url) as probe:
        clustered = bool(probe.info("cluster")["cluster_enabled"])
    return redis.RedisCluster.from_url(url) if clustered else redis.Redis.from_url(url)


def _stream_entries(url: str) -> dict[str, list[tuple[bytes, dict[bytes, bytes]]]]:
    client = _client(url)
    return {name: client.xrange(name) for name in keys.all_logs()}


def _put_back(url: str, entries: dict[str, list[tuple[bytes, dict[bytes, bytes]]]]) -> None:
    client = _client(url)
    for name, some in entries.items():
        client.delete(name)  # a stream takes no entry that is older than its last
        for entry, fields in some:
            client.xadd(name, fields, id=entry)
