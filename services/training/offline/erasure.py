"""Forgetting a user in the offline store."""

from __future__ import annotations

import polars as pl

from services.training.offline.store import OfflineStore
from services.training.offline.tables import Table

_OF_USERS: tuple[Table, ...] = ("events", "attributes", "exposures")


def forget_user(store: OfflineStore, user_id: str) -> dict[Table, int]:
    """Drops every row of a user; no file of the store holds one any more when it returns.

    Training sets and examples that were built before still hold theirs: they are files of whoever built them.

    Args:
        store: Where the rows are.
        user_id: As it is stored.

    Returns:
        How many rows went, by table.

    Raises:
        OfflineStoreError: another process writes to the store, or the store cannot be read.
    """
    with store.writing():
        dropped = store.rewrite(dict.fromkeys(_OF_USERS, pl.col("user_id") != user_id))
        store.clear_away()
    return dropped
