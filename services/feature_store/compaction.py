"""Writing the store's file anew, without the bytes of what was deleted.

LMDB keeps the pages of what is deleted for later use, with everything that was on them. Its own compact copy leaves those
out, and is not enough: the keys by which branches of a tree are told apart may be keys of what was deleted, and pages are
copied with what lies between the parts that are in use. So each entry is put into an environment that never had another.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import lmdb

from services.feature_store.databases import DATABASES
from services.feature_store.logged_commit import StoreBroken
from services.feature_store.turns import in_turns
from shared.event_log.segments import sync_folder

#: Inside of the store's folder, while a copy is written. Left over, it means nothing.
COPY_FOLDER = "compacting"
#: What an LMDB environment consists of: its pages, and who reads them.
_FILES = ("data.mdb", "lock.mdb")
#: Entries that are copied before the event loop has a turn.
_AT_A_TIME = 64
#: What a transaction of the copy holds in memory.
_BYTES_AT_A_TIME = 32 << 20


def compact(environment: lmdb.Environment, path: Path) -> lmdb.Environment:
    """Replaces the file of an environment by a compact copy, durably, and returns the copy, open.

    The environment stays open, on a file that has no name any more, for those who read in it. Nobody may write meanwhile,
    and nobody in it afterwards.

    Args:
        environment: Whose file lies in `path`.
        path: The store's folder.

    Raises:
        lmdb.Error: there is no room for the copy, or the environment is damaged; nothing has changed.
        OSError: the same.
        StoreBroken: it is open which of the two files is there; the store must be opened anew.
    """
    folder = path / COPY_FOLDER
    discard_copy(path)
    try:
        folder.mkdir()
        _copy(environment, folder)
        _sync_file(folder / _FILES[0])
        following = _open_like(environment, folder, syncs=bool(environment.flags()["sync"]))
    except BaseException:
        discard_copy(path)
        raise
    try:
        for name in _FILES:
            (folder / name).replace(path / name)
        sync_folder(path)
        folder.rmdir()
    except OSError as error:
        following.close()
        raise StoreBroken(f"the compacted file could not be put in place: {error}") from error
    return following


def discard_copy(path: Path) -> None:
    """Removes what a compaction left that did not come to its end."""
    shutil.rmtree(path / COPY_FOLDER, ignore_errors=True)


def _copy(environment: lmdb.Environment, folder: Path) -> None:
    with _open_like(environment, folder, syncs=False) as copy, environment.begin() as source:
        for name in DATABASES:
            database = copy.open_db(name.encode())
            with source.cursor(db=environment.open_db(name.encode(), txn=source, create=False)) as cursor:
                entries = in_turns(cursor, _AT_A_TIME)
                while some := list(_up_to(_BYTES_AT_A_TIME, entries)):
                    with copy.begin(write=True, db=database) as transaction:
                        for key, value in in_turns(some, _AT_A_TIME):
                            transaction.put(key, value, append=True)
        copy.sync(True)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _up_to(size: int, entries: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in entries:
        yield key, value
        size -= len(key) + len(value)
        if size <= 0:
            return


def _open_like(environment: lmdb.Environment, folder: Path, *, syncs: bool) -> lmdb.Environment:
    return lmdb.open(str(folder), map_size=environment.info()["map_size"], max_dbs=len(DATABASES), sync=syncs)
