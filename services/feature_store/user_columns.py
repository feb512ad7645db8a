"""Many users as columns: features, history and seen items in the rows of one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.feature_store.items import FeatureSnapshot
from services.feature_store.live_rows import NO_ROWS
from services.feature_store.stored_user import StoredUser, decode_user
from shared.features import AttributeValue
from shared.tensors import Ragged

_NOBODY = StoredUser({}, [], b"", b"", [], b"")


@dataclass(frozen=True)
class UserQuery:
    """Users to read.

    Attributes:
        user_ids: The users; empty for nobody.
        overrides: For each user, attributes that take precedence over the stored ones.
        max_history: Newest history items to return for each; 0 for the snapshot's `max_history`.
    """

    user_ids: Sequence[str]
    overrides: Sequence[Mapping[str, AttributeValue]]
    max_history: int


@dataclass(frozen=True)
class UserColumns:
    """Users, in the order they were asked for.

    Attributes:
        features: float32 [users, user features].
        known: uint8 [users], 1 where the user is stored.
        history: uint32 rows of the items in each user's history, oldest first.
        seen: uint32 rows of the items that each user has seen, ascending.
    """

    features: NDArray[np.float32]
    known: NDArray[np.uint8]
    history: Ragged
    seen: Ragged


def user_columns(
    query: UserQuery,
    stored: Sequence[bytes | None],
    snapshot: FeatureSnapshot,
    live: Mapping[str, int] = NO_ROWS,
) -> UserColumns:
    """Returns the users of a query.

    Args:
        query: What was asked.
        stored: The encoded user of each user of the query, None where nobody knows the user.
        snapshot: In whose rows and feature schema to answer.
        live: The rows beside it, of items that were changed.
    """
    users = [_NOBODY if encoded is None else decode_user(encoded) for encoded in stored]
    attributes = [
        {**user.attributes, **overrides} if overrides else user.attributes
        for user, overrides in zip(users, query.overrides, strict=True)
    ]
    limit = query.max_history or snapshot.max_history
    return UserColumns(
        features=snapshot.user_features.many(attributes),
        known=np.array([encoded is not None for encoded in stored], dtype=np.uint8),
        history=_ragged([_newest_rows(user.history_items, snapshot.row_of, live, limit) for user in users]),
        seen=_ascending(_ragged([_seen_rows(user.seen_items, snapshot.row_of, live) for user in users])),
    )


# Lists up to the last step: a lone user's fifty items take longer in a dozen array operations than one by one.
def _newest_rows(items: Sequence[str], row_of: Mapping[str, int], live: Mapping[str, int], limit: int) -> list[int]:
    rows = _history_rows(items[-limit:], row_of, live)
    if len(rows) < limit < len(items):  # where the snapshot lacks some of the newest, older ones take their places
        rows = _history_rows(items, row_of, live)[-limit:]
    return rows


def _history_rows(items: Sequence[str], row_of: Mapping[str, int], live: Mapping[str, int]) -> list[int]:
    """Returns the rows of the items, without those that nobody has.

    An item of the snapshot keeps the row that its models know, whatever was changed about it since.
    """
    if not live:
        return _rows(items, row_of)
    return [row for row in map(row_of.get, items, map(live.get, items)) if row is not None]


def _seen_rows(items: Sequence[str], row_of: Mapping[str, int], live: Mapping[str, int]) -> list[int]:
    """Returns the rows of the items, without those that nobody has: those that the items would be shown by now."""
    if not live:
        return _rows(items, row_of)
    return [row for row in map(live.get, items, map(row_of.get, items)) if row is not None]


def _rows(items: Sequence[str], row_of: Mapping[str, int]) -> list[int]:
    """Returns the rows of the items, without those that the snapshot does not have."""
    return [row for row in map(row_of.get, items) if row is not None]


def _ragged(lists: Sequence[Sequence[int]]) -> Ragged:
    return Ragged.of([np.array(rows, dtype=np.uint32) for rows in lists], np.uint32)


def _ascending(lists: Ragged) -> Ragged:
    """Sorts each list where it is."""
    for rows in lists:
        rows.sort()
    return lists
