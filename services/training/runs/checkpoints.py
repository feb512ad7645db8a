"""Checkpoint files: whole or not there, and never believed unread."""

from __future__ import annotations

import hashlib
import os
import pickle
import secrets
from pathlib import Path
from typing import IO, Any, cast

import structlog
import torch

from shared.durable_files import sync

logger = structlog.get_logger()

_MAGIC = b"winnow-checkpoint-1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_READ_AT_A_TIME = 1 << 20


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replaces a checkpoint at once: whoever is killed meanwhile leaves the old one or the new one.

    Args:
        path: In an existing folder.
        state: Tensors, numbers, texts, and lists and dictionaries of these.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    aside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with aside.open("w+b") as file:
            file.write(_MAGIC + bytes(_DIGEST_BYTES))
            hashing = _HashingWriter(file)
            # Written through, not first to memory: a large model has no room for a second copy of its optimiser.
            torch.save(state, cast("IO[bytes]", hashing))
            file.seek(len(_MAGIC))
            file.write(hashing.digest())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync(path.parent)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """Returns what a checkpoint holds; None, with a warning in the log, where it is not what was written.

    Nothing in the file is executed. A file that is not there is None without a warning.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC or file.read(_DIGEST_BYTES) != _digest_of_rest(file):
                logger.warning("a checkpoint is damaged and is ignored", path=str(path))
                return None
            file.seek(len(_MAGIC) + _DIGEST_BYTES)
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            return state
    except FileNotFoundError:
        return None
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        logger.warning("a checkpoint cannot be read and is ignored", path=str(path), problem=str(error))
        return None


class _HashingWriter:
    """A file to write to that computes the digest of what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._hash.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()

    def digest(self) -> bytes:
        return self._hash.digest()


def _digest_of_rest(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while part := file.read(_READ_AT_A_TIME):
        digest.update(part)
    return digest.digest()
