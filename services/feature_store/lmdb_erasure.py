"""Erasing users from the databases and the log, so that no file has a byte of them.

1. A note says who is to be erased: whatever ends the process from here on, the next one goes on with it.
2. Sealed segments of the log are written anew, while everything else goes on.
3. Between two transactions: the segments that were written to meanwhile are written anew, the users are deleted, and the
   databases are compacted into a new file. Writers wait, readers do not.
4. The note is removed.

Users who are to be forgotten while an erasure is under way share the next one.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import lmdb
import structlog

from services.feature_store.compaction import compact, discard_copy
from services.feature_store.group_commit import GroupCommit
from services.feature_store.logged_commit import StoreBroken, is_full
from services.feature_store.open_databases import Databases, OpenDatabases
from services.feature_store.pending_erasure import PendingErasure
from services.feature_store.portrait import PLACES, place_of, user_of
from services.feature_store.write_transaction import WriteTransaction
from shared.errors import StorageFull, Unavailable
from shared.event_log import Erasure, EventLog, LogBroken, LogDamaged
from shared.event_log.records import Record

logger = structlog.get_logger()

#: How many records were erased of a user, by place.
Receipt = dict[str, int]


class LogUnreadable(Unavailable):
    """A user cannot be erased from the log, because a part of it cannot be read."""


@dataclass
class _Round:
    """One erasure of some users.

    Attributes:
        user_ids: Who.
        counts: How many records were erased, by user and place.
    """

    user_ids: Sequence[str]
    counts: "dict[str, Counter[str]]" = field(init=False)

    def __post_init__(self) -> None:
        self.counts = {user_id: Counter() for user_id in self.user_ids}

    def matches(self, record: Record) -> bool:
        """Whether a record is about one of them; counts it if so."""
        counts = self.counts.get(user_of(record))
        if counts is None:
            return False
        counts[place_of(record)] += 1
        return True

    def receipt(self, user_id: str) -> Receipt:
        """Returns what was erased of a user, places with nothing too."""
        return {place: self.counts[user_id][place] for place in PLACES}


class LmdbErasure:
    """Erases users from a store. A context manager: leaving it finishes what is under way.

    Args:
        folder: Of the store.
        log: Its log.
        databases: Its databases.
        reopened: Returns the databases in an environment that took the place of another.
        writer: Writes the databases and the log.
        broken: Is told when the store must be opened anew.
    """

    def __init__(
        self,
        folder: Path,
        log: EventLog,
        databases: OpenDatabases,
        *,
        reopened: Callable[[lmdb.Environment], Databases],
        writer: GroupCommit[WriteTransaction],
        broken: Callable[[StoreBroken], None],
    ) -> None:
        self._folder = folder
        self._log = log
        self._databases = databases
        self._reopened = reopened
        self._writer = writer
        self._broken = broken
        self._note = PendingErasure(folder)
        self._lock = threading.Lock()
        self._asked: list[tuple[str, Future[Receipt]]] = []
        self._thread = ThreadPoolExecutor(1, "erasure")

    def close(self) -> None:
        """Waits until those who asked have their receipts."""
        self._thread.shutdown()

    def resume(self) -> None:
        """Goes on with what a process before this one began. Before anything is written."""
        discard_copy(self._folder)
        user_ids = self._note.user_ids
        if not user_ids:
            self._note.remove()
            return
        try:
            self._erase(_Round(user_ids), self._log.end, 0)
        except (StorageFull, LogUnreadable) as error:
            logger.error("an erasure cannot be finished now; the next one goes on with it", problem=error.message)
        else:
            logger.info("an erasure was finished that was begun before", users=len(user_ids))

    def submit(self, user_id: str) -> "Future[Receipt]":
        """Erases a user, and returns the receipt once no file has anything of them; of nobody knew, zeros.

        Raises:
            Unavailable: the store is closing.
        """
        asked: Future[Receipt] = Future()
        with self._lock:
            self._asked.append((user_id, asked))
        try:
            self._thread.submit(self._erase_asked)
        except RuntimeError as error:
            raise Unavailable("the store is closing") from error
        return asked

    def _erase_asked(self) -> None:
        with self._lock:
            asked, self._asked = self._asked, []
        if not asked:  # the erasure before this one took them along
            return
        try:
            # With those whom an erasure could not finish before.
            wanted = list(dict.fromkeys([*(user_id for user_id, _ in asked), *self._note.user_ids]))
            self._note.write(wanted)
            erased = _Round(wanted)
            since = self._erase_sealed(erased)
            self._writer.submit_alone(lambda: self._erase(erased, self._log.end, since)).result()
        except Exception as error:  # whatever it is belongs to those who asked; the thread must live on
            told = self._told(error)
            for _, future in asked:
                future.set_exception(told)
        else:
            for user_id, future in asked:
                future.set_result(erased.receipt(user_id))

    def _erase_sealed(self, erased: _Round) -> int:
        """Erases in the log while others append to it; returns the position from which on it is to be looked at again."""
        since = self._log.active_start
        self._log.erase_sealed(Erasure(erased.matches, _encoded(erased.user_ids), before=since))
        return since

    def _erase(self, erased: _Round, before: int, since: int) -> None:
        """Does all that nobody may write meanwhile."""
        try:
            self._log.erase(erased.matches, _encoded(erased.user_ids), before, since)
            databases = self._databases.current
            with databases.commit.transaction() as writing:
                for user_id, counts in erased.counts.items():
                    counts.update(databases.users.forget(writing, user_id))
            self._databases.exchange(self._reopened(compact(databases.environment, self._folder)))
            self._note.remove()
        except LogBroken as error:
            raise StoreBroken(str(error)) from error
        except (OSError, lmdb.Error, LogDamaged) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, StoreBroken):
            self._broken(error)
            return Unavailable("the store must be opened anew after a failed write; the erasure goes on then")
        if isinstance(error, LogDamaged):
            logger.error("users cannot be erased from a damaged log", problem=str(error))
            return LogUnreadable(
                "the log is damaged, as the service's own log says; the erasure goes on when it is mended"
            )
        if is_full(error, self._folder):
            return StorageFull("there is no room for the copies that an erasure makes; it will be gone on with")
        return error


def _encoded(user_ids: Sequence[str]) -> list[bytes]:
    return [user_id.encode() for user_id in user_ids]
