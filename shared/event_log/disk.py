"""Writing, and waiting until what was written is on disk."""

import os
from pathlib import Path

from shared.event_log.segments import sync_folder


class Disk:
    """What writes, and makes it durable: the seam at which tests watch the order and let it fail."""

    def write(self, handle: int, content: memoryview) -> int:
        """Writes the beginning of `content` to the end of a file, and returns how many bytes."""
        return os.write(handle, content)

    def sync_file(self, handle: int) -> None:
        """Waits until what was written to a file is on disk."""
        os.fdatasync(handle)

    def sync_folder(self, folder: Path) -> None:
        """Waits until the names of a folder's files are on disk."""
        sync_folder(folder)
