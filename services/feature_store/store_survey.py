"""Reads a whole store: `python -m services.feature_store.store_survey <folder>`; exit code 0 when all of it is there.

A program of its own, because LMDB maps its file: to touch a page beyond the end of a file that was cut short kills the
process, and then it must not be the one that was to say so.
"""

import sys
from collections.abc import Callable
from typing import Any

import lmdb

from services.feature_store.databases import DATABASES, ITEM_CHANGES, ITEM_FEATURES, ITEM_PLACES, TAILS, USERS
from services.feature_store.item_changes import decode_change, decode_place
from services.feature_store.stored_item import decode_item
from services.feature_store.stored_user import decode_tail, decode_user

_DECODE: dict[str, Callable[[bytes], Any]] = {
    USERS: decode_user,
    TAILS: decode_tail,
    ITEM_FEATURES: decode_item,
    ITEM_CHANGES: lambda encoded: decode_change(0, encoded),
    ITEM_PLACES: decode_place,
}


def survey(path: str) -> None:
    """Reads every entry of every database below `path`.

    Raises:
        lmdb.Error: a page is not what it should be.
        msgspec.MsgspecError: a record cannot be decoded.
    """
    with lmdb.open(path, max_dbs=len(DATABASES), readonly=True, lock=False) as environment:
        for name in DATABASES:
            database = environment.open_db(name.encode(), create=False)
            decode = _DECODE.get(name, bytes)
            with environment.begin(db=database) as transaction, transaction.cursor() as cursor:
                for _, value in cursor:
                    decode(value)


if __name__ == "__main__":
    survey(sys.argv[1])
