"""Published data sets, for tests on machines that have a copy of them."""

from pathlib import Path

import pytest

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def published(name: str, file: str = "") -> Path:
    """Returns the folder of a data set that the project may not ship; skips the test where there is none.

    Args:
        name: Of the folder.
        file: What must be in it.
    """
    folder = _DATA / name
    if not (folder / file).exists():
        pytest.skip(f"needs a copy of the data set in ../shared/data/{name}, which is not part of the project")
    return folder
