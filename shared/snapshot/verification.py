"""Whether a snapshot's files are the ones that training wrote."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import MANIFEST_FILE, FileEntry, Manifest


def list_files(folder: Path) -> tuple[FileEntry, ...]:
    """Returns an entry with size and checksum for every file below `folder` but the manifest, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST_FILE)
    return tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)) for path in paths
    )


def verify_files(folder: Path, manifest: Manifest, only: Iterable[str] | None = None) -> None:
    """Checks sizes and checksums.

    Args:
        folder: The snapshot's folder.
        manifest: What its files should be.
        only: Paths to check; all files of the manifest when None. A service checks what it loads.

    Raises:
        SnapshotRefused: a file is missing, not in the manifest, or not what training wrote; all of them are named.
    """
    entries = {entry.path: entry for entry in manifest.files}
    problems = []
    for path in entries if only is None else only:
        entry = entries.get(path)
        problem = "is not in the manifest" if entry is None else _problem_with(folder, entry)
        if problem:
            problems.append(f"{path} {problem}")
    if problems:
        raise SnapshotRefused(manifest.id, "; ".join(problems))


def file_sha256(path: Path) -> str:
    """Returns the checksum of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _problem_with(folder: Path, entry: FileEntry) -> str | None:
    path = folder / entry.path
    if not path.resolve().is_relative_to(folder.resolve()):
        return "leads out of the snapshot's folder"
    try:
        size = path.stat().st_size
    except OSError:
        return "is missing"
    if size != entry.bytes:
        return f"has {size} bytes, not {entry.bytes}"
    if file_sha256(path) != entry.sha256:
        return "has another checksum than the manifest says"
    return None
