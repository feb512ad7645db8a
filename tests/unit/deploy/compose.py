"""The Compose files, as the tests of this folder ask for them."""

from typing import Any

import yaml

from deploy.render_manifests import DEPLOY


def compose_file(name: str) -> dict[str, Any]:
    """Returns one of the Compose files."""
    return dict(yaml.safe_load((DEPLOY / "compose" / name).read_text()))


def compose_services() -> dict[str, dict[str, Any]]:
    """Returns the services of the suite by name."""
    return dict(compose_file("compose.yaml")["services"])
