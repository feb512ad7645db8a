"""The offline store: a folder of Parquet files and a manifest that says which of them count."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from services.training.offline.errors import OfflineStoreError
from services.training.offline.manifest import MANIFEST_FILE, Manifest, Part, read_manifest, write_manifest
from services.training.offline.tables import COLUMNS, TABLES, Table
from shared.durable_files import sync

_LOCK_FILE = "lock"


class OfflineStore:
    """Tables under one folder, each of Parquet files compressed with zstd.

    Files are never changed. What is written becomes part of the store when the manifest that names it replaces the one
    before, so a reader sees all of an addition or nothing of it, and so does whoever comes after a crash. Files that the
    manifest no longer names stay until the next writer begins: a reader has that long to finish.

    Args:
        folder: Of the store; it need not exist yet.
        part_rows: A file is filled up to about this many rows before the next one is begun.
    """

    def __init__(self, folder: Path, part_rows: int = 250_000) -> None:
        self.folder = folder
        self._part_rows = part_rows

    def manifest(self) -> Manifest:
        """Returns what the store holds now.

        Raises:
            OfflineStoreError: the manifest cannot be read.
        """
        return read_manifest(self.folder)

    def scan(self, table: Table) -> pl.LazyFrame:
        """Returns a table, to be read when it is collected; it has the columns of `COLUMNS`.

        Raises:
            OfflineStoreError: the manifest cannot be read.
        """
        parts = self.manifest().tables.get(table, ())
        if not parts:
            return pl.LazyFrame(schema=COLUMNS[table])
        return pl.scan_parquet([self.folder / table / part.file for part in parts], glob=False)

    @contextmanager
    def writing(self, *, anew: bool = False) -> Iterator[None]:
        """Keeps other writers out, and clears away what earlier ones left behind.

        Args:
            anew: Forgets every row and the position first, also of a store whose manifest cannot be read.

        Raises:
            OfflineStoreError: another process writes to the store.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / _LOCK_FILE, os.O_CREAT | os.O_RDWR)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OfflineStoreError(f"Another process writes to {self.folder}. Wait until it is done.") from None
            if anew:
                self.folder.joinpath(MANIFEST_FILE).unlink(missing_ok=True)
                sync(self.folder)
            self.clear_away()
            yield
        finally:
            os.close(descriptor)

    def append(self, frames: Mapping[Table, pl.DataFrame], position: int) -> None:
        """Adds rows to the tables, all at once; only within `writing`.

        Args:
            frames: The rows, which follow those of the store in the log.
            position: How far in the log the store then reaches.
        """
        manifest = self.manifest()
        tables = dict(manifest.tables)
        for table, frame in frames.items():
            tables[table] = self._extended(table, tables.get(table, ()), frame)
        write_manifest(self.folder, Manifest(position, tables))

    def rewrite(self, keep: Mapping[Table, pl.Expr]) -> dict[Table, int]:
        """Drops the rows of tables that are not to be kept, all at once; only within `writing`.

        Args:
            keep: For each table true of the rows that stay. A part none of whose rows goes is not written anew.

        Returns:
            How many rows went, by table.
        """
        manifest = self.manifest()
        tables, dropped = dict(manifest.tables), dict.fromkeys(keep, 0)
        for table, stays in keep.items():
            parts = []
            for part in tables.get(table, ()):
                rows = pl.scan_parquet(self.folder / table / part.file, glob=False).filter(stays).collect()
                dropped[table] += part.rows - len(rows)
                if len(rows) == part.rows:
                    parts.append(part)
                elif len(rows):
                    parts.append(self._write(table, rows))
            tables[table] = tuple(parts)
        write_manifest(self.folder, Manifest(manifest.position, tables))
        return dropped

    def clear_away(self) -> None:
        """Removes the files that the manifest does not name; only within `writing`."""
        manifest = self.manifest()
        for table in TABLES:
            named = {part.file for part in manifest.tables.get(table, ())}
            for path in (self.folder / table).glob("*.parquet"):
                if path.name not in named:
                    path.unlink()
        for path in self.folder.glob(f".{MANIFEST_FILE}-*"):
            path.unlink()

    def _extended(self, table: Table, parts: tuple[Part, ...], frame: pl.DataFrame) -> tuple[Part, ...]:
        """The parts of a table with rows added; a last part that has room is written anew with them."""
        (self.folder / table).mkdir(exist_ok=True)
        if parts and parts[-1].rows + len(frame) <= self._part_rows:
            last = pl.read_parquet(self.folder / table / parts[-1].file, glob=False)
            parts, frame = parts[:-1], pl.concat([last, frame])
        return (*parts, self._write(table, frame))

    def _write(self, table: Table, frame: pl.DataFrame) -> Part:
        first, last = frame["position"][0], frame["position"][-1]
        # The random end keeps a part that is written anew from taking the name of the one it replaces.
        path = self.folder / table / f"{first:020}-{last:020}-{secrets.token_hex(4)}.parquet"
        frame.write_parquet(path, compression="zstd", mkdir=True)
        sync(path)
        sync(path.parent)
        return Part(path.name, len(frame), path.stat().st_size)
