"""A folder that cannot be used is refused, with what is wrong with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from services.feature_store.events import ImportedUser
from services.feature_store.store_folder import StoreRefused, open_store_folder
from shared.events import EventType
from tests.unit.feature_store.stores import MIB, event, open_store, stored


@contextmanager
def refused(path: Path, problem: str) -> Iterator[None]:
    """Expects the store at `path` to be refused, naming the folder and the problem."""
    with pytest.raises(StoreRefused, match=problem) as refusal:
        yield
    assert str(path) in str(refusal.value)


def open_briefly(path: Path) -> None:
    """Opens a store and closes it."""
    with open_store_folder(path, 64 * MIB):
        pass


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    """The folder of a store with 500 users."""
    users = [ImportedUser(f"u{number}", {}, ["item"] * 200, list(range(200)), [1] * 200) for number in range(500)]
    with open_store(tmp_path / "store") as store:
        await store.import_users(users)
    return tmp_path / "store"


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """With its parents."""
    open_briefly(tmp_path / "var" / "store")
    assert (tmp_path / "var" / "store" / "data.mdb").is_file()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """One process per folder, and as soon as it is gone the next may come."""
    with open_store_folder(tmp_path, MIB), refused(tmp_path, "another process has it open"):
        open_briefly(tmp_path)
    open_briefly(tmp_path)


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """The lock goes with the process that held it, however it ended."""
    program = (
        "import os, signal, sys, pathlib\n"
        "from services.feature_store.store_folder import open_store_folder\n"
        "with open_store_folder(pathlib.Path(sys.argv[1]), 1 << 20):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    open_briefly(tmp_path)


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """As is one that cannot be written."""
    (tmp_path / "file").touch()
    with refused(tmp_path / "file", "cannot be written"):
        open_briefly(tmp_path / "file")
    with refused(Path("/proc/winnow"), "cannot be written"):
        open_briefly(Path("/proc/winnow"))


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """It is left as it was."""
    (tmp_path / "data.mdb").write_bytes(b"not a database" * 1000)
    with refused(tmp_path, "not an LMDB file"):
        open_briefly(tmp_path)
    assert (tmp_path / "data.mdb").read_bytes() == b"not a database" * 1000


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    """Rather than read in a way that it was not written."""
    open_briefly(tmp_path)
    with lmdb.open(str(tmp_path), max_dbs=8) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"format_version", b"1", db=environment.open_db(b"meta", transaction))
    with refused(tmp_path, "its format is 1; this version of winnow reads 2. .* import the users anew"):
        open_briefly(tmp_path)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6])
def test_a_store_that_was_cut_short_is_refused(filled: Path, kept: float) -> None:
    """To touch what is missing would kill the process without a word."""
    path = filled / "data.mdb"
    os.truncate(path, int(path.stat().st_size * kept))
    with refused(filled, "cut short"):
        open_briefly(filled)


async def test_a_whole_store_may_end_early(filled: Path) -> None:
    """LMDB need not write pages that are free, the last ones neither; a store that lacks only such is used."""
    with lmdb.open(str(filled), map_size=256 * MIB, max_dbs=8) as environment:
        users = environment.open_db(b"users")
        with environment.begin(write=True) as transaction:
            transaction.put(b"large", b"x" * MIB, db=users)
        for _ in range(4):  # what is live moves to the pages that the large value left
            with environment.begin(write=True) as transaction:
                transaction.delete(b"large", db=users)
                transaction.put(b"u0", transaction.get(b"u0", b"", db=users), db=users)
        end = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    os.truncate(filled / "data.mdb", end - MIB // 4)
    with open_store(filled) as store:
        await store.record_events([event("e", "later", at_ms=1_000, user_id="u1")])
        user = stored(store, "u1")
    assert user is not None
    assert (len(user.history_items), user.history_items[-1]) == (201, "later")


async def test_a_larger_store_than_allowed_stays_readable(filled: Path) -> None:
    """A lower bound forbids growth; it loses nothing."""
    with open_store(filled, max_bytes=MIB) as store:
        user = stored(store, "u7")
    assert user is not None
    assert user.history_types == bytes([EventType.VIEW]) * 200
