"""WriteItemFeatures: on disk, then served, on top of every snapshot that is older."""

import asyncio
import random
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.contract.feature_store.calls import CREATED_MS, array, item, items, users, write
from tests.contract.feature_store.serving import Serving, serving
from tests.in_process import assert_refused
from tests.snapshot_factory import build_snapshot
from tests.snapshot_weights import ITEM_FEATURES, Weights
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

MATRIX = Weights.draw(200, seed=0).item_features
ALL = range(200)


async def matrix(store: Serving, snapshot_id: str = "snapshot-1") -> NDArray[np.float32]:
    """Returns what is served of every item."""
    rows = len(store.follower.get(snapshot_id).row_of)
    answer = await store.stub.GetItems(items(range(rows), snapshot_id=snapshot_id))
    return np.array(array(answer.features))


def changed(*cells: tuple[int, str, float], of: NDArray[np.float32] = MATRIX) -> NDArray[np.float32]:
    """Returns a snapshot's matrix with some values replaced."""
    expected = of.copy()
    for row, name, value in cells:
        expected[row, ITEM_FEATURES.index(name)] = value
    return expected


async def test_the_next_read_sees_what_was_written(store: Serving) -> None:
    """Row by row and feature by feature, in whatever order the request has them, and nothing else changes."""
    answer = await store.stub.WriteItemFeatures(write([[1, 2], [3, 4]], [item(7), item(0)], ["length", "popularity"]))
    assert answer == pb.WriteItemFeaturesResponse(written=4, superseded=0, served=4)
    expected = changed((7, "length", 1), (7, "popularity", 2), (0, "length", 3), (0, "popularity", 4))
    assert np.array_equal(await matrix(store), expected)


async def test_who_has_the_snapshot_can_ask_for_what_was_written_alone(store: Serving) -> None:
    """All features of each such item, at its places in the request; a caller of GetUsers is told whether there are any."""
    request = items([9, 7, 0, 7])
    request.written_only = True
    nothing = await store.stub.GetItems(request)
    assert array(nothing.places).tolist() == []
    assert array(nothing.features).shape == (0, len(ITEM_FEATURES))
    assert (await store.stub.GetUsers(users("u"))).items_as_trained
    await store.stub.WriteItemFeatures(write([[1], [2]], [item(7), item(5)], ["length"]))
    answer = await store.stub.GetItems(request)
    assert array(answer.places).tolist() == [1, 3]
    assert np.array_equal(array(answer.features), changed((7, "length", 1))[[7, 7]])
    assert not (await store.stub.GetUsers(users("u"))).items_as_trained


async def test_the_states_of_what_was_written_alone_are_its_own(store: Serving) -> None:
    """One line for each item that is answered for."""
    await store.stub.WriteItemFeatures(write([[1]], [item(7)], ["length"]))
    request = items([9, 7])
    request.written_only = request.include_states = True
    answer = await store.stub.GetItems(request)
    assert array(answer.states).tolist() == [[1 if name == "length" else 2 for name in ITEM_FEATURES]]
    assert array(answer.ages).shape == (1, len(ITEM_FEATURES))


async def test_a_late_write_never_overwrites_a_newer_one(store: Serving) -> None:
    """Item by item; of the same time the one that arrives later stays, so that a write can be repeated."""
    times = [CREATED_MS + 5, CREATED_MS + 1]
    first = write([[1], [1]], [item(0), item(1)], ["length"], at_ms=times)
    late = write([[2], [2]], [item(0), item(1)], ["length"], at_ms=CREATED_MS + 3)
    assert (await store.stub.WriteItemFeatures(first)).written == 2
    assert await store.stub.WriteItemFeatures(late) == pb.WriteItemFeaturesResponse(written=1, superseded=1, served=1)
    assert np.array_equal(await matrix(store), changed((0, "length", 1), (1, "length", 2)))
    assert await store.stub.WriteItemFeatures(late) == pb.WriteItemFeaturesResponse(written=1, superseded=1, served=1)


async def test_writes_that_come_at_once_leave_the_newest(store: Serving) -> None:
    """Though they share transactions, and whichever of them is stored first."""
    times = random.Random(1).sample(range(1, 101), 100)  # noqa: S311 - reproducible, not secret
    writes = (write([[time]], [item(3)], ["recency"], at_ms=CREATED_MS + time) for time in times)
    answers = await asyncio.gather(*map(store.stub.WriteItemFeatures, writes))
    assert sum(answer.written + answer.superseded for answer in answers) == 100
    assert np.array_equal(await matrix(store), changed((3, "recency", 100)))


