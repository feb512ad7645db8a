"""Reads a whole store: `python -m services.feature_store.store_survey <folder>`; exit code 0 when all of it is there.

A program of its own, because LMDB maps its file: to touch a page beyond the end of a file that was cut short kills the
process, and then it must not be the one that was to say so.
"""

import sys

import lmdb

from services.feature_store.databases import DATABASES
from services.feature_store.stored_user import decode_user


def survey(path: str) -> None:
    """Reads every entry of every database below `path`.

    Raises:
        lmdb.Error: a page is not what it should be.
        msgspec.MsgspecError: a user's record cannot be decoded.
    """
    with lmdb.open(path, max_dbs=len(DATABASES), readonly=True, lock=False) as environment:
        for name in DATABASES:
            database = environment.open_db(name.encode(), create=False)
            with environment.begin(db=database) as transaction, transaction.cursor() as cursor:
                for _, value in cursor:
                    if name == "users":
                        decode_user(value)


if __name__ == "__main__":
    survey(sys.argv[1])
