"""Which events were recorded lately, so that one that is sent again counts once."""

from typing import Any

import lmdb

_TIME_BYTES = 8


class EventWindow:
    """Event keys with the time of their recording, in two LMDB databases: by key, and in the order of time.

    Keys older than the window count as forgotten at once, and are removed little by little as others are added, so
    that no transaction pays for all of them.

    Args:
        by_key: Database of key to time.
        by_time: Database of time and key, to nothing.
        length_ms: How long a key is remembered.
    """

    def __init__(self, by_key: Any, by_time: Any, length_ms: int) -> None:
        self._by_key = by_key
        self._by_time = by_time
        self._length_ms = length_ms

    def admit(self, transaction: lmdb.Transaction, key: bytes, now_ms: int) -> bool:
        """Remembers a key from now on and returns True, unless it is remembered already."""
        if stored := bytes(transaction.get(key, b"", db=self._by_key)):
            if now_ms - int.from_bytes(stored, "big") < self._length_ms:
                return False
            transaction.delete(stored + key, db=self._by_time)
        time = now_ms.to_bytes(_TIME_BYTES, "big")
        transaction.put(key, time, db=self._by_key)
        transaction.put(time + key, b"", db=self._by_time)
        return True

    def prune(self, transaction: lmdb.Transaction, now_ms: int, limit: int) -> None:
        """Removes keys that left the window, oldest first, at most `limit` of them."""
        with transaction.cursor(db=self._by_time) as cursor:
            found = cursor.first()
            while found and limit > 0:
                entry = cursor.key()
                if now_ms - int.from_bytes(entry[:_TIME_BYTES], "big") < self._length_ms:
                    return
                transaction.delete(entry[_TIME_BYTES:], db=self._by_key)
                found = cursor.delete() and bool(cursor.key())
                limit -= 1
