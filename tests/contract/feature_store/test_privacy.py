"""What people may ask for: to be told what is remembered, to be forgotten, and not to be named on disk."""

import json
from collections import Counter
from pathlib import Path

import grpc
import msgspec
import pytest

from services.feature_store.redis_store.collector import Collector
from services.feature_store.redis_store.connection import connected_now
from services.feature_store.store_folder import StoreRefused
from shared.event_log import EventLog, read_log
from shared.event_log.records import ItemRecord
from shared.status import error_info
from shared.user_ids import UserIds
from tests.contract.feature_store.calls import attributes, event, histories, item, record, users, write
from tests.contract.feature_store.serving import Serving, serving
from tests.snapshot_factory import VIEWS, build_snapshot
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

KEY = "a key of at least sixteen bytes"
MARK = "zq7forget"
ANN = f"ann-{MARK}"


async def tell(store: Serving, user_id: str = ANN, name: str = "gender") -> None:
    """Names a user in every request that may name one."""
    await store.stub.RecordEvents(record(event("1", item(1), user_id=user_id)))
    await store.stub.IngestEvents(iter([pb.IngestEventsRequest(events=[event("2", item(2), user_id=user_id)])]))
    imported = pb.ImportedUser(
        user_id=user_id, attributes=attributes({name: "F"}), item_ids=[item(3)], occurred_at_ms=[0]
    )
    await store.stub.ImportUsers(pb.ImportUsersRequest(users=[imported]))
    shown = pb.Exposure(
        request_id="r-1",
        user_id=user_id,
        snapshot_id="s",
        item_ids=[item(4)],
        scores=[1],
        propensities=[1],
        found_by=[0],
    )
    await store.stub.LogExposures(pb.LogExposuresRequest(exposures=[shown]))


async def export(store: Serving, user_id: str = ANN) -> list[tuple[str, dict[str, object]]]:
    """Everything that is remembered of a user."""
    told = store.stub.ExportUser(pb.ExportUserRequest(user_id=user_id))
    return [(each.place, json.loads(each.record)) async for each in told]


