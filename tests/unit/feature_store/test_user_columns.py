"""Stored users as columns in the rows of one snapshot."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.counted_fields import CountedFields
from services.feature_store.field_states import DEFAULT, PRESENT, FieldRules
from services.feature_store.item_changes import ItemPlace
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_rows import LiveRows
from services.feature_store.seen_filter import ItemHashes, add_items, hash_items
from services.feature_store.stored_user import PastEvent, StoredUser, UserParts, append_to_tail, encode_user
from services.feature_store.user_columns import UserColumns, UserQuery, user_columns
from services.feature_store.written_values import WrittenValues
from shared.events import EventType
from shared.feature_views import Counter
from shared.features import UserFeatureTransform, UserField

FIELDS = (UserField("gender", "categorical", vocabulary=("F", "M")),)
TRANSFORM = UserFeatureTransform(FIELDS)
ITEM_FEATURES = np.zeros((6, 1), dtype=np.float32)
SNAPSHOT = FeatureSnapshot(
    row_of={item: row for row, item in enumerate("abcdef")},
    created_ms=0,
    column_of={"length": 0},
    item_features=ITEM_FEATURES,
    written=WrittenValues(ITEM_FEATURES, ITEM_FEATURES.copy()),
    item_hashes=ItemHashes(hash_items("abcdef")),
    user_features=TRANSFORM,
    field_rules=FieldRules(FIELDS),
    max_history=3,
)


def user_of(history: str = "", seen: str = "", **attributes: str | float) -> StoredUser:
    """Returns a stored user whose items have names of one letter, all of time 0."""
    return StoredUser(
        attributes=attributes,
        attribute_times=bytes(8 * len(attributes)),
        history_items=list(history),
        history_times=bytes(8 * len(history)),
        seen_items=list(seen),
    )


def encoded(history: str = "", seen: str = "", **attributes: str | float) -> UserParts:
    """Returns such a user as stored."""
    return UserParts(encode_user(user_of(history, seen, **attributes)))


def columns(
    *stored: UserParts | None, max_history: int = 0, overrides: dict[str, str | float] | None = None
) -> UserColumns:
    """Returns the columns of some stored users."""
    query = UserQuery(["u"] * len(stored), [overrides or {}] * len(stored), max_history)
    return user_columns(query, stored, SNAPSHOT, now_ms=0)


def test_users_come_in_the_order_of_the_query() -> None:
    """Lists lie end to end; a user nobody knows has empty ones and the features of nobody."""
    answer = columns(encoded("ab", "ba", gender="F"), None, encoded("c", "c"))
    assert answer.known.tolist() == [1, 0, 1]
    assert [rows.tolist() for rows in answer.history] == [[0, 1], [], [2]]
    assert [rows.tolist() for rows in answer.seen] == [[0, 1], [], [2]]
    assert np.array_equal(answer.features, [TRANSFORM({"gender": "F"}), TRANSFORM({}), TRANSFORM({})])


def test_dtypes_are_those_of_the_contract() -> None:
    """Also where there is nothing in an array."""
    answer = columns(None)
    arrays = (answer.features, answer.known, answer.history.values, answer.seen.values)
    assert [array.dtype.name for array in arrays] == ["float32", "uint8", "uint32", "uint32"]


@pytest.mark.parametrize(
    ("history", "max_history", "rows"),
    [
        ("abcde", 0, [2, 3, 4]),
        ("abcde", 2, [3, 4]),
        ("abcde", 100, [0, 1, 2, 3, 4]),
        ("abxcxx", 3, [0, 1, 2]),
        ("aab", 3, [0, 1]),
        ("aba", 3, [0, 1, 0]),
        ("axa", 3, [0]),
        ("abbccc", 2, [1, 2]),
        ("abbccc", 3, [0, 1, 2]),
        ("abcdeeeeeeeeeeeeeeeeeee", 3, [2, 3, 4]),
        ("xyz", 3, []),
        ("axbxc", 2, [1, 2]),
    ],
)
def test_the_newest_items_that_the_snapshot_has_are_returned(history: str, max_history: int, rows: list[int]) -> None:
    """Oldest first; 0 means as many as the models look at.

    Items that it lacks make room for older ones, and so does what came straight after the same item: one step.
    """
    (found,) = columns(encoded(history), max_history=max_history).history
    assert found.tolist() == rows


def test_seen_rows_ascend_and_leave_out_what_the_snapshot_lacks() -> None:
    """So that the gateway can search in them."""
    (found,) = columns(encoded(seen="fxab")).seen
    assert found.tolist() == [0, 1, 5]


def test_overrides_take_precedence_over_what_is_stored() -> None:
    """For this answer, and for a user nobody knows as well."""
    answer = columns(encoded(gender="F"), None, overrides={"gender": "M"})
    assert np.array_equal(answer.features, [TRANSFORM({"gender": "M"})] * 2)


#: Users nobody knows and users of up to six events, with items and values that the snapshot has and that it lacks.
people = st.none() | st.builds(
    lambda history, seen, attributes: user_of(history, seen, **attributes),
    st.text("abcdefxyz", max_size=6),
    st.lists(st.sampled_from("abcdefxyz"), unique=True).map("".join),
    st.dictionaries(st.sampled_from(["gender", "age"]), st.sampled_from(["F", "M", "X", 3.0])),
)
asked = st.tuples(people, st.just({}) | st.just({"gender": "M"}))


@given(st.lists(asked, min_size=1, max_size=6), st.integers(0, 4))
def test_a_batch_gives_each_user_what_one_alone_would_get(
    batch: Sequence[tuple[StoredUser | None, dict[str, str | float]]], max_history: int
) -> None:
    """Worked out user by user and item by item, whoever else is in the batch."""
    query = UserQuery(["u"] * len(batch), [overrides for _, overrides in batch], max_history)
    stored = [None if user is None else UserParts(encode_user(user)) for user, _ in batch]
    answer = user_columns(query, stored, SNAPSHOT, now_ms=0)
    limit = max_history or SNAPSHOT.max_history
    for place, (user, overrides) in enumerate(batch):
        attributes = user.attributes if user is not None else {}
        rows = [SNAPSHOT.row_of[item] for item in (user.history_items if user else []) if item in SNAPSHOT.row_of]
        history = [row for at, row in enumerate(rows) if at == 0 or rows[at - 1] != row]
        seen = sorted(SNAPSHOT.row_of[item] for item in (user.seen_items if user else []) if item in SNAPSHOT.row_of)
        assert answer.known[place] == (user is not None)
        assert answer.features[place].tolist() == TRANSFORM({**attributes, **overrides}).tolist()
        assert answer.history[place].tolist() == history[-limit:]
        assert answer.seen[place].tolist() == seen


def tail(*events: tuple[int, str, EventType]) -> bytes:
    """Returns a tail of events: time, item, type."""
    return append_to_tail(None, [PastEvent(*event) for event in events])


def test_events_that_are_not_folded_yet_are_read_too() -> None:
    """A dislike is seen and an impression is neither; both lists come as if all had been folded."""
    parts = encoded("ab", "ba")._replace(
        tail=tail(
            (3, "d", EventType.CLICK),
            (2, "c", EventType.DWELL),
            (4, "e", EventType.DISLIKE),
            (5, "f", EventType.IMPRESSION),
        )
    )
    answer = columns(parts, max_history=10)
    assert [rows.tolist() for rows in answer.history] == [[0, 1, 2, 3]]
    assert [rows.tolist() for rows in answer.seen] == [[0, 1, 2, 3, 4]]


def test_what_the_filter_remembers_is_seen_too() -> None:
    """Each row once, whether the record knows it as well; few other rows with it."""
    parts = encoded("", "ba")._replace(seen_filter=add_items(None, ["b", "d", "f", "x"], 100))
    (found,) = columns(parts).seen
    assert found.tolist() == [0, 1, 3, 5]
    assert found.dtype == np.uint32


def live_rows(**changed_at_ms: int) -> LiveRows:
    """Returns items that were changed beside the snapshot, numbered in this order."""
    live = LiveRows(SNAPSHOT)
    for number, (item_id, at_ms) in enumerate(changed_at_ms.items()):
        live.put(item_id, ItemPlace(number, number + 1, at_ms, withdrawn=False, upserted=True))
    return live


@pytest.mark.parametrize("filtered", [False, True])
def test_items_that_changed_have_rows_beside_the_snapshot(filtered: bool) -> None:
    """Seen, by the rows that they are shown by; in the history, by those that models know, where they know one.

    Whether an item was seen lately, or long ago and only a filter remembers it.
    """
    live = live_rows(x=5, b=5, c=0, y=5)
    query = UserQuery(["u"], [{}], 10)
    seen = encoded("xbcz", "" if filtered else "xbcz")
    if filtered:
        seen = seen._replace(seen_filter=add_items(None, list("xbcz"), 100))
    answer = user_columns(query, [seen], SNAPSHOT, now_ms=0, live=live)
    assert answer.history[0].tolist() == [6, 1, 2]
    assert set(answer.seen[0].tolist()) - {1} == {2, 6, 7}
    live.put("z", ItemPlace(9, 9, 5, withdrawn=False, upserted=True))
    answer = user_columns(query, [seen], SNAPSHOT, now_ms=0, live=live)
    assert set(answer.seen[0].tolist()) - {1} == {2, 6, 7, 15}


def test_counted_fields_are_counted_to_now() -> None:
    """Of all events, folded or not; what the request says takes precedence, and nobody has the default."""
    fields = (UserField("taken", "number", mean=1.0, deviation=2.0, default=0.0),)
    snapshot = replace(
        SNAPSHOT,
        user_features=UserFeatureTransform(fields),
        field_rules=FieldRules(fields),
        counted=CountedFields({"taken": Counter(("click", "like"), 60.0)}),
    )
    parts = encoded("a", taken=99.0)._replace(tail=tail((0, "b", EventType.LIKE), (60_000, "c", EventType.CLICK)))
    query = UserQuery(["u"] * 3, [{}, {"taken": 5.0}, {}], 0, include_states=True)
    answer = user_columns(query, [parts, parts, None], snapshot, now_ms=120_000)
    expected = [snapshot.user_features({"taken": value}) for value in (3 / 4 + 1 / 2, 5.0, 0.0)]
    assert answer.features == pytest.approx(np.array(expected))
    assert answer.states is not None
    assert answer.states.states.tolist() == [[PRESENT], [PRESENT], [DEFAULT]]
    assert answer.states.ages.tolist() == [[0], [0], [0]]
