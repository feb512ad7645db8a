"""The table of contents of an offline store: which files count, and how far in the log they reach."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.training.offline.errors import OfflineStoreError
from services.training.offline.tables import Table
from shared.durable_files import replace_file

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 1


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a table.

    Attributes:
        file: Its name within the folder of its table.
        rows: How many it has.
        bytes: How large it is.
    """

    file: str
    rows: int
    bytes: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an offline store holds.

    Attributes:
        position: Where the last record ends that was taken from the log.
        tables: The parts of each table, in the order of the log.
        format_version: Of the store.
    """

    position: int = 0
    tables: dict[Table, tuple[Part, ...]] = {}
    format_version: int = FORMAT_VERSION

    def rows(self, table: Table) -> int:
        """Returns how many rows a table has."""
        return sum(part.rows for part in self.tables.get(table, ()))


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of a store; an empty one where there is no store yet.

    Raises:
        OfflineStoreError: it cannot be read, or is of another version.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, msgspec.MsgspecError) as error:
        raise OfflineStoreError(f"{path} cannot be read: {error}. Make the store anew with --rebuild.") from error
    if manifest.format_version != FORMAT_VERSION:
        raise OfflineStoreError(
            f"{path} is of version {manifest.format_version}, not {FORMAT_VERSION}. Make the store anew with --rebuild."
        )
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replaces the manifest of a store at once and for good: after a crash it is the old one or the new one."""
    replace_file(folder / MANIFEST_FILE, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
