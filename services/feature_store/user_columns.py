"""Many users as columns: features, history and seen items in the rows of one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.feature_store.items import FeatureSnapshot
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


def user_columns(query: UserQuery, stored: Sequence[bytes | None], snapshot: FeatureSnapshot) -> UserColumns:
    """Returns the users of a query.

    Args:
        query: What was asked.
        stored: The encoded user of each user of the query, None where nobody knows the user.
        snapshot: In whose rows and feature schema to answer.
    """
    limit = query.max_history or snapshot.max_history
    features = np.empty((len(stored), snapshot.user_features.width), dtype=np.float32)
    history: list[list[int]] = []
    seen: list[list[int]] = []
    for position, (encoded, overrides) in enumerate(zip(stored, query.overrides, strict=True)):
        user = _NOBODY if encoded is None else decode_user(encoded)
        features[position] = snapshot.user_features({**user.attributes, **overrides})
        history.append(_newest_rows(user.history_items, snapshot.row_of, limit))
        seen.append(sorted(_rows(user.seen_items, snapshot.row_of)))
    known = np.array([encoded is not None for encoded in stored], dtype=np.uint8)
    return UserColumns(features, known, _ragged(history), _ragged(seen))


def _newest_rows(item_ids: Sequence[str], row_of: Mapping[str, int], limit: int) -> list[int]:
    rows = _rows(item_ids[-limit:], row_of)
    if len(rows) < limit < len(item_ids):  # the snapshot lacks some of the newest: older ones take their places
        rows = _rows(item_ids, row_of)[-limit:]
    return rows


def _rows(item_ids: Sequence[str], row_of: Mapping[str, int]) -> list[int]:
    return [row_of[item_id] for item_id in item_ids if item_id in row_of]


def _ragged(lists: Sequence[list[int]]) -> Ragged:
    offsets = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(rows) for rows in lists], out=offsets[1:])
    return Ragged(np.array([row for rows in lists for row in rows], dtype=np.uint32), offsets)
