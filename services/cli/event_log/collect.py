"""What `winnow log collect` does."""

import time
from pathlib import Path

from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from services.cli.failure import Failure
from services.feature_store.redis_store.collector import Collector
from services.feature_store.redis_store.connection import connected_now
from shared.event_log import EventLog, LogBroken, LogDamaged


def collect(url: str, out: Path, every_seconds: float, quiet: bool) -> None:
    """Collects once, or every so often until it is interrupted.

    Raises:
        Failure: Redis cannot be reached, or the log not be written.
    """
    console = Console(quiet=quiet)
    try:
        with EventLog(out) as log:
            while True:
                try:
                    taken = _collect_once(url, log, console)
                except RedisError:
                    if not every_seconds:
                        raise
                    console.print("Redis cannot be reached; it is tried again.")
                else:
                    if taken or not every_seconds:
                        console.print(f"{taken} records collected to {out}, which ends at {log.end}.")
                if not every_seconds:
                    return
                time.sleep(every_seconds)
    except RedisError as error:
        raise Failure(f"Redis cannot be reached: {error}") from error
    except (LogBroken, LogDamaged, OSError) as error:
        raise Failure(f"The log cannot be written: {error}") from error
    except KeyboardInterrupt:
        return


def _collect_once(url: str, log: EventLog, console: Console) -> int:
    with (
        connected_now(url) as client,
        Progress(SpinnerColumn(), TextColumn("{task.completed:.0f} records"), console=console, transient=True) as shown,
    ):
        task = shown.add_task("collect", total=None)
        return Collector(client, log).collect(lambda records: shown.advance(task, records))
