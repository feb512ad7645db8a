"""What is remembered of one user, and how a new event changes it."""

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from services.feature_store.decayed_counters import count_events
from services.feature_store.stored_user import PastEvent, StoredUser
from shared.errors import InvalidArgument
from shared.events import HISTORY_TYPES, SEEN_TYPES, EventWeights
from shared.features import AttributeValue

MAX_ATTRIBUTES = 64

#: Before the first item went on into the filter.
NOTHING_SPILLED = (-1, "")


class Bounds(NamedTuple):
    """How much is remembered of one user; the newest stays.

    Attributes:
        history: Items in the history.
        seen: Items seen last that are kept one by one. A quarter more may be there, so that the filter need not be written
            each time an item goes on into it.
        filtered: Items of each of the two generations of the filter, which those seen before go on into.
        half_life_ms: After this long an event counts half as much.
        weights: What events are worth where counters are told; nothing that is stored depends on it.
    """

    history: int
    seen: int
    filtered: int = 20_000
    half_life_ms: float = 30 * 24 * 3600 * 1000.0
    weights: EventWeights = EventWeights()

    @property
    def most_seen(self) -> int:
        """How many seen items are kept one by one before the oldest of them go on."""
        return self.seen + self.seen // 4


@dataclass
class UserRecord:
    """One user, open to change.

    Attributes:
        attributes: By name.
        attribute_times: When each was written, in milliseconds since 1970, UTC, by the same names.
        history_items: Item ids in the order of event time, ties in the order of arrival; an item may come often.
        history_times: The time of each, in milliseconds since 1970, UTC, as int64.
        history_types: The `EventType` of each.
        seen: The time of the newest event of each item that the user saw last.
        spilled_until: The time and id of the newest item that went on into the filter. All of `seen` is newer.
        counters: From `count_events`.
        spilled: Items that are to go on into the filter, the one seen longest ago first.
    """

    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    attribute_times: dict[str, int] = field(default_factory=dict)
    history_items: list[str] = field(default_factory=list)
    history_times: "array[int]" = field(default_factory=lambda: array("q"))
    history_types: bytearray = field(default_factory=bytearray)
    seen: dict[str, int] = field(default_factory=dict)
    spilled_until: tuple[int, str] = NOTHING_SPILLED
    counters: bytes = b""
    spilled: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, stored: StoredUser) -> Self:
        """Returns a stored user, open to change."""
        return cls(
            attributes=dict(stored.attributes),
            attribute_times=dict(zip(stored.attributes, array("q", stored.attribute_times), strict=True)),
            history_items=list(stored.history_items),
            history_times=array("q", stored.history_times),
            history_types=bytearray(stored.history_types),
            seen=dict(zip(stored.seen_items, array("q", stored.seen_times), strict=True)),
            spilled_until=(stored.spilled_at_ms, stored.spilled_item),
            counters=stored.counters,
        )

    @property
    def stored(self) -> StoredUser:
        """The user as it is to be stored, but for what is to go on into the filter."""
        return StoredUser(
            attributes=self.attributes,
            attribute_times=array("q", map(self.attribute_times.__getitem__, self.attributes)).tobytes(),
            history_items=self.history_items,
            history_times=self.history_times.tobytes(),
            history_types=bytes(self.history_types),
            seen_items=list(self.seen),
            seen_times=array("q", self.seen.values()).tobytes(),
            counters=self.counters,
            spilled_at_ms=self.spilled_until[0],
            spilled_item=self.spilled_until[1],
        )

    def record(self, events: Iterable[PastEvent], bounds: Bounds) -> None:
        """Adds events that are known to be new."""
        events = list(events)
        for event in events:
            if event.type in HISTORY_TYPES:
                self._insert(event)
            if event.type in SEEN_TYPES:
                self._see(event)
        self.counters = count_events(self.counters, events, bounds.half_life_ms)
        self._trim(bounds)

    def merge(self, events: Iterable[PastEvent], bounds: Bounds) -> list[PastEvent]:
        """Adds events that may be here already: one of the same item, time and type as another is the same.

        What a full history has dropped is not known any more. So that merging twice changes nothing, an event that
        is not newer than the oldest of a full history does not join it; nor do the seen items take what is not newer than
        what went on into the filter.

        Returns:
            The events that changed the record.
        """
        held = set(zip(self.history_times, self.history_items, self.history_types, strict=True))
        history_from = self.history_times[0] if len(self.history_times) >= bounds.history else -1
        spilled_until = self.spilled_until
        new: list[PastEvent] = []
        # In the order of time, so that an insertion is an append: a long past takes milliseconds, not seconds.
        for event in sorted(events, key=_time):
            joins = event.type in HISTORY_TYPES and event.at_ms > history_from and event[:3] not in held
            if joins:
                held.add(event[:3])
                self._insert(event)
            late = (event.at_ms, event.item_id) <= spilled_until
            if (event.type in SEEN_TYPES and not late and self._see(event)) or joins:
                new.append(event)
        self.counters = count_events(self.counters, new, bounds.half_life_ms) if new else self.counters
        self._trim(bounds)
        return new

    def set_attributes(
        self, attributes: Mapping[str, AttributeValue], written_at_ms: int, path: str
    ) -> dict[str, AttributeValue]:
        """Stores attributes over those of the same name, unless those were written later.

        Args:
            attributes: By name.
            written_at_ms: When they came to be. Of two values of the same time the one that arrives later stays.
            path: The field of the request that they are in.

        Returns:
            Those that are stored now.

        Raises:
            InvalidArgument: about the field at `path`, when the user would have too many.
        """
        together = len(self.attributes.keys() | attributes.keys())
        if together > MAX_ATTRIBUTES:
            raise InvalidArgument(
                path, f"would leave the user with {together} attributes; at most {MAX_ATTRIBUTES} are stored"
            )
        written = {
            name: value for name, value in attributes.items() if self.attribute_times.get(name, -1) <= written_at_ms
        }
        self.attributes.update(written)
        self.attribute_times.update(dict.fromkeys(written, written_at_ms))
        return written

    def _insert(self, event: PastEvent) -> None:
        place = bisect_right(self.history_times, event.at_ms)
        self.history_items.insert(place, event.item_id)
        self.history_times.insert(place, event.at_ms)
        self.history_types.insert(place, event.type)

    def _see(self, event: PastEvent) -> bool:
        known_ms = self.seen.get(event.item_id)
        if known_ms is None and (event.at_ms, event.item_id) <= self.spilled_until:
            self.spilled.append(event.item_id)
            return True
        changed = known_ms is None or known_ms < event.at_ms
        if changed:
            self.seen[event.item_id] = event.at_ms
        return changed

    def _trim(self, bounds: Bounds) -> None:
        if (excess := len(self.history_items) - bounds.history) > 0:
            del self.history_items[:excess], self.history_times[:excess], self.history_types[:excess]
        if len(self.seen) > bounds.most_seen:
            oldest = heapq.nsmallest(
                len(self.seen) - bounds.seen, zip(self.seen.values(), self.seen.keys(), strict=True)
            )
            self.spilled_until = oldest[-1]
            for _, item_id in oldest:
                del self.seen[item_id]
                self.spilled.append(item_id)


def _time(event: PastEvent) -> int:
    return event.at_ms
