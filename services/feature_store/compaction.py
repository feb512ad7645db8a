"""Writing the store's file anew, without the bytes of what was deleted.

LMDB keeps the pages of what is deleted for later use, with everything that was on them. A compact copy has the pages that
are in use, and of them the parts that are.
"""

import os
import shutil
from pathlib import Path

import lmdb

from services.feature_store.databases import DATABASES
from services.feature_store.logged_commit import StoreBroken
from shared.event_log.segments import sync_folder

#: Inside of the store's folder, while a copy is written. Left over, it means nothing.
COPY_FOLDER = "compacting"
#: What an LMDB environment consists of: its pages, and who reads them.
_FILES = ("data.mdb", "lock.mdb")


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
        environment.copy(str(folder), compact=True)
        _sync_file(folder / _FILES[0])
        following = _open_like(environment, folder)
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


def _open_like(environment: lmdb.Environment, folder: Path) -> lmdb.Environment:
    map_size, syncs = environment.info()["map_size"], bool(environment.flags()["sync"])
    return lmdb.open(str(folder), map_size=map_size, max_dbs=len(DATABASES), sync=syncs)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
