"""A history with the events that are not folded into it yet."""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from services.feature_store.stored_user import PastEvent, StoredUser


def history_with(user: StoredUser, events: Sequence[PastEvent]) -> list[str]:
    """Returns the items of a user's history and of more events, in the order of event time, ties in the order of arrival.

    Args:
        user: The record.
        events: At least one, of types that join the history, in the order of arrival.
    """
    ordered = sorted(events, key=_time)
    last = int.from_bytes(user.history_times[-8:], sys.byteorder, signed=True) if user.history_times else -1
    if ordered[0].at_ms >= last:  # as nearly always: events come as they happen
        return [*user.history_items, *(event.item_id for event in ordered)]
    items, times = list(user.history_items), array("q", user.history_times)
    for event in ordered:
        place = bisect_right(times, event.at_ms)
        items.insert(place, event.item_id)
        times.insert(place, event.at_ms)
    return items


def _time(event: PastEvent) -> int:
    return event.at_ms
