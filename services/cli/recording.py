"""Recording events: one from the command line, or those of a file as a stream."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.progress import Progress

from services.cli.events import count_events, read_events
from services.cli.failure import Failure
from services.cli.output import console, print_json, remarks
from winnow.client import MAX_EVENTS, Event, EventType, InvalidArgument, WinnowClient


@dataclass(frozen=True)
class Recorded:
    """How many events were new, and how many had been recorded before."""

    recorded: int
    duplicates: int


def one_event(
    user: str, item: str, event_type: EventType, *, event_id: str, at: str, dwell_seconds: float, shown_by: str
) -> Event:
    """Returns the event that the options describe; without an id it gets a random one.

    Raises:
        typer.BadParameter: `at` is no time.
    """
    when = _time(at) if at else None
    said = Event(user, item, event_type, occurred_at=when, dwell_seconds=dwell_seconds, shown_by_request_id=shown_by)
    return replace(said, event_id=event_id) if event_id else said


def send(client: WinnowClient, event: Event) -> Recorded:
    """Sends one event.

    Raises:
        WinnowError: the gateway failed, or refused it.
    """
    result = client.record([event])
    return Recorded(result.recorded, result.duplicates)


def send_file(client: WinnowClient, path: Path, seconds: float) -> Recorded:
    """Sends the events of a file as one stream, with a progress bar. Every line is checked before the first is sent.

    Args:
        client: Calls the gateway.
        path: The file; it is read twice, and never held in memory.
        seconds: How long the gateway may take for each thousand events.

    Raises:
        Failure: the file or an event in it is wrong; the message says what was recorded until then.
        WinnowError: the gateway failed.
    """
    total = count_events(path)
    if not total:
        return Recorded(0, 0)
    with Progress(console=remarks(), transient=True) as progress:
        events = progress.track(read_events(path), total=total, description="Recording")
        try:
            result = client.ingest(events, timeout=seconds * (1 + total // MAX_EVENTS))
        except InvalidArgument as refused:
            raise Failure(_how_far(refused, path)) from refused
    return Recorded(result.recorded, result.duplicates)


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


def _how_far(refused: InvalidArgument, path: Path) -> str:
    problem = f"The gateway refused events of {path}: {refused.message}"
    if refused.recorded_messages is None:
        return f"{problem}. Sending the corrected file counts no event twice."
    before = refused.recorded_messages * MAX_EVENTS
    return (
        f"{problem}, where events[0] is number {before + 1} of the file. The {before} before it are recorded; "
        "sending the corrected file counts none of them twice."
    )
