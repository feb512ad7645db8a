"""What every test begins with."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that configures the logs of this process must not leave a stream behind that was its own."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
