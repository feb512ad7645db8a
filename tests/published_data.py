"""Published data sets, for tests and benchmarks on machines that have a copy of them."""

from pathlib import Path

import pytest

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def place_of(name: str) -> Path:
    """Returns where a data set would be that the project may not ship."""
    return _DATA / name


def published(name: str, file: str = "") -> Path:
    """Returns the folder of a data set that the project may not ship; skips the test where there is none.

    Args:
        name: Of the folder.
        file: What must be in it.
    """
    folder = place_of(name)
    if not (folder / file).exists():
        pytest.skip(f"needs a copy of the data set in ../shared/data/{name}, which is not part of the project")
    return folder
