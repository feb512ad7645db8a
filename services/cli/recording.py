"""Recording events: one from the command line, or those of a file in batches."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.progress import Progress

from services.cli.events import read_events
from services.cli.failure import Failure
from services.cli.output import console, print_json, remarks
from winnow.client import Event, EventType, InvalidArgument, RecordResult, WinnowClient

#: The contract's limit on one request.
BATCH = 1000


@dataclass(frozen=True)
class Recorded:
    """How many events were new, and how many had been recorded before."""

    recorded: int
    duplicates: int


def one_event(user: str, item: str, event_type: EventType, event_id: str, at: str) -> Event:
    """Returns the event that the options describe; without an id it gets a random one.

    Raises:
        typer.BadParameter: `at` is no time.
    """
    when = _time(at) if at else None
    if event_id:
        return Event(user, item, event_type, event_id, when)
    return Event(user, item, event_type, occurred_at=when)


def send(client: WinnowClient, event: Event) -> Recorded:
    """Sends one event.

    Raises:
        WinnowError: the gateway failed, or refused it.
    """
    result = client.record([event])
    return Recorded(result.recorded, result.duplicates)


def send_file(client: WinnowClient, path: Path) -> Recorded:
    """Sends the events of a file in batches, with a progress bar.

    Raises:
        Failure: the file or an event in it is wrong; the message says what was recorded until then.
        WinnowError: the gateway failed.
    """
    events = list(read_events(path))
    recorded = duplicates = 0
    with Progress(console=remarks(), transient=True) as progress:
        for start in progress.track(range(0, len(events), BATCH), description="Recording"):
            result = _send_batch(client, events[start : start + BATCH], path, start)
            recorded += result.recorded
            duplicates += result.duplicates
    return Recorded(recorded, duplicates)


def show(result: Recorded, as_json: bool) -> None:
    """Prints the counts."""
    if as_json:
        print_json({"recorded": result.recorded, "duplicates": result.duplicates})
    else:
        console().print(f"{result.recorded} recorded, {result.duplicates} known before.")


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--at {text!r} is no time such as 2026-11-21T10:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _send_batch(client: WinnowClient, batch: list[Event], path: Path, start: int) -> RecordResult:
    try:
        return client.record(batch)
    except InvalidArgument as error:
        raise Failure(
            f"The gateway refused events of {path}: {error.message}, where events[0] is number {start + 1} of the "
            f"file. The {start} before it are recorded; sending the corrected file counts none of them twice."
        ) from error
