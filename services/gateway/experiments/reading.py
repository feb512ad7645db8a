"""Reading an experiments file, strictly: a word that is spelt wrongly must not become an experiment without effect."""

from pathlib import Path

import msgspec

from services.gateway.experiments.definition import Experiments


class ExperimentsRefused(Exception):
    """The file cannot be read, or does not say what an experiment is. The message names the place."""


def read_experiments(path: Path) -> Experiments:
    """Reads a TOML file of experiments.

    Raises:
        ExperimentsRefused: it cannot be read, is no TOML, or breaks a rule of `definition`.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Experiments)
    except OSError as error:
        raise ExperimentsRefused(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExperimentsRefused(f"{path}: {str(error).rstrip('.')}") from error
