"""Erasing a user's rows from Parquet files."""

import os
from pathlib import Path

import polars as pl

from services.cli.failure import Failure
from shared.event_log.segments import sync_folder

USER_COLUMN = "user_id"


def erase_examples(folder: Path, user_id: str) -> int:
    """Removes a user's rows from every Parquet file in a folder and below; returns how many.

    A file with rows of the user is written anew beside the old one, synced, and renamed over it: whole or not at all.
    Files without a column `user_id` are of nobody in particular, and are left alone.

    Args:
        folder: The folder.
        user_id: The user, as the id is stored.

    Raises:
        Failure: a file cannot be read or written. Those before it are done, and repeating does the rest.
    """
    return sum(_erase_in(path, user_id) for path in sorted(folder.rglob("*.parquet")))


def _erase_in(path: Path, user_id: str) -> int:
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        if USER_COLUMN not in pl.read_parquet_schema(path):
            return 0
        is_users = pl.col(USER_COLUMN).cast(pl.String) == user_id
        count = int(pl.scan_parquet(path, glob=False).select(is_users.sum()).collect().item())
        if count:
            # Rows of nobody have no id, which is not equal to any.
            pl.scan_parquet(path, glob=False).filter(is_users.not_().fill_null(True)).sink_parquet(unfinished)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
            sync_folder(path.parent)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Failure(f"{path} cannot be erased from: {error}. Repeat the command when that is mended.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count
