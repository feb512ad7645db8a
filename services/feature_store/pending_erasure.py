"""Whose erasure was begun: it is finished whatever ends the process in between."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from shared.event_log.segments import sync_folder

#: Inside of the store's folder, from before something is erased until all of it is.
FILE = "erasing.json"


class PendingErasure:
    """The note of whose erasure was begun. It names users, and so it is removed with the last of them.

    Args:
        folder: The store's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @property
    def user_ids(self) -> list[str]:
        """Who is to be erased, as their ids are stored."""
        try:
            return list(json.loads(self._path.read_text()))
        except FileNotFoundError:
            return []

    def write(self, user_ids: Sequence[str]) -> None:
        """Notes who is to be erased, durably, in place of what was noted.

        Raises:
            OSError: it cannot be written; what was noted stays.
        """
        unfinished = self._path.with_suffix(".tmp")
        try:
            with unfinished.open("w") as file:
                json.dump(list(user_ids), file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_folder(self._path.parent)

    def remove(self) -> None:
        """Removes the note, durably."""
        self._path.with_suffix(".tmp").unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        sync_folder(self._path.parent)
