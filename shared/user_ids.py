"""User ids as they are stored: as they come, or as keyed hashes, by which nobody without the key can tell who it is."""

from hashlib import blake2b
from pathlib import Path

_ID_BYTES = 16
#: A key that can be guessed hides nothing: the ids behind hashes are found by trying.
MIN_KEY_BYTES = 16


class UserIds:
    """Turns users' ids into the ids that they are stored under.

    A hash is BLAKE2b with a key, 16 bytes, as 32 hexadecimal digits. The same id and key make the same hash, so that a
    user is found again; of two users having the same one the chance is one in 10^20 among a billion.

    Args:
        key: The secret, at least 16 bytes; empty to store ids as they come.

    Raises:
        ValueError: the key is too short.
    """

    def __init__(self, key: str = "") -> None:
        if key and len(key.encode()) < MIN_KEY_BYTES:
            raise ValueError(
                f"a user id key needs at least {MIN_KEY_BYTES} bytes, such as those of `openssl rand -hex 32`"
            )
        # A key of any length becomes one of the length that BLAKE2b takes.
        self._key = blake2b(key.encode(), person=b"winnow user key").digest() if key else b""

    @property
    def fingerprint(self) -> str:
        """Tells one key from another without telling the key; empty where ids are stored as they come."""
        return (
            blake2b(key=self._key, digest_size=_ID_BYTES, person=b"winnow key check").hexdigest() if self._key else ""
        )

    def stored(self, user_id: str) -> str:
        """Returns the id that a user is stored under; nobody, the empty id, stays nobody."""
        if not self._key or not user_id:
            return user_id
        return blake2b(user_id.encode(), key=self._key, digest_size=_ID_BYTES).hexdigest()


def read_key(key: str, key_file: Path | None) -> str:
    """Returns the key that is given as text or in a file, whose last line break does not count; empty without either.

    Raises:
        ValueError: both are given, or the file cannot be read or is empty.
    """
    if key_file is None:
        return key
    if key:
        raise ValueError("the user id key is given twice, as text and in a file; give it once")
    try:
        found = key_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {key_file} with the user id key cannot be read: {error}") from error
    if not found:
        raise ValueError(f"the file {key_file} with the user id key is empty")
    return found
