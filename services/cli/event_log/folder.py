"""The folder of a log, as it is named on the command line."""

from pathlib import Path

from services.cli.failure import Failure
from shared.event_log.segments import list_segments


def check_folder(folder: Path) -> None:
    """Checks that a folder holds a log.

    Raises:
        Failure: it does not.
    """
    if list_segments(folder):
        return
    inside = folder / "log"
    hint = f" It is in {inside}." if list_segments(inside) else ""
    raise Failure(f"{folder} holds no event log.{hint or ' The feature store keeps it in the folder log of its own.'}")
