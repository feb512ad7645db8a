"""The folder that the store lives in: one process at a time, and a clear word when it cannot be used."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from services.feature_store.databases import DATABASES, FORMAT_VERSION, META
from shared.durable_files import sync

_FORMAT_KEY = b"format_version"
_USER_ID_KEY = b"user_id_key"
_LOCK_FILE = "process.lock"


class StoreRefused(Exception):
    """The store cannot be used.

    Args:
        path: Its folder, or its URL without what is secret.
        problem: What is wrong, continuing the sentence "store <path>: …".
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"store {path}: {problem}")


@contextmanager
def open_store_folder(
    path: Path, max_bytes: int, sync: bool = True, user_id_key: str = ""
) -> Iterator[lmdb.Environment]:
    """Opens the LMDB environment in a folder, which is made when missing, and closes it in the end.

    LMDB lets many processes write, but the queue in front of it belongs to one process, and so does the answer to how
    much may wait in it: a second process is refused. The lock goes with its process, however that ends.

    Args:
        path: The folder. On a local disk: neither LMDB nor the lock can be trusted on a network file system.
        max_bytes: The most that the store may grow to. All of it is reserved as address space, since LMDB cannot grow
            its map while anyone reads; on disk the store takes what it needs. A store that is larger keeps its size.
        sync: Whether commits wait for the disk. Without it a loss of power may damage the store.
        user_id_key: The fingerprint of the key by which user ids are hashed; empty where they are stored as they come.

    Raises:
        StoreRefused: it is in use, cannot be written, is damaged, is of another format, or its user ids are hashed with
            another key or without one.
    """
    path = path.resolve()
    with _sole_process(path):
        try:
            environment = lmdb.open(str(path), map_size=max_bytes, max_dbs=len(DATABASES), sync=sync)
        except (OSError, lmdb.Error) as error:
            raise StoreRefused(path, f"cannot be opened: {error}") from error
        with environment:
            _check(environment, path)
            _check_user_id_key(environment, path, user_id_key)
            _sync_entries(path)
            yield environment


@contextmanager
def _sole_process(path: Path) -> Iterator[None]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK_FILE).open("wb")
    except OSError as error:
        raise StoreRefused(path, f"cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreRefused(path, "another process has it open; a folder is for one process") from None
        yield


def _check(environment: lmdb.Environment, path: Path) -> None:
    pages = environment.info()["last_pgno"] + 1
    # A whole store can be shorter too: pages that were taken and given back in one transaction are never written.
    if (path / "data.mdb").stat().st_size < pages * environment.stat()["psize"] and not _is_whole(path):
        raise StoreRefused(path, "data.mdb was cut short or damaged; restore it from a copy")
    try:
        databases = {name: environment.open_db(name.encode()) for name in DATABASES}
        with environment.begin(write=True) as transaction:
            current = str(FORMAT_VERSION).encode()
            transaction.put(_FORMAT_KEY, current, db=databases[META], overwrite=False)
            found = bytes(transaction.get(_FORMAT_KEY, b"", db=databases[META])).decode(errors="replace")
    except lmdb.Error as error:
        raise StoreRefused(path, f"cannot be used: {error}") from error
    if found != str(FORMAT_VERSION):
        raise StoreRefused(
            path,
            f"its format is {found}; this version of winnow reads {FORMAT_VERSION}. Serve it with the version that made it, or "
            "begin with an empty folder and import the users anew",
        )


def _check_user_id_key(environment: lmdb.Environment, path: Path, fingerprint: str) -> None:
    meta = environment.open_db(META.encode())
    with environment.begin(write=True, db=meta) as transaction:
        transaction.put(_USER_ID_KEY, fingerprint.encode(), overwrite=False)
        found = bytes(transaction.get(_USER_ID_KEY, b"")).decode(errors="replace")
    if found == fingerprint:
        return
    if not found:
        problem = "user ids are stored as they come, and a key was given"
    else:
        problem = "user ids are hashed with " + ("another key" if fingerprint else "a key, and none was given")
    raise StoreRefused(
        path, f"its {problem}; give FEATURE_STORE_USER_ID_KEY as it was, or begin with an empty folder and import anew"
    )


def _is_whole(path: Path) -> bool:
    command = [sys.executable, "-m", "services.feature_store.store_survey", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own module


def _sync_entries(path: Path) -> None:
    """LMDB syncs its file but not the folder that names it: a new store could vanish with the power."""
    for folder in (path, path.parent):
        sync(folder)
