"""What is remembered of one user, and how a new event changes it."""

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from services.feature_store.stored_user import StoredUser
from shared.errors import InvalidArgument
from shared.events import HISTORY_TYPES
from shared.features import AttributeValue

MAX_ATTRIBUTES = 64


class Bounds(NamedTuple):
    """How much is remembered of one user; the newest stays.

    Attributes:
        history: Items in the history.
        seen: Seen items.
    """

    history: int
    seen: int


class PastEvent(NamedTuple):
    """An event as a user's record knows it.

    Attributes:
        at_ms: When, in milliseconds since 1970, UTC.
        item_id: The item.
        type: What was done, an `EventType`.
    """

    at_ms: int
    item_id: str
    type: int


@dataclass
class UserRecord:
    """One user, open to change.

    Attributes:
        attributes: By name.
        history_items: Item ids in the order of event time, ties in the order of arrival; an item may come often.
        history_times: The time of each, in milliseconds since 1970, UTC, as int64.
        history_types: The `EventType` of each.
        seen: The time of the newest event of each item that the user has seen.
    """

    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    history_items: list[str] = field(default_factory=list)
    history_times: "array[int]" = field(default_factory=lambda: array("q"))
    history_types: bytearray = field(default_factory=bytearray)
    seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: StoredUser) -> Self:
        """Returns a stored user, open to change."""
        seen_times = array("q", stored.seen_times)
        return cls(
            attributes=stored.attributes,
            history_items=stored.history_items,
            history_times=array("q", stored.history_times),
            history_types=bytearray(stored.history_types),
            seen=dict(zip(stored.seen_items, seen_times, strict=True)),
        )

    @property
    def stored(self) -> StoredUser:
        """The user as it is to be stored."""
        return StoredUser(
            attributes=self.attributes,
            history_items=self.history_items,
            history_times=self.history_times.tobytes(),
            history_types=bytes(self.history_types),
            seen_items=list(self.seen),
            seen_times=array("q", self.seen.values()).tobytes(),
        )

    def record(self, events: Iterable[PastEvent], bounds: Bounds) -> None:
        """Adds events that are known to be new."""
        for event in events:
            if event.type in HISTORY_TYPES:
                self._insert(event)
            self._see(event)
        self._trim(bounds)

    def merge(self, events: Iterable[PastEvent], bounds: Bounds) -> int:
        """Adds events that may be here already: one of the same item, time and type as another is the same.

        What a full history has dropped is not known any more. So that merging twice changes nothing, an event that
        is not newer than the oldest of a full history does not join it; the same goes for the seen items.

        Returns:
            How many of the events changed the record.
        """
        held = set(zip(self.history_times, self.history_items, self.history_types, strict=True))
        history_from = self.history_times[0] if len(self.history_times) >= bounds.history else -1
        seen_from = min(_by_time(self.seen)) if len(self.seen) >= bounds.seen else (-1, "")
        new = 0
        # In the order of time, so that an insertion is an append: a long past takes milliseconds, not seconds.
        for event in sorted(events, key=_time):
            joins = event.type in HISTORY_TYPES and event.at_ms > history_from and event not in held
            if joins:
                held.add(event)
                self._insert(event)
            seen = (event.at_ms, event.item_id) > seen_from and self._see(event)
            new += joins or seen
        self._trim(bounds)
        return new

    def set_attributes(self, attributes: Mapping[str, AttributeValue], path: str) -> None:
        """Stores attributes over those of the same name.

        Raises:
            InvalidArgument: about the field at `path`, when the user would have too many.
        """
        together = self.attributes | dict(attributes)
        if len(together) > MAX_ATTRIBUTES:
            raise InvalidArgument(
                path, f"would leave the user with {len(together)} attributes; at most {MAX_ATTRIBUTES} are stored"
            )
        self.attributes = together

    def _insert(self, event: PastEvent) -> None:
        place = bisect_right(self.history_times, event.at_ms)
        self.history_items.insert(place, event.item_id)
        self.history_times.insert(place, event.at_ms)
        self.history_types.insert(place, event.type)

    def _see(self, event: PastEvent) -> bool:
        changed = self.seen.get(event.item_id, -1) < event.at_ms
        if changed:
            self.seen[event.item_id] = event.at_ms
        return changed

    def _trim(self, bounds: Bounds) -> None:
        if (excess := len(self.history_items) - bounds.history) > 0:
            del self.history_items[:excess], self.history_times[:excess], self.history_types[:excess]
        if (excess := len(self.seen) - bounds.seen) > 0:
            for _, item_id in heapq.nsmallest(excess, _by_time(self.seen)):
                del self.seen[item_id]


def _by_time(seen: Mapping[str, int]) -> Iterable[tuple[int, str]]:
    return zip(seen.values(), seen.keys(), strict=True)


def _time(event: PastEvent) -> int:
    return event.at_ms
