"""GetUsers, RecordEvents and ImportUsers: what was told is what is read."""

import asyncio

import grpc
import numpy as np

from shared.features import UserFeatureTransform
from tests.contract.feature_store.calls import (
    array,
    attributes,
    event,
    histories,
    history_of,
    item,
    record,
    recorded_of,
    seen,
    users,
)
from tests.contract.feature_store.serving import Serving
from tests.in_process import assert_refused
from tests.snapshot_factory import MAX_HISTORY
from tests.snapshot_weights import USER_FIELDS
from winnow.feature_store.v1 import feature_store_service_pb2 as pb

TRANSFORM = UserFeatureTransform(USER_FIELDS)


def imported(user_id: str, rows: list[int], **named: str | float) -> pb.ImportedUser:
    """Returns a user who viewed rows one after the other."""
    return pb.ImportedUser(
        user_id=user_id,
        attributes=attributes(named),
        item_ids=[item(row) for row in rows],
        occurred_at_ms=list(range(len(rows))),
    )


async def test_a_user_nobody_knows_gets_defaults(store: Serving) -> None:
    """As does nobody in particular."""
    answer = await store.stub.GetUsers(users("stranger", ""))
    assert array(answer.known).tolist() == [0, 0]
    assert histories(answer) == seen(answer) == [[], []]
    assert np.array_equal(array(answer.features), [TRANSFORM({})] * 2)


async def test_what_was_recorded_is_read_at_once(store: Serving) -> None:
    """Users in the order of the request, the same one twice if asked; histories by event time, seen rows ascending."""
    answer = await store.stub.RecordEvents(
        record(
            event("1", item(7), occurred_at_ms=30),
            event("2", item(3), occurred_at_ms=10),
            event("3", item(5), occurred_at_ms=20, type=pb.EVENT_TYPE_DISLIKE),
            event("1", item(9), user_id="v"),
        )
    )
    assert (answer.recorded, answer.duplicates) == (4, 0)
    read = await store.stub.GetUsers(users("u", "v", "u"))
    assert array(read.known).tolist() == [1, 1, 1]
    assert histories(read) == [[3, 7], [9], [3, 7]]
    assert seen(read) == [[3, 5, 7], [9], [3, 5, 7]]


async def test_an_event_sent_again_counts_once(store: Serving) -> None:
    """In the same request or a later one."""
    first = await store.stub.RecordEvents(record(event("1"), event("1"), event("2")))
    assert (first.recorded, first.duplicates) == (2, 1)
    again = await store.stub.RecordEvents(record(event("2"), event("1")))
    assert (again.recorded, again.duplicates) == (0, 2)
    assert await recorded_of(store, "u") == 2


async def test_what_is_done_with_an_item_at_a_time_is_one_step(store: Serving) -> None:
    """A click, then a dwell and a like: models are trained on such histories. Coming back later is another step."""
    click, dwell, like = pb.EVENT_TYPE_CLICK, pb.EVENT_TYPE_DWELL, pb.EVENT_TYPE_LIKE
    done = [(3, click), (3, dwell), (3, like), (5, click), (5, like), (3, click)]
    events = [
        event(f"{at}", item(row), occurred_at_ms=at, type=kind, dwell_seconds=30.0 if kind == dwell else 0.0)
        for at, (row, kind) in enumerate(done, start=1)
    ]
    await store.stub.RecordEvents(record(*events))
    assert await history_of(store, "u") == [3, 5, 3]
    assert histories(await store.stub.GetUsers(users("u", max_history=2))) == [[5, 3]]


async def test_an_import_is_read_at_once_and_can_be_repeated(store: Serving) -> None:
    """Attributes, history and seen items of many users."""
    request = pb.ImportUsersRequest(users=[imported("u", [4, 2, 4], gender="F", age=47.0), imported("v", [])])
    first, again = await store.stub.ImportUsers(request), await store.stub.ImportUsers(request)
    assert (first.users, first.recorded) == (2, 3)
    assert (again.users, again.recorded) == (2, 0)
    read = await store.stub.GetUsers(users("u", "v"))
    assert array(read.known).tolist() == [1, 1]
    assert (histories(read), seen(read)) == ([[4, 2, 4], []], [[2, 4], []])
    assert np.array_equal(array(read.features), [TRANSFORM({"gender": "F", "age": 47.0}), TRANSFORM({})])


