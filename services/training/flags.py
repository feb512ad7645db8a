"""What the entries of training have in common: flags, what is refused, and how they speak."""

from __future__ import annotations

import argparse
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from services.training.datasets import DatasetError
from services.training.devices import DeviceMissing
from services.training.offline.errors import OfflineStoreError
from services.training.recall.model import Unsuitable
from shared.event_log import LogDamaged
from shared.event_log.segments import list_segments
from shared.events import EventWeights
from shared.logs import configure_logs

#: What data, logs, files and configurations that cannot be used are refused with.
UNUSABLE = (
    DatasetError,
    DeviceMissing,
    LogDamaged,
    OfflineStoreError,
    Unsuitable,
    ValidationError,
    tomllib.TOMLDecodeError,
    OSError,
)


def add_common_flags(parser: argparse.ArgumentParser, *, log_required: bool = False) -> None:
    """Adds the flags that say what to read beside a data set, how to train, and where the result goes."""
    parser.add_argument(
        "--log",
        type=Path,
        required=log_required,
        help="folder of the feature store's log, which continues the data set",
    )
    parser.add_argument("--offline", type=Path, help="offline store to bring up to date with --log and to read from")
    parser.add_argument("--user-id-key-file", type=Path, help="key by whose hashes the log has the users, if it does")
    parser.add_argument(
        "--event-weights",
        type=_weights,
        help="what events count, such as like=4,impression=-0.1",
    )
    parser.add_argument("--out", type=Path, default=Path("var/snapshots"), help="root folder of the snapshots")
    parser.add_argument("--config", type=Path, help="TOML file whose tables are the sections of the configuration")
    parser.add_argument("--quiet", action="store_true", help="show nothing but errors")


def within(number: type[float], low: float, high: float = math.inf) -> Callable[[str], float]:
    """Returns the type of a flag that takes finite numbers of a kind, from `low` to `high`."""

    def parse(text: str) -> float:
        value = number(text)
        if not (low <= value <= high and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"{text} is not " + _range(low, high))
        return value

    # A text that is no number at all is refused by this name.
    parse.__name__ = number.__name__
    return parse


def existing_log(folder: Path) -> Path:
    """Returns the folder of a log.

    Raises:
        DatasetError: there is no log in it. A feature store makes the first segment when it starts.
    """
    if not list_segments(folder):
        raise DatasetError("there is no log", remedy="Name the folder log in that of the feature store.", path=folder)
    return folder


def console_for(*, quiet: bool) -> Console:
    """Returns where to speak: to a terminal in words, elsewhere with lines of the log around them."""
    console = Console(quiet=quiet)
    if not console.is_terminal:
        configure_logs("training", "warning" if quiet else "info")
    return console


def _range(low: float, high: float) -> str:
    return f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"


def _weights(text: str) -> EventWeights:
    try:
        return EventWeights.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
