"""Events in a file: one JSON object a line, as in the data sets that training reads."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from services.cli.failure import Failure
from winnow.client import Event, EventType

_REMEDY = (
    "A line is one JSON object with user_id, item_id and timestamp, and may have type, event_id, dwell_seconds and "
    "shown_by_request_id (docs/events.md)."
)


class EventLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file. Without an event_id its timestamp is required."""

    user_id: str
    item_id: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | int | None = None
    type: EventType = "view"
    event_id: str = ""
    dwell_seconds: float = 0.0
    shown_by_request_id: str = ""

    def __post_init__(self) -> None:
        """Refuses an event that could not be told from a repetition."""
        if not self.event_id and self.timestamp is None:
            raise ValueError("an event needs an event_id or a timestamp, so that it counts once when sent again")

    @property
    def event(self) -> Event:
        """What is sent; an event without an id gets one made of all it says, the same each time."""
        when = self.timestamp
        if isinstance(when, int):
            when = datetime.fromtimestamp(when / 1000, UTC)
        said = "\0".join((self.user_id, self.item_id, self.type, str(when)))
        event_id = self.event_id or hashlib.sha256(said.encode()).hexdigest()[:32]
        return Event(
            self.user_id, self.item_id, self.type, event_id, when, self.dwell_seconds, self.shown_by_request_id
        )


def count_events(path: Path) -> int:
    """Returns how many events a file has, every line of it checked.

    Raises:
        Failure: the file cannot be read, or a line is no event; the message names the line.
    """
    return sum(1 for _ in read_events(path))


def read_events(path: Path) -> Iterator[Event]:
    """Yields the events of a file in its order; blank lines are passed over.

    Raises:
        Failure: the file cannot be read, or a line is no event; the message names the line.
    """
    decoder = msgspec.json.Decoder(EventLine)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _decode(decoder, line, f"{path}:{number}").event
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error


def _decode(decoder: msgspec.json.Decoder[EventLine], line: bytes, place: str) -> EventLine:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        raise Failure(f"{place}: {str(error).rstrip('.')}. {_REMEDY}") from error
