"""Many users as columns: features, history and seen items in the rows of one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

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
    users = [_NOBODY if encoded is None else decode_user(encoded) for encoded in stored]
    attributes = [
        {**user.attributes, **overrides} if overrides else user.attributes
        for user, overrides in zip(users, query.overrides, strict=True)
    ]
    return UserColumns(
        features=snapshot.user_features.many(attributes),
        known=np.array([encoded is not None for encoded in stored], dtype=np.uint8),
        history=_newest_rows(
            [user.history_items for user in users], snapshot.row_of, query.max_history or snapshot.max_history
        ),
        seen=_ascending_rows([user.seen_items for user in users], snapshot.row_of),
    )


def _newest_rows(histories: Sequence[Sequence[str]], row_of: Mapping[str, int], limit: int) -> Ragged:
    newest = _rows([items if len(items) <= limit else items[-limit:] for items in histories], row_of)
    lengths = np.diff(newest.offsets)
    # Where the snapshot lacks some of the newest, older ones take their places.
    short = [user for user in np.flatnonzero(lengths < limit).tolist() if len(histories[user]) > limit]
    if not short:
        return newest
    rows = list(newest)
    for user, all_rows in zip(short, _rows([histories[user] for user in short], row_of), strict=True):
        rows[user] = all_rows[-limit:]
    return Ragged.of(rows, np.uint32)


def _ascending_rows(seen: Sequence[Sequence[str]], row_of: Mapping[str, int]) -> Ragged:
    rows = _rows(seen, row_of)
    # One sort for all: by user, then by row.
    keys = (rows.owners << 32) | rows.values
    keys.sort()
    return Ragged((keys & 0xFFFFFFFF).astype(np.uint32), rows.offsets)


def _rows(lists: Sequence[Sequence[str]], row_of: Mapping[str, int]) -> Ragged:
    """Returns the rows of the items in each list, uint32, without those that the snapshot does not have."""
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    rows = np.array(list(map(row_of.get, chain.from_iterable(lists), repeat(-1))), dtype=np.int64)
    found = rows >= 0
    if not found.all():
        owners = np.repeat(np.arange(len(lists)), lengths)[found]
        lengths = np.bincount(owners, minlength=len(lists))
        rows = rows[found]
    offsets = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return Ragged(rows.astype(np.uint32), offsets)
