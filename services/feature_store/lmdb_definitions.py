"""The feature views that a store has ever served, in LMDB, beside the store's format."""

from collections.abc import Mapping
from typing import Any

import lmdb

_PREFIX = b"view/"


def read_definitions(transaction: lmdb.Transaction, meta: Any) -> dict[str, bytes]:
    """Returns everything that was remembered, by key.

    Args:
        transaction: Any.
        meta: The handle of the database that they are in.
    """
    found: dict[str, bytes] = {}
    with transaction.cursor(db=meta) as cursor:
        if cursor.set_range(_PREFIX):
            for key, value in cursor:
                if not bytes(key).startswith(_PREFIX):
                    break
                found[bytes(key).removeprefix(_PREFIX).decode()] = bytes(value)
    return found


def put_definitions(transaction: lmdb.Transaction, meta: Any, definitions: Mapping[str, bytes]) -> None:
    """Remembers these; one whose key is known stays as it was."""
    for key, value in definitions.items():
        transaction.put(_PREFIX + key.encode(), value, overwrite=False, db=meta)
