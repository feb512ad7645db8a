"""What several tests of the report page begin with."""

from __future__ import annotations

import pytest

from services.cli.report_page.measurement import Measurement
from tests.unit.cli.report_page.measured import measurement


@pytest.fixture(scope="package")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """A measurement that tests only read."""
    return measurement(tmp_path_factory.mktemp("snapshots"))
