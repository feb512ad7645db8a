"""Many users as columns: features, history and seen items in the rows of one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import eq

import numpy as np
from numpy.typing import NDArray

from services.feature_store.field_states import FieldStates
from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_rows import LiveRows
from services.feature_store.seen_filter import seen_rows
from services.feature_store.stored_user import NOBODY, PastEvent, StoredUser, UserParts, decode_tail, decode_user
from services.feature_store.tail_history import history_with
from shared.events import HISTORY_TYPES, SEEN_TYPES
from shared.features import AttributeValue
from shared.tensors import Ragged


@dataclass(frozen=True)
class UserQuery:
    """Users to read.

    Attributes:
        user_ids: The users; empty for nobody.
        overrides: For each user, attributes that take precedence over the stored ones.
        max_history: Newest history items to return for each; 0 for the snapshot's `max_history`.
        include_states: Whether to say of each declared field whence its value is.
    """

    user_ids: Sequence[str]
    overrides: Sequence[Mapping[str, AttributeValue]]
    max_history: int
    include_states: bool = False


@dataclass(frozen=True)
class UserColumns:
    """Users, in the order they were asked for.

    Attributes:
        features: float32 [users, user features].
        known: uint8 [users], 1 where the user is stored.
        history: uint32 rows of the items in each user's history, oldest first, no row straight after itself.
        seen: uint32 rows of the items that each user has seen, ascending.
        states: Whence the values of the declared fields are; None unless asked for.
    """

    features: NDArray[np.float32]
    known: NDArray[np.uint8]
    history: Ragged
    seen: Ragged
    states: FieldStates | None


def user_columns(
    query: UserQuery,
    stored: Sequence[UserParts | None],
    snapshot: FeatureSnapshot,
    now_ms: int,
    live: LiveRows | None = None,
) -> UserColumns:
    """Returns the users of a query.

    Args:
        query: What was asked.
        stored: What is stored of each user of the query, None where nobody knows the user.
        snapshot: In whose rows and feature schema to answer.
        now_ms: The time that ages are counted to, in milliseconds since 1970, UTC.
        live: The rows beside it of items that changed since it was made; None where none did.
    """
    users = [NOBODY if parts is None else decode_user(parts.record) for parts in stored]
    tails = [() if parts is None or parts.tail is None else decode_tail(parts.tail) for parts in stored]
    rules, given = snapshot.field_rules, query.overrides
    if (counted := snapshot.counted) is not None:
        counts = [counted.values(user, tail, now_ms) for user, tail in zip(users, tails, strict=True)]
        # Like what the request says, a count is of now, and takes precedence over whatever is stored.
        given = [{**values, **overrides} for values, overrides in zip(counts, given, strict=True)]
        users = [counted.without(user) for user in users]
    attributes = [rules.resolve(user, overrides, now_ms) for user, overrides in zip(users, given, strict=True)]
    limit = query.max_history or snapshot.max_history
    return UserColumns(
        features=snapshot.user_features.many(attributes),
        known=np.array([parts is not None for parts in stored], dtype=np.uint8),
        history=_ragged(
            [
                _newest_rows(_history(user, tail), snapshot.row_of, live, limit)
                for user, tail in zip(users, tails, strict=True)
            ]
        ),
        seen=_ragged(
            [_seen(user, tail, parts, snapshot, live) for user, tail, parts in zip(users, tails, stored, strict=True)]
        ),
        states=rules.states(users, given, now_ms) if query.include_states else None,
    )


def filtered_users(stored: Sequence[UserParts | None]) -> int:
    """Returns how many users have a filter: each is asked about every item of the snapshot."""
    return sum(parts is not None and parts.seen_filter is not None for parts in stored)


def _history(user: StoredUser, tail: Sequence[PastEvent]) -> Sequence[str]:
    if not tail:
        return user.history_items
    new = [event for event in tail if event.type in HISTORY_TYPES]
    return history_with(user, new) if new else user.history_items


# Lists up to the last step: a lone user's fifty items take longer in a dozen array operations than one by one.
def _newest_rows(
    items: Sequence[str], row_of: Mapping[str, int], live: LiveRows | None, limit: int
) -> NDArray[np.uint32]:
    looked_at = limit
    rows = _steps(_history_rows(items[-looked_at:], row_of, live))
    # Older ones take the places of those that the snapshot lacks, and of those that are one step with what follows.
    while len(rows) < limit and looked_at < len(items):
        looked_at *= 2
        rows = _steps(_history_rows(items[-looked_at:], row_of, live))
    return np.array(rows[-limit:], dtype=np.uint32)


def _steps(rows: list[int]) -> list[int]:
    """Returns a history without what came straight after the same item, as a dwell or a like after a click.

    Training takes all that a user does with an item at a time for one step (`services.training.offline.continuation`), and
    models that never saw an item follow itself must not be served such a history.
    """
    if not any(map(eq, rows, islice(rows, 1, None))):  # nearly all histories: this costs a microsecond
        return rows
    return [row for row, _ in groupby(rows)]


def _seen(
    user: StoredUser,
    tail: Sequence[PastEvent],
    parts: UserParts | None,
    snapshot: FeatureSnapshot,
    live: LiveRows | None,
) -> NDArray[np.uint32]:
    items: Sequence[str] | set[str] = user.seen_items
    if tail:
        items = {*items, *(event.item_id for event in tail if event.type in SEEN_TYPES)}
    rows = np.array(_seen_rows(items, snapshot.row_of, live), dtype=np.uint32)
    rows.sort()
    if parts is not None and parts.seen_filter is not None:
        rows = np.union1d(rows, seen_rows(parts.seen_filter, snapshot.item_hashes))
        if live is not None:
            rows = np.union1d(rows, live.seen(parts.seen_filter))
    return rows


def _history_rows(items: Sequence[str], row_of: Mapping[str, int], live: LiveRows | None) -> list[int]:
    """Returns the rows of the items, without those that nobody has.

    An item of the snapshot keeps the row that its models know, whatever was changed about it since.
    """
    if live is None:
        return _rows(items, row_of)
    return [row for row in map(row_of.get, items, map(live.row_of.get, items)) if row is not None]


def _seen_rows(items: Sequence[str] | set[str], row_of: Mapping[str, int], live: LiveRows | None) -> list[int]:
    """Returns the rows of the items, without those that nobody has: those that the items would be shown by now."""
    if live is None:
        return _rows(items, row_of)
    return [row for row in map(live.row_of.get, items, map(row_of.get, items)) if row is not None]


def _rows(items: Sequence[str] | set[str], row_of: Mapping[str, int]) -> list[int]:
    """Returns the rows of the items, without those that the snapshot does not have."""
    return [row for row in map(row_of.get, items) if row is not None]


def _ragged(lists: Sequence[NDArray[np.uint32]]) -> Ragged:
    return Ragged.of(lists, np.uint32)