async def test_imported_events_are_views_unless_they_say_otherwise(store: Serving) -> None:
    """One type holds for all; as many as there are events hold each for its own."""
    one, each = imported("one", [1, 2]), imported("each", [1, 2])
    one.types.append(pb.EVENT_TYPE_DISLIKE)
    each.types.extend([pb.EVENT_TYPE_DISLIKE, pb.EVENT_TYPE_PURCHASE])
    await store.stub.ImportUsers(pb.ImportUsersRequest(users=[one, each, imported("none", [1, 2])]))
    read = await store.stub.GetUsers(users("one", "each", "none"))
    assert histories(read) == [[], [2], [1, 2]]
    assert seen(read) == [[1, 2]] * 3


async def test_attributes_of_the_request_count_for_its_answer_alone(store: Serving) -> None:
    """They take precedence over stored ones, and are not stored."""
    await store.stub.ImportUsers(pb.ImportUsersRequest(users=[imported("u", [], gender="F", age=47.0)]))
    override = pb.GetUsersRequest(
        snapshot_id="snapshot-1", users=[pb.UserQuery(user_id="u", attributes=attributes({"gender": "M"}))]
    )
    answer = await store.stub.GetUsers(override)
    assert np.array_equal(array(answer.features), [TRANSFORM({"gender": "M", "age": 47.0})])
    answer = await store.stub.GetUsers(users("u"))
    assert np.array_equal(array(answer.features), [TRANSFORM({"gender": "F", "age": 47.0})])


async def test_the_newest_history_is_returned(store: Serving) -> None:
    """As many items as asked for, or as many as the snapshot's models look at."""
    rows = list(range(MAX_HISTORY + 5))
    await store.stub.ImportUsers(pb.ImportUsersRequest(users=[imported("u", rows)]))
    assert histories(await store.stub.GetUsers(users("u"))) == [rows[5:]]
    assert histories(await store.stub.GetUsers(users("u", max_history=2))) == [rows[-2:]]
    assert histories(await store.stub.GetUsers(users("u", max_history=1_000))) == [rows]


async def test_items_that_no_snapshot_has_are_kept_and_not_returned(store: Serving) -> None:
    """A later snapshot may have them."""
    await store.stub.RecordEvents(record(event("1", "not yet in any catalogue"), event("2", item(1))))
    read = await store.stub.GetUsers(users("u"))
    assert (histories(read), seen(read)) == ([[1]], [[1]])


async def test_a_large_request_is_answered_like_a_small_one(store: Serving) -> None:
    """What is read and written off the event loop is the same."""
    many = [
        imported(f"u{number}", [number % 100 + 100, *range(100)], age=float(number % 90)) for number in range(1_024)
    ]
    answer = await store.stub.ImportUsers(pb.ImportUsersRequest(users=many))
    assert (answer.users, answer.recorded) == (1_024, 1_024 * 101)
    read = await store.stub.GetUsers(users(*(user.user_id for user in many), max_history=1_000))
    assert histories(read) == [[number % 100 + 100, *range(100)] for number in range(1_024)]
    assert np.array_equal(array(read.features), [TRANSFORM({"age": float(number % 90)}) for number in range(1_024)])


async def test_requests_at_once_are_all_recorded(store: Serving) -> None:
    """They share transactions, and each gets its own answer."""
    requests = [record(event(f"{number}"), event("shared", user_id=f"v{number % 10}")) for number in range(100)]
    answers = await asyncio.gather(*map(store.stub.RecordEvents, requests))
    assert sum(answer.recorded for answer in answers) == 110
    assert sum(answer.duplicates for answer in answers) == 90
    assert await recorded_of(store, "u") == 100


async def test_a_call_that_is_cancelled_harms_no_other(store: Serving) -> None:
    """Neither those before nor those after."""
    calls = [store.stub.RecordEvents(record(event(f"{number}"))) for number in range(20)]
    calls[7].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[7], asyncio.CancelledError)
    assert all(isinstance(answer, pb.RecordEventsResponse) for answer in answers[:7] + answers[8:])
    assert await recorded_of(store, "u") in (19, 20)


async def test_attributes_are_bounded_together_with_those_stored(store: Serving) -> None:
    """The refused request changes nothing, not even the users before."""
    many: dict[str, str | float] = {f"a{number}": 1.0 for number in range(64)}
    await store.stub.ImportUsers(pb.ImportUsersRequest(users=[imported("u", [], **many)]))
    too_many = pb.ImportUsersRequest(users=[imported("v", [1]), imported("u", [1], one_more=1.0)])
    call = store.stub.ImportUsers(too_many)
    await assert_refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "users[1].attributes")
    read = await store.stub.GetUsers(users("u", "v"))
    assert (array(read.known).tolist(), histories(read)) == ([1, 0], [[], []])
