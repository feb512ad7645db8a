"""Prints what an optional-dependency group of pyproject.toml needs, one requirement a line.

An image installs its dependencies before any of our code is copied, so that a change of code ships a layer of
kilobytes instead of gigabytes; pip installs a group only together with the project that declares it.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any


def requirements(project: dict[str, Any], group: str) -> list[str]:
    """Returns the project's own requirements and the group's, with groups of the project itself resolved.

    Args:
        project: The `project` table of pyproject.toml.
        group: A name under `optional-dependencies`.

    Raises:
        KeyError: the project declares no such group.
    """
    found = set(project["dependencies"])
    for requirement in project["optional-dependencies"][group]:
        if requirement.startswith(f"{project['name']}["):
            inner = requirement.partition("[")[2].rstrip("]")
            found.update(*(requirements(project, name) for name in inner.split(",")))
        else:
            found.add(requirement)
    return sorted(found)


if __name__ == "__main__":
    declared = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    print("\n".join(requirements(declared, sys.argv[1])))  # noqa: T201 - its output is what it is for
