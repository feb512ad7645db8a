"""Replaying a log into an offline store, with a bar."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import Progress

from services.cli.failure import Failure
from services.cli.offline.failing import sentences
from services.cli.output import remarks
from services.training.offline.backfill import Backfilled, backfill
from services.training.offline.store import OfflineStore
from shared.event_log import read_log
from shared.event_log.segments import list_segments


def replay(log: Path, out: Path, *, rebuild: bool = False) -> Backfilled:
    """Brings the store in `out` up to the end of the log.

    Raises:
        Failure: there is no log, it is damaged, or the store cannot be written.
    """
    segments = list_segments(log)
    if not segments:
        raise Failure(f"There is no log in {log}. It is the folder `log` within that of the feature store.")
    store = OfflineStore(out)
    end = segments[-1].start + segments[-1].path.stat().st_size
    with sentences(), Progress(console=remarks(), transient=True) as progress:
        position = 0 if rebuild else store.manifest().position
        if segments[0].start > position:
            remarks().print(
                f"The log begins at {segments[0].start}, but the store ends at {position}: "
                "what was between them has been dropped by the log's retention."
            )
        task = progress.add_task("Replaying the log", total=end, completed=position)
        return backfill(
            store,
            lambda after: read_log(log, after),
            rebuild=rebuild,
            on_batch=lambda so_far: progress.update(task, completed=so_far.end),
        )


@contextmanager
def opened(offline: Path | None, log: Path | None) -> Iterator[OfflineStore]:
    """Gives the offline store, or one of the log that lasts as long as the context.

    Raises:
        Failure: neither or both were named, there is no such store, or the log cannot be read.
    """
    if (offline is None) == (log is None):
        raise Failure("Name either an offline store with --offline or a log with --log.", exit_code=2)
    if offline is not None:
        with sentences():
            if not OfflineStore(offline).manifest().tables:
                raise Failure(f"There is no offline store in {offline}. Make one with `winnow features backfill`.")
            yield OfflineStore(offline)
    elif log is not None:
        with tempfile.TemporaryDirectory() as folder:
            replay(log, Path(folder))
            with sentences():
                yield OfflineStore(Path(folder))
