"""The release is written down once for packages and once for services."""

import tomllib

from shared.version import VERSION
from tests.unit.project.sources import ROOT


def test_the_services_say_the_release_that_the_package_has() -> None:
    """They cannot ask: an image holds our code, not the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