def without_counters(told: list[tuple[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
    """The same but for the counters."""
    return [(place, record) for place, record in told if place != "counters"]


def files_with(folder: Path, mark: str) -> list[Path]:
    """The files of a folder and below that have the mark in them."""
    return [path for path in folder.rglob("*") if path.is_file() and mark.encode() in path.read_bytes()]


async def test_a_forgotten_user_is_nobody_and_others_are_answered_as_before(tmp_path: Path, snapshots: Path) -> None:
    """The receipt has every place; a byte scan of the store finds nothing; answers about others are the same bytes."""
    asked = users("bob", "zoe")
    async with serving(tmp_path / "store", snapshots) as store:
        for user_id in (ANN, "bob", "zoe"):
            await tell(store, user_id)
        before, bob = (await store.stub.GetUsers(asked)).SerializeToString(), await export(store, "bob")
        receipt = await store.stub.ForgetUser(pb.ForgetUserRequest(user_id=ANN))
        assert {each.place: each.records for each in receipt.erasures} == {
            "attributes": 1,
            "history": 3,
            "seen": 3,
            "counters": 1,
            "event_ids": 2,
            "log_events": 3,
            "log_exposures": 1,
            "log_attributes": 1,
        }
        assert receipt.erased_at_ms > 0
        assert files_with(tmp_path, MARK) == []
        assert histories(await store.stub.GetUsers(users(ANN))) == [[]]
        assert await export(store) == []
        assert (await store.stub.GetUsers(asked)).SerializeToString() == before
        # Counters fade with the time that passes.
        assert without_counters(await export(store, "bob")) == without_counters(bob)


async def test_an_export_tells_what_is_stored_and_what_was_logged(store: Serving) -> None:
    """Each record with its place, the log's oldest first."""
    await tell(store)
    told = await export(store)
    places = ["attributes", "history", "seen", "counters", "log_events", "log_attributes", "log_exposures"]
    assert list(dict.fromkeys(place for place, _ in told)) == places
    assert Counter(place for place, _ in told)["log_events"] == 3
    [shown] = [record for place, record in told if place == "log_exposures"]
    assert (shown["request_id"], shown["item_ids"]) == ("r-1", [item(4)])


@pytest.mark.parametrize("user_id", ["", "x" * 257])
async def test_a_user_must_be_named(store: Serving, user_id: str) -> None:
    """By an id within the contract's limits."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await store.stub.ForgetUser(pb.ForgetUserRequest(user_id=user_id))
    errors = [refused.value]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await export(store, user_id)
    errors.append(refused.value)
    for error in errors:
        detail = error_info(error)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert detail is not None
        assert detail.metadata["field"] == "user_id"


async def test_with_a_key_no_id_is_on_disk(tmp_path: Path, snapshots: Path) -> None:
    """Whatever request named the user, the answers are as without: by id they are found, exported and forgotten."""
    async with serving(tmp_path / "store", snapshots, user_id_key=KEY) as store:
        await tell(store)
        assert sorted(histories(await store.stub.GetUsers(users(ANN)))[0]) == [1, 2, 3]
        told = await export(store)
        logged = {record["user_id"] for place, record in told if place.startswith("log_")}
        assert logged == {UserIds(KEY).stored(ANN)}
        assert files_with(tmp_path, MARK) == []
        receipt = await store.stub.ForgetUser(pb.ForgetUserRequest(user_id=ANN))
        assert {each.place: each.records for each in receipt.erasures}["log_events"] == 3
        assert files_with(tmp_path, UserIds(KEY).stored(ANN)) == []


@pytest.mark.parametrize(
    ("first", "then", "problem"),
    [
        (None, KEY, "stored as they come, and a key was given"),
        (KEY, None, "hashed with a key, and none was given"),
        (KEY, KEY + "!", "hashed with another key"),
    ],
)
async def test_a_store_keeps_the_key_it_began_with(
    tmp_path: Path, snapshots: Path, first: str | None, then: str | None, problem: str
) -> None:
    """With another one every user would be unknown, and nobody could be forgotten any more."""
    async with serving(tmp_path / "store", snapshots, user_id_key=first):
        pass
    with pytest.raises(StoreRefused, match=problem):
        async with serving(tmp_path / "store", snapshots, user_id_key=then):
            pass
    async with serving(tmp_path / "store", snapshots, user_id_key=first):
        pass


async def test_the_key_may_be_in_a_file(tmp_path: Path, snapshots: Path) -> None:
    """It is the same key, and neither is told by the settings' representation."""
    (tmp_path / "key").write_text(KEY + "\n")
    async with serving(tmp_path / "store", snapshots, user_id_key=KEY):
        pass
    async with serving(tmp_path / "store", snapshots, user_id_key_file=tmp_path / "key") as store:
        assert histories(await store.stub.GetUsers(users(ANN))) == [[]]


async def test_what_is_never_logged_is_stored_and_in_no_log(tmp_path: Path, store_settings: dict[str, str]) -> None:
    """A view says so, and what a user is reaches the answers and the export, and neither the log nor what is made of it."""
    secret = tuple(msgspec.structs.replace(view, sensitivity="never_logged") for view in VIEWS)
    build_snapshot(tmp_path / "snapshots", views=secret)
    async with serving(tmp_path / "store", tmp_path / "snapshots", **store_settings) as store:
        told = [
            pb.ImportedUser(user_id="u", attributes=attributes({"gender": "F", "city": "Graz"})),
            pb.ImportedUser(user_id="v", attributes=attributes({"gender": "M"})),
        ]
        await store.stub.ImportUsers(pb.ImportUsersRequest(users=told))
        exported = await export(store, "u") + await export(store, "v")
    stored = [(record["name"], record["value"]) for place, record in exported if place == "attributes"]
    assert sorted(stored) == [("city", "Graz"), ("gender", "F"), ("gender", "M")]
    assert [record["values"] for place, record in exported if place == "log_attributes"] == [{"city": "Graz"}]


async def test_what_is_never_logged_of_items_is_stored_and_in_no_log(
    tmp_path: Path, store_settings: dict[str, str]
) -> None:
    """Neither of one that is upserted nor of features that are written; whoever asks the store is told."""
    secret = tuple(msgspec.structs.replace(view, sensitivity="never_logged") for view in VIEWS)
    build_snapshot(tmp_path / "snapshots", views=secret)
    async with serving(tmp_path / "store", tmp_path / "snapshots", **store_settings) as store:
        await store.stub.WriteItemFeatures(write([[2.0]]))
        upserted = pb.Item(item_id="new", title="t", attributes=attributes({"length": 3.0, "shelf": "new"}))
        await store.stub.UpsertItems(pb.UpsertItemsRequest(items=[upserted]))
        listed = await store.stub.ListItemChanges(pb.ListItemChangesRequest())
    assert listed.changes[0].item.attributes["length"].number == 3.0
    folder = tmp_path / "store" / "log"
    if url := store_settings.get("url"):
        with EventLog(folder) as log, connected_now(url) as client:
            Collector(client, log).collect()
    (logged,) = [record for _, record in read_log(folder)]
    assert isinstance(logged, ItemRecord)
    assert logged.attributes == {"shelf": "new"}
