"""A data set's users on their way to the feature store."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli import user_import
from services.training.datasets import Dataset, Interactions, Item, User, write_dataset
from shared.events import EventType
from tests.fake_server import add_method, fake_server
from tests.unit.cli.invocation import winnow, winnow_beside
from winnow.feature_store.v1 import feature_store_service_pb2 as pb


class FakeFeatureStore:
    """Keeps what is imported."""

    def __init__(self) -> None:
        self.users: list[pb.ImportedUser] = []
        self.refuses = False

    async def import_users(self, request: pb.ImportUsersRequest, context: Any) -> pb.ImportUsersResponse:
        """Keeps the users, or refuses the batch."""
        if self.refuses:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "users[0].user_id has 300 bytes")
        self.users.extend(request.users)
        recorded = sum(len(user.item_ids) for user in request.users)
        return pb.ImportUsersResponse(users=len(request.users), recorded=recorded)


def serving(store: FakeFeatureStore) -> AbstractAsyncContextManager[str]:
    """Serves the store on a free port of loopback."""
    method = pb.DESCRIPTOR.services_by_name["FeatureStoreService"].methods_by_name["ImportUsers"]
    return fake_server(partial(add_method, method, store.import_users))


def dataset_of(*histories: list[int], viewed: bool = True) -> Dataset:
    """A data set in which user u has the events of `histories[u]`, a minute apart."""
    pairs = [(user, item) for user, history in enumerate(histories) for item in history]
    return Dataset.build(
        name="d",
        items=[Item(f"i{row}", f"Item {row}", (), "", {}) for row in range(10)],
        users=[User(f"u{row}", {"age": 20.0 + row, "region": "north"}) for row in range(len(histories))],
        interactions=Interactions.build(
            users=[user for user, _ in pairs], items=[item for _, item in pairs], viewed=[viewed] * len(pairs)
        ),
    )


def test_a_user_comes_with_attributes_and_events_in_order() -> None:
    """Ids, times and types; what was waved away is said to be disliked."""
    first, second = user_import.imported_users(dataset_of([3, 1], [2], viewed=False))
    assert (first.user_id, list(first.item_ids)) == ("u0", ["i3", "i1"])
    assert first.occurred_at_ms[0] < first.occurred_at_ms[1]
    assert list(first.types) == [pb.EVENT_TYPE_DISLIKE]  # for all
    assert first.attributes["age"] == pb.AttributeValue(number=20)
    assert second.attributes["region"] == pb.AttributeValue(text="north")


def test_events_come_with_what_happened_and_attributes_with_their_time() -> None:
    """So that counts and ages are in the store what they were in training; without a time it is now."""
    items = [Item(f"i{row}", "", (), "", {}) for row in range(2)]
    kinds = [EventType.VIEW, EventType.PURCHASE, EventType.LIKE, EventType.LIKE]
    events = Interactions.build(users=[0, 0, 1, 1], items=[0, 1, 0, 1], types=kinds)
    users = [User("u0", {"age": 3.0}, 1_700_000_000_000), User("u1", {"age": 3.0})]

    first, second = user_import.imported_users(Dataset.build(name="d", items=items, users=users, interactions=events))

    assert list(first.types) == [pb.EVENT_TYPE_VIEW, pb.EVENT_TYPE_PURCHASE]
    assert list(second.types) == [pb.EVENT_TYPE_LIKE]  # for all
    assert [user.attributes_written_at_ms for user in (first, second)] == [1_700_000_000_000, 0]


def test_the_newest_events_can_be_left_out() -> None:
    """A user with no more events than that keeps them, as in the split by which models are judged."""
    users = list(user_import.imported_users(dataset_of([3, 1, 4], [2]), skip_last=1))
    assert [list(user.item_ids) for user in users] == [["i3", "i1"], ["i2"]]


def test_a_user_without_events_is_imported_for_the_attributes() -> None:
    """They are known, though they did nothing yet."""
    users = list(user_import.imported_users(dataset_of([], [2])))
    assert [(user.user_id, len(user.item_ids), len(user.attributes)) for user in users] == [("u0", 0, 2), ("u1", 1, 2)]


def test_a_user_with_more_events_than_a_message_holds_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oldest first, none lost, none twice."""
    monkeypatch.setattr(user_import, "MAX_EVENTS_OF_USER", 2)
    users = list(user_import.imported_users(dataset_of([1, 2, 3, 4, 5], [6])))
    assert [list(user.item_ids) for user in users] == [["i1", "i2"], ["i3", "i4"], ["i5"], ["i6"]]


@given(sizes=st.lists(st.integers(0, 30_000), max_size=40))
def test_batches_lose_nobody_and_fit_in_a_request(sizes: list[int]) -> None:
    """Users stay in order, with few enough events in a group unless one user alone has more."""
    names = ["i"] * max(sizes, default=0)
    users = [pb.ImportedUser(user_id=str(number), item_ids=names[:size]) for number, size in enumerate(sizes)]
    groups = list(user_import.batches(users))
    assert [user for group in groups for user in group] == users
    assert all(len(group) == 1 or sum(len(user.item_ids) for user in group) <= 40_000 for group in groups)


def test_a_request_holds_no_more_users_than_the_contract_allows() -> None:
    """However little each of them did."""
    users = [pb.ImportedUser(user_id=str(number)) for number in range(2_100)]
    assert [len(group) for group in user_import.batches(users)] == [1_024, 1_024, 52]


async def test_the_command_imports_a_folder(tmp_path: Path) -> None:
    """Every user arrives once, and the counts are printed."""
    write_dataset(dataset_of([1, 2], [3]), tmp_path)
    store = FakeFeatureStore()
    async with serving(store) as target:
        outcome = await winnow_beside("import", "--data", str(tmp_path), "--target", target)
    assert (outcome.exit_code, outcome.stdout) == (0, "2 users stored, 3 new events.\n")
    assert Counter(user.user_id for user in store.users) == {"u0": 1, "u1": 1}


async def test_a_refused_batch_is_named(tmp_path: Path) -> None:
    """The store's words, and the user that the batch begins with."""
    write_dataset(dataset_of([1, 2], [3]), tmp_path)
    store = FakeFeatureStore()
    store.refuses = True
    async with serving(store) as target:
        outcome = await winnow_beside("import", "--data", str(tmp_path), "--target", target)
    assert outcome.exit_code == 1
    assert "refused the batch that begins with user 'u0': users[0].user_id has 300 bytes." in outcome.stderr


async def test_a_store_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """What to start, and how to name another."""
    write_dataset(dataset_of([1, 2], [3]), tmp_path)
    async with serving(FakeFeatureStore()) as target:
        pass
    outcome = await winnow_beside("import", "--data", str(tmp_path), "--target", target)
    assert outcome.exit_code == 1
    assert f"winnow: The feature store at {target} cannot be reached." in outcome.stderr


def test_a_folder_without_data_is_refused_with_the_formats(tmp_path: Path) -> None:
    """The loader's words are shown as they are."""
    outcome = winnow("import", "--data", str(tmp_path))
    assert outcome.exit_code == 1
    assert "of no known format" in outcome.stderr
