"""run.toml: what made a snapshot, as a file that a person reads and that makes it again."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from services.training.runs.toml_text import to_toml
from shared.version import VERSION

#: The file's name, in a run's folder and in a snapshot.
RECORD_FILE = "run.toml"
#: The table of it that is no configuration.
RECORD_TABLE = "run"

_PACKAGES = ("annoy", "numpy", "onnx", "onnxruntime-gpu", "polars", "scikit-learn", "scipy", "torch")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run came from.

    Attributes:
        command: As it was called; empty where it was no command.
        sources: The flags of the command that say what to read, by name without dashes, with absolute paths.
        data: The SHA-256, in hexadecimal, of all that was read; `data_digest` computes it.
    """

    command: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    data: str = ""

    def flags(self) -> list[str]:
        """Returns the sources as flags."""
        return [f"--{name}={value}" for name, value in self.sources.items()]


def record_text(settings: Mapping[str, Any], origin: Origin, dataset: str, computed_on: str = "") -> str:
    """Returns run.toml: every setting, then the table `[run]` with what is none.

    Args:
        settings: As they took effect; its tables become the sections.
        origin: Of the run.
        dataset: Its name.
        computed_on: Device, precision and number of processes.
    """
    run = {
        "command": origin.command or None,
        "dataset": dataset,
        "data_sha256": origin.data,
        "computed_on": computed_on or None,
        "winnow": VERSION,
        "python": platform.python_version(),
        "sources": dict(origin.sources) or None,
        "versions": _versions(),
    }
    words = "# Every setting of a training run: `winnow train --config` with this file does it again, on the same data."
    return f"{words}\n\n" + to_toml({**settings, RECORD_TABLE: run})


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the settings of a run.toml, or of any other configuration.

    Raises:
        OSError: it cannot be read.
        tomllib.TOMLDecodeError: it is not TOML.
    """
    return {name: value for name, value in _read(path).items() if name != RECORD_TABLE}


def read_origin(path: Path) -> Origin | None:
    """Returns where the run of a run.toml came from; None where the file is a configuration that somebody wrote.

    Raises:
        OSError: it cannot be read.
        tomllib.TOMLDecodeError: it is not TOML.
    """
    table = _read(path).get(RECORD_TABLE)
    if not isinstance(table, dict):
        return None
    sources = table.get("sources")
    known = sources if isinstance(sources, dict) else {}
    return Origin(
        str(table.get("command", "")),
        {name: str(value) for name, value in known.items()},
        str(table.get("data_sha256", "")),
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # such as a CPU build of ONNX Runtime in its place
            continue
    return found
