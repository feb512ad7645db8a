"""Times to live: what has outlived its own is not served, and the answer says so where it is asked."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from shared.features import UserFeatureTransform
from shared.snapshot.manifest import FeatureSchema
from tests.contract.feature_store.calls import array, attributes, item, items, users, write
from tests.contract.feature_store.serving import Serving, serving
from tests.snapshot_factory import build_snapshot
from tests.snapshot_weights import ITEM_FEATURES, USER_FIELDS, Weights
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

HOUR = 3_600
MATRIX = Weights.draw(200, seed=0).item_features
TRANSFORM = UserFeatureTransform(USER_FIELDS)
PRESENT, DEFAULT, EXPIRED = 1, 2, 3

#: Gender holds for an hour and is then taken for F; age holds for ever.
FIELDS = tuple(
    msgspec.structs.replace(field, ttl_seconds=HOUR, default="F") if field.name == "gender" else field
    for field in USER_FIELDS
)
#: The first item feature holds for an hour, the others for ever.
SCHEMA = FeatureSchema(FIELDS, ITEM_FEATURES, (HOUR, *[0.0] * (len(ITEM_FEATURES) - 1)))


def ago(seconds: float) -> int:
    """Returns a time so long ago, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000 - round(seconds * 1_000)


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Serving]:
    """A feature store with a snapshot whose values do not all hold for ever."""
    build_snapshot(tmp_path / "snapshots", schema=SCHEMA)
    async with serving(tmp_path / "store", tmp_path / "snapshots") as running:
        yield running


def asking(request: pb.GetUsersRequest) -> pb.GetUsersRequest:
    """Returns the request with states asked for."""
    request.include_states = True
    return request


async def test_an_attribute_is_not_served_longer_than_it_holds(mortal: Serving) -> None:
    """Its default is; and the answer says of each field whence it is, and how old."""
    for user_id, seconds in (("new", 60), ("old", 2 * HOUR)):
        imported = pb.ImportedUser(
            user_id=user_id,
            attributes=attributes({"gender": "M", "age": 47.0}),
            attributes_written_at_ms=ago(seconds),
        )
        await mortal.stub.ImportUsers(pb.ImportUsersRequest(users=[imported]))
    answer = await mortal.stub.GetUsers(asking(users("new", "old", "stranger")))
    expected: list[dict[str, str | float]] = [
        {"gender": "M", "age": 47.0},
        {"gender": "F", "age": 47.0},
        {"gender": "F"},
    ]
    assert np.array_equal(array(answer.features), [TRANSFORM(values) for values in expected])
    assert array(answer.field_states).tolist() == [[PRESENT, PRESENT], [EXPIRED, PRESENT], [DEFAULT, DEFAULT]]
    ages = array(answer.field_ages)
    assert np.abs(ages - [[60, 60], [2 * HOUR] * 2, [0, 0]]).max() <= 5
    present = [attributes({"gender": "M", "age": 47.0}), attributes({"age": 47.0}), {}]
    assert [dict(user.values) for user in answer.values] == present


async def test_a_late_attribute_never_replaces_a_newer_one(mortal: Serving) -> None:
    """Whichever comes first."""
    for seconds, gender in ((10, "M"), (20, "F")):
        imported = pb.ImportedUser(
            user_id="u", attributes=attributes({"gender": gender}), attributes_written_at_ms=ago(seconds)
        )
        await mortal.stub.ImportUsers(pb.ImportUsersRequest(users=[imported]))
    answer = await mortal.stub.GetUsers(users("u"))
    assert np.array_equal(array(answer.features), [TRANSFORM({"gender": "M"})])


async def test_states_are_not_sent_unless_asked_for(mortal: Serving) -> None:
    """They cost, and nobody looks."""
    answer = await mortal.stub.GetUsers(users("u"))
    assert not answer.HasField("field_states")
    assert not (await mortal.stub.GetItems(items([1]))).HasField("states")


async def test_a_written_item_feature_is_not_served_longer_than_it_holds(mortal: Serving) -> None:
    """The snapshot's own comes back; also after a restart, and the answer says so."""
    names = ITEM_FEATURES[:2]
    await mortal.stub.WriteItemFeatures(write([[7, 8]], [item(3)], names, at_ms=ago(60)))
    await mortal.stub.WriteItemFeatures(write([[7, 8]], [item(4)], names, at_ms=ago(2 * HOUR)))
    request = items([3, 4, 5])
    request.include_states = True
    answer = await mortal.stub.GetItems(request)
    expected = MATRIX[[3, 4, 5]]
    expected[0, :2], expected[1, 1] = (7, 8), 8
    assert np.array_equal(array(answer.features), expected)
    states, ages = array(answer.states), array(answer.ages)
    assert states[:, :2].tolist() == [[PRESENT, PRESENT], [EXPIRED, PRESENT], [DEFAULT, DEFAULT]]
    assert (states[:, 2:] == DEFAULT).all()
    assert np.abs(ages[:, :2].astype(int) - [[60, 60], [2 * HOUR] * 2, [0, 0]]).max() <= 5


async def test_a_snapshot_that_loads_serves_no_value_that_is_too_old(tmp_path: Path) -> None:
    """Times to live are the snapshot's own: the one before may serve for ever what this one does not."""
    root = tmp_path / "snapshots"
    build_snapshot(root)
    async with serving(tmp_path / "store", root) as store:
        await store.stub.WriteItemFeatures(write([[7]], [item(4)], ITEM_FEATURES[:1], at_ms=ago(2 * HOUR)))
        build_snapshot(root, "snapshot-2", schema=SCHEMA)
        await store.follower.poll()
        for name, value in (("snapshot-1", 7.0), ("snapshot-2", MATRIX[4, 0])):
            answer = await store.stub.GetItems(items([4], snapshot_id=name))
            assert array(answer.features)[0, 0] == value