async def test_a_later_snapshot_is_covered_where_the_write_is_newer_than_it(tmp_path: Path) -> None:
    """What it learnt itself is newer than what was written before it was made."""
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        build_snapshot(tmp_path / "snapshots")
        await store.follower.poll()
        times = [CREATED_MS + 500, CREATED_MS + 1_500]
        await store.stub.WriteItemFeatures(write([[7], [7]], [item(0), item(1)], ["length"], at_ms=times))
        build_snapshot(tmp_path / "snapshots", "snapshot-2", seed=2, created="2026-01-01T00:00:01Z")
        await store.follower.poll()
        theirs = Weights.draw(200, seed=2).item_features
        assert np.array_equal(await matrix(store), changed((0, "length", 7), (1, "length", 7)))
        assert np.array_equal(await matrix(store, "snapshot-2"), changed((1, "length", 7), of=theirs))


async def test_an_item_that_no_snapshot_has_is_kept_for_one_that_has_it(tmp_path: Path) -> None:
    """The answer says that it is not served yet."""
    async with serving(tmp_path / "store", tmp_path / "snapshots") as store:
        build_snapshot(tmp_path / "snapshots", items=20)
        await store.follower.poll()
        request = write([[7], [8]], [item(20), item(0)], ["length"], at_ms=CREATED_MS + 2_000)
        answer = await store.stub.WriteItemFeatures(request)
        assert answer == pb.WriteItemFeaturesResponse(written=2, superseded=0, served=1)
        build_snapshot(tmp_path / "snapshots", "snapshot-2", items=21, created="2026-01-01T00:00:01Z")
        await store.follower.poll()
        served = await matrix(store, "snapshot-2")
        assert served[[20, 0], ITEM_FEATURES.index("length")].tolist() == [7, 8]


async def test_a_write_no_newer_than_the_snapshot_is_kept_and_not_served(store: Serving) -> None:
    """An older snapshot, to which somebody rolls back, would serve it."""
    answer = await store.stub.WriteItemFeatures(write([[7]], [item(0)], ["length"], at_ms=CREATED_MS))
    assert answer == pb.WriteItemFeaturesResponse(written=1, superseded=0, served=0)
    assert np.array_equal(await matrix(store), MATRIX)


async def test_a_restart_serves_what_was_written(tmp_path: Path, snapshots: Path) -> None:
    """And a late write is late after it too."""
    async with serving(tmp_path, snapshots) as store:
        await store.stub.WriteItemFeatures(write([[7]], [item(0)], ["length"], at_ms=CREATED_MS + 5))
    async with serving(tmp_path, snapshots) as store:
        late = write([[8]], [item(0)], ["length"], at_ms=CREATED_MS + 4)
        assert (await store.stub.WriteItemFeatures(late)).superseded == 1
        assert np.array_equal(await matrix(store), changed((0, "length", 7)))


async def test_as_much_as_is_allowed_can_be_written(store: Serving) -> None:
    """Ten thousand items with the longest ids there are, up to five minutes ahead of time."""
    ids = [f"{number:05d}" + "x" * 251 for number in range(9_999)]
    soon = time.time_ns() // 1_000_000 + 5 * 60 * 1_000
    request = write([[1.0]] * 10_000, [*ids, item(0)], ["length"], at_ms=[*[0] * 9_999, soon])
    answer = await store.stub.WriteItemFeatures(request)
    assert (answer.written, answer.served) == (10_000, 1)


async def test_a_full_store_refuses_the_write_and_serves_what_it_served(tmp_path: Path, snapshots: Path) -> None:
    """All or nothing, in what is served too."""
    async with serving(tmp_path, snapshots, max_bytes=1 << 20) as store:
        ids = [item(0), *(f"{number:05d}" + "x" * 251 for number in range(9_999))]
        call = store.stub.WriteItemFeatures(write([[1.0]] * 10_000, ids, ["length"]))
        await assert_refused(call, grpc.StatusCode.RESOURCE_EXHAUSTED, "STORAGE_FULL")
        assert np.array_equal(await matrix(store), MATRIX)


@pytest.mark.parametrize("snapshot_id", ["snapshot-0", "nonsense"])
async def test_a_write_for_a_snapshot_that_is_not_held_is_refused(store: Serving, snapshot_id: str) -> None:
    """Nobody here knows what its features are."""
    call = store.stub.WriteItemFeatures(write([[1]], [item(0)], ["length"], snapshot_id=snapshot_id))
    await assert_refused(call, grpc.StatusCode.FAILED_PRECONDITION, "SNAPSHOT_NOT_HELD", "snapshot_id")
