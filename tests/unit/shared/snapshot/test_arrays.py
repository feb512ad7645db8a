"""Mapping the arrays of a snapshot."""

from pathlib import Path

import numpy as np
import pytest

from shared.snapshot.arrays import map_floats
from shared.snapshot.errors import SnapshotRefused


def test_an_array_is_mapped_and_not_copied(tmp_path: Path) -> None:
    """The values are those of the file, and the memory is the file's."""
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    array = map_floats(tmp_path, "a.npy", (2, 3))
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert type(array) is np.ndarray
    assert isinstance(array.base, np.memmap)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((2, 4), dtype=np.float32), r"a\.npy is float32 \[2, 4\], not float32 \[2, 3\]"),
        (np.zeros((2, 3), dtype=np.float64), r"a\.npy is float64 \[2, 3\], not float32 \[2, 3\]"),
        (np.full((2, 3), np.nan, dtype=np.float32), "a.npy holds NaN or infinity"),
    ],
)
def test_an_array_that_is_not_as_promised_is_refused(tmp_path: Path, array: np.ndarray, problem: str) -> None:
    """The refusal says what was found and what was expected."""
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(SnapshotRefused, match=problem):
        map_floats(tmp_path, "a.npy", (2, 3))


@pytest.mark.parametrize("content", [None, b"", b"not an array"])
def test_a_file_that_is_no_array_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """So is one that is missing."""
    if content is not None:
        (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SnapshotRefused, match="cannot be read as an array"):
        map_floats(tmp_path, "a.npy", (2, 3))
