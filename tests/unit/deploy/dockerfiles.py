"""The Dockerfiles, as the tests of this folder ask for them."""

import shlex
import tomllib
from typing import Any

from deploy.render_manifests import DEPLOY

ROOT = DEPLOY.parent
IMAGES = ("gateway", "feature_store", "recall", "ranking", "training")


def instructions(image: str) -> list[tuple[str, str]]:
    """Returns an image's instructions in order, each with its arguments; continued lines are joined."""
    text = (DEPLOY / "docker" / f"{image}.Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in joined]


def final_stage(image: str) -> list[tuple[str, str]]:
    """Returns the instructions of the stage that is shipped."""
    every = instructions(image)
    last_from = max(place for place, (keyword, _) in enumerate(every) if keyword == "FROM")
    return every[last_from:]


def arguments(image: str, keyword: str) -> list[str]:
    """Returns what the shipped stage gives to each instruction of one kind."""
    return [value for name, value in final_stage(image) if name == keyword]


def copied_sources(image: str) -> list[tuple[str, str]]:
    """Returns what the shipped stage copies from the repository: source and place in the image."""
    pairs = [shlex.split(value) for value in arguments(image, "COPY") if not value.startswith("--from")]
    return [(source, target) for source, target in pairs]


def installed_group(image: str) -> str:
    """Returns the dependency group that an image installs by default."""
    (command,) = [value for name, value in instructions(image) if name == "RUN" and "requirements.py" in value]
    group = shlex.split(command)[2]
    defaults = dict(value.split("=", 1) for name, value in instructions(image) if name == "ARG" and "=" in value)
    return defaults[group.strip("${}")] if group.startswith("$") else group


def project() -> dict[str, Any]:
    """Returns the `project` table of pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])
