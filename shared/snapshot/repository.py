"""The folder that snapshots are published to: write aside, sync, rename; `current` is replaced atomically."""

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.durable_files import replace_file, sync
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import MANIFEST_FILE, Manifest, encode_manifest, read_manifest

CURRENT_FILE = "current"

_STAGING_PREFIX = ".staging-"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class SnapshotRepository:
    """Snapshots under one root folder.

    Args:
        root: The folder; it need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, snapshot_id: str) -> Path:
        """Returns the folder of a snapshot.

        Raises:
            SnapshotRefused: the id cannot be a folder's name.
        """
        if not _ID.fullmatch(snapshot_id):
            raise SnapshotRefused(snapshot_id[:128], "an id has letters, digits, '.', '_' and '-' alone")
        return self.root / snapshot_id

    def manifest(self, snapshot_id: str) -> Manifest:
        """Returns the manifest of a snapshot.

        Raises:
            SnapshotRefused: there is no such snapshot, its manifest cannot be read, or is another snapshot's.
        """
        manifest = read_manifest(self.folder(snapshot_id))
        if manifest.id != snapshot_id:
            raise SnapshotRefused(snapshot_id, f"its manifest is that of {manifest.id}")
        return manifest

    def ids(self) -> list[str]:
        """Returns the ids of all snapshots, oldest first by name: ids begin with the time of training."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if _ID.fullmatch(path.name) and (path / MANIFEST_FILE).is_file()
        )

    def current(self) -> str | None:
        """Returns the id that `current` points to, or None where nothing was activated."""
        try:
            return (self.root / CURRENT_FILE).read_text("utf-8", errors="replace").strip() or None
        except FileNotFoundError:
            return None

    def activate(self, snapshot_id: str) -> None:
        """Points `current` at a snapshot; services follow within their poll interval.

        Raises:
            SnapshotRefused: there is no such snapshot, its manifest cannot be read, or is another snapshot's.
        """
        self.manifest(snapshot_id)
        replace_file(self.root / CURRENT_FILE, f"{snapshot_id}\n".encode())

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Gives an empty folder to write a snapshot in; what was not published from it is removed in the end."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root / f"{_STAGING_PREFIX}{uuid.uuid4().hex}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, manifest: Manifest) -> Path:
        """Completes a staged folder with its manifest and gives it its name. It is not activated.

        Args:
            staged: The folder from `staging`, holding every file that the manifest names.
            manifest: Its table of contents.

        Returns:
            The snapshot's folder.

        Raises:
            SnapshotRefused: a snapshot of that id exists.
        """
        target = self.folder(manifest.id)
        if target.exists():
            raise SnapshotRefused(manifest.id, "it exists already; snapshots are immutable")
        (staged / MANIFEST_FILE).write_bytes(encode_manifest(manifest))
        for path in sorted(staged.rglob("*")):
            sync(path)
        sync(staged)
        staged.rename(target)
        sync(self.root)
        return target
