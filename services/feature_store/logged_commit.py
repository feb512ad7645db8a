"""Commits to LMDB and to the log as if they were one.

What a transaction adds to the log is appended and synced first, then the transaction commits with the log's end in it. A
crash between the two leaves the log ahead, and opening the store replays what is ahead; nothing that was acknowledged can
be in one of them alone.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lmdb

from services.feature_store import metrics
from services.feature_store.databases import META
from services.feature_store.write_transaction import WriteTransaction
from shared.errors import StorageFull
from shared.event_log import EventLog, LogBroken

_POSITION_KEY = b"log_position"


class StoreBroken(Exception):
    """A failed write could not be undone. The store refuses all writes until it is opened anew."""


class LoggedCommit:
    """Opens transactions whose records go to the log.

    Args:
        environment: The databases.
        log: The log, open.
    """

    def __init__(self, environment: lmdb.Environment, log: EventLog) -> None:
        self._environment = environment
        self._log = log
        self._meta: Any = environment.open_db(META.encode())

    @property
    def position(self) -> int:
        """The position of the log up to which the databases have what it says."""
        return log_position(self._environment)

    @contextmanager
    def transaction(self) -> Iterator[WriteTransaction]:
        """Commits when its block ends, and undoes everything when its block raises.

        Raises:
            StorageFull: there is no room; nothing was changed.
            StoreBroken: what was changed is open; the store must be opened anew.
        """
        begun_at = self._log.end
        try:
            with metrics.COMMIT_SECONDS.time(), self._environment.begin(write=True) as transaction:
                writing = WriteTransaction(transaction)
                yield writing
                if writing.records:
                    end = self._log.append(writing.records)
                    self._log.sync()
                    self.put_position(transaction, end)
        except (lmdb.PanicError, LogBroken) as error:
            raise StoreBroken(str(error)) from error
        except BaseException as error:
            self._rewind(begun_at)
            if is_full(error, self._log.folder):
                raise StorageFull("the store has no room left; nothing was changed") from error
            raise

    def put_position(self, transaction: lmdb.Transaction, position: int) -> None:
        """Notes up to where the databases have what the log says."""
        transaction.put(_POSITION_KEY, str(position).encode(), db=self._meta)

    def _rewind(self, position: int) -> None:
        if self._log.end != position:
            try:
                self._log.rewind(position)
            except LogBroken as error:
                raise StoreBroken(str(error)) from error


def log_position(environment: lmdb.Environment) -> int:
    """Returns the position of the log up to which a store's databases have what it says."""
    with environment.begin() as transaction:
        return int(transaction.get(_POSITION_KEY, b"0", db=environment.open_db(META.encode(), transaction)))


def is_full(error: BaseException, folder: Path) -> bool:
    """Whether a write to a folder failed because the store has reached its bound or the disk has no room."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    if isinstance(error, (lmdb.MapFullError, lmdb.DiskError)):
        return True
    # LMDB calls it an input/output error when the last bytes of a disk take a part of what it wrote.
    told = isinstance(error, lmdb.Error) and any(os.strerror(code) in str(error) for code in (errno.EIO, errno.ENOSPC))
    return told and _free_bytes(folder) < 1 << 20


def _free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
