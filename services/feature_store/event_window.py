"""Which events were recorded lately, so that one that is sent again counts once."""

from typing import Any

import lmdb

from services.feature_store.turns import in_turns

_GENERATION_BYTES = 6
_TIME_BYTES = 6

#: Keys that are removed before the event loop has a turn: about a tenth of a millisecond.
_AT_A_TIME = 64


class EventWindow:
    """Event keys with the time of their recording, in an LMDB database.

    Entries begin with the number of a generation, each as long as the window: what is remembered is in the current one and
    the one before, and what is older is one range at the front, which is removed from little by little as keys are
    added, so that no transaction pays for all of it. A second index by time would cost two more pages for each event.

    Args:
        database: Of generation and key, to time.
        length_ms: How long a key is remembered, above zero.
    """

    def __init__(self, database: Any, length_ms: int) -> None:
        self._database = database
        self._length_ms = length_ms
        self._newest = -1

    def admit(self, transaction: lmdb.Transaction, key: bytes, now_ms: int) -> bool:
        """Remembers a key from now on and returns True, unless it is remembered already."""
        current = self._generation(transaction, now_ms)
        before = transaction.get((current - 1).to_bytes(_GENERATION_BYTES, "big") + key, db=self._database)
        if before and now_ms - int.from_bytes(before, "big") < self._length_ms:
            return False
        entry = current.to_bytes(_GENERATION_BYTES, "big") + key
        # Whatever the current generation has is younger than a generation is long.
        return bool(transaction.put(entry, now_ms.to_bytes(_TIME_BYTES, "big"), overwrite=False, db=self._database))

    def prune(self, transaction: lmdb.Transaction, now_ms: int, limit: int) -> None:
        """Removes keys of generations that left the window, oldest first, at most `limit` of them."""
        oldest = self._generation(transaction, now_ms) - 1
        with transaction.cursor(db=self._database) as cursor:
            found = cursor.first()
            for _ in in_turns(range(limit), _AT_A_TIME):
                if not found or int.from_bytes(cursor.key()[:_GENERATION_BYTES], "big") >= oldest:
                    return
                found = cursor.delete() and bool(cursor.key())

    def forget(self, transaction: lmdb.Transaction, prefix: bytes) -> int:
        """Removes the keys that begin with some bytes, and returns how many there were."""
        removed = 0
        with transaction.cursor(db=self._database) as cursor:
            found = cursor.first()
            while found:
                generation = bytes(cursor.key()[:_GENERATION_BYTES])
                found = cursor.set_range(generation + prefix)
                while found and bytes(cursor.key()).startswith(generation + prefix):
                    found = cursor.delete() and bool(cursor.key())
                    removed += 1
                following = int.from_bytes(generation, "big") + 1
                found = cursor.set_range(following.to_bytes(_GENERATION_BYTES, "big"))
        return removed

    def _generation(self, transaction: lmdb.Transaction, now_ms: int) -> int:
        if self._newest < 0:
            with transaction.cursor(db=self._database) as cursor:
                self._newest = int.from_bytes(cursor.key()[:_GENERATION_BYTES], "big") if cursor.last() else 0
        # A clock that is set back must not hide what was recorded before that.
        self._newest = max(self._newest, now_ms // self._length_ms + 1)
        return self._newest
