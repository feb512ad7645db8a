"""The arrays of a snapshot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.snapshot.errors import SnapshotRefused


def map_floats(folder: Path, path: str, shape: Sequence[int], *, copy_on_write: bool = False) -> NDArray[np.float32]:
    """Returns a float32 array that lies in the page cache, shared by all processes that map the file.

    Args:
        folder: The snapshot's folder.
        path: The .npy file's path in it.
        shape: The shape that the manifest promises.
        copy_on_write: Whether the array may be written to. The file never changes: a page that is written to, 4 KiB,
            becomes this process's own, and only such pages take memory beside the page cache.

    Raises:
        SnapshotRefused: the file holds no such array, or one that is not finite.
    """
    try:
        array = np.load(folder / path, mmap_mode="c" if copy_on_write else "r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SnapshotRefused(folder.name, f"{path} cannot be read as an array: {error}") from error
    if array.dtype != np.float32 or array.shape != tuple(shape):
        raise SnapshotRefused(
            folder.name, f"{path} is {array.dtype.name} {list(array.shape)}, not float32 {list(shape)}"
        )
    if not np.isfinite(array).all():
        raise SnapshotRefused(folder.name, f"{path} holds NaN or infinity")
    # A plain array over the same memory: indexing np.memmap costs several times as much.
    return np.asarray(array)
