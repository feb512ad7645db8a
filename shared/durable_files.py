"""Files that are on disk when a function returns, and that no crash leaves half written."""

import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file at once and for good: after a crash it has the old content or the new.

    What is written aside meanwhile is called `.NAME-` and some digits, so that several processes may do it at once.
    """
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    aside.write_bytes(content)
    sync(aside)
    aside.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
