"""The databases of the store, which can be exchanged for others while they are read.

An erasure writes the store's file anew. The thread that writes moves on to the new file between two transactions; who
reads goes on in the one that it began in, and the last one closes it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lmdb

from services.feature_store.databases import DATABASES
from services.feature_store.lmdb_items import LmdbItems
from services.feature_store.lmdb_users import LmdbUsers
from services.feature_store.logged_commit import LoggedCommit
from services.feature_store.user_record import Bounds
from shared.event_log import EventLog


class Databases:
    """Everything that works on one LMDB environment.

    Attributes:
        environment: From `open_store_folder` or `compact`.
        handles: Of the databases, by name.
        users: The users in it.
        items: What was written of items.
        commit: Opens transactions.
        readers: How many read in it.
    """

    def __init__(self, environment: lmdb.Environment, log: EventLog, bounds: Bounds, event_window_ms: int) -> None:
        self.environment = environment
        self.handles: dict[str, Any] = {name: environment.open_db(name.encode()) for name in DATABASES}
        self.users = LmdbUsers(environment, bounds, event_window_ms)
        self.items = LmdbItems(environment)
        self.commit = LoggedCommit(environment, log)
        self.readers = 0


class OpenDatabases:
    """The databases that are in use.

    Args:
        first: Those to begin with.
    """

    def __init__(self, first: Databases) -> None:
        self._current = first
        # Reentrant, for a reader may be ended by the garbage collector at any place.
        self._lock = threading.RLock()

    @property
    def current(self) -> Databases:
        """Those in use, for the thread that writes: no other exchanges them."""
        return self._current

    @contextmanager
    def read(self) -> Iterator[Databases]:
        """Gives those in use, and keeps them open for the block."""
        with self._lock:
            databases = self._current
            databases.readers += 1
        try:
            yield databases
        finally:
            with self._lock:
                databases.readers -= 1
                is_last = not databases.readers and databases is not self._current
            if is_last:
                databases.environment.close()

    def exchange(self, following: Databases) -> None:
        """Uses others from now on; the ones before are closed when nobody reads in them."""
        with self._lock:
            before, self._current = self._current, following
            is_idle = not before.readers
        if is_idle:
            before.environment.close()
