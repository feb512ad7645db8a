"""Printing the records of the log, one JSON object a line."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from services.cli.event_log.folder import check_folder
from services.cli.failure import Failure
from shared.event_log import LogDamaged, read_log
from shared.event_log.records import Record, kind_of

_FOLLOW_SECONDS = 0.2


def show(folder: Path, user_id: str, kind: str, after: int, follow: bool) -> None:
    """Prints records, oldest first.

    Args:
        folder: Of the log.
        user_id: Only those of this user, as the id is stored; empty for all.
        kind: Only those of this kind; empty for all.
        after: Only those that end after this position.
        follow: Whether to wait for more when all are printed, until interrupted.

    Raises:
        Failure: there is no log, or it is damaged.
    """
    check_folder(folder)
    try:
        for position, record in follow_log(folder, after, time.sleep if follow else None):
            if (not kind or kind_of(record) == kind) and (not user_id or getattr(record, "user_id", None) == user_id):
                sys.stdout.write(_line(position, record))
    except LogDamaged as damaged:
        raise Failure(f"The log is damaged. {damaged}.") from damaged
    except KeyboardInterrupt:
        return
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()


def follow_log(
    folder: Path, position: int, wait: Callable[[float], None] | None = None
) -> Iterator[tuple[int, Record]]:
    """Yields what `read_log` does; then waits, and goes on with what was written meanwhile, without end.

    Args:
        folder: Of the log.
        position: Where to begin.
        wait: Is called with seconds; where there is none, this ends with the log.
    """
    while True:
        for position, record in read_log(folder, position):  # noqa: B020, PLR1704 - where to go on next time
            yield position, record
        if wait is None:
            return
        sys.stdout.flush()
        wait(_FOLLOW_SECONDS)


def _line(position: int, record: Record) -> str:
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    line = msgspec.json.encode({"position": position, "kind": kind_of(record), **fields})
    return line.decode() + "\n"
