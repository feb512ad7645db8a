"""What is installed is what was tested."""

import re
import tomllib

import pytest

from tests.unit.project.sources import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().lower().splitlines()
    if line and not line.startswith("#")
)


def normalised(name: str) -> str:
    """Returns a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_dependencies() -> set[str]:
    """Returns the packages that pyproject.toml names, in any group, but for the project itself."""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {normalised(re.split(r"[\[<>=!~ ;]", one)[0]) for group in groups for one in group}
    return names - {PROJECT["name"]}


@pytest.mark.parametrize("package", sorted(direct_dependencies()))
def test_every_dependency_has_an_exact_version(package: str) -> None:
    """In constraints.txt, so that an install tomorrow gives what runs today."""
    assert package in {normalised(name) for name in PINS}


def test_every_pin_is_a_plain_version() -> None:
    """No ranges, no addresses, no local builds."""
    assert [name for name, version in PINS.items() if not re.fullmatch(r"\d+(\.\w+)*", version)] == []
