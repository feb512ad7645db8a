"""The features of users that are counted, from the counts that the store keeps."""

from array import array
from collections.abc import Mapping, Sequence

import msgspec

from services.feature_store.decayed_counters import count_events, read_counts
from services.feature_store.stored_user import PastEvent, StoredUser
from shared.events import DWELL_UNIT_SECONDS, EventType, EventWeights
from shared.feature_views import Counter
from shared.features import AttributeValue

Attributes = Mapping[str, AttributeValue]


class CountedFields:
    """The counted fields of a snapshot's users, which its models were trained on.

    Args:
        counters: How each field is counted, at least one; all with the half-life that the store counts with, as
            `KnownViews` sees to.
    """

    def __init__(self, counters: Mapping[str, Counter]) -> None:
        self._counters = counters
        self._half_life_ms = next(iter(counters.values())).half_life_seconds * 1000
        # Training counts with these, and a store whose settings say otherwise serves no such snapshot.
        self._weights = EventWeights()

    def values(self, user: StoredUser, tail: Sequence[PastEvent], now_ms: int) -> dict[str, float]:
        """Returns the value of each field of a user; what had no event that counts is left out.

        Args:
            user: The record.
            tail: The events that are not in it yet.
            now_ms: The time to count to, in milliseconds since 1970, UTC.
        """
        counters = count_events(user.counters, tail, self._half_life_ms) if tail else user.counters
        return counted_values(self._counters, read_counts(counters, now_ms, self._half_life_ms), self._weights)

    def without(self, user: StoredUser) -> StoredUser:
        """Returns a user without stored attributes that are called as a counted field is: they are something else."""
        if self._counters.keys().isdisjoint(user.attributes):
            return user
        times = array("q", user.attribute_times)
        kept = [place for place, name in enumerate(user.attributes) if name not in self._counters]
        attributes = {name: value for name, value in user.attributes.items() if name not in self._counters}
        kept_times = array("q", [times[place] for place in kept]).tobytes()
        return msgspec.structs.replace(user, attributes=attributes, attribute_times=kept_times)


def counted_values(
    counters: Mapping[str, Counter], counts: Mapping[EventType, float], weights: EventWeights
) -> dict[str, float]:
    """Returns the value of each counted field of a user; what had no event that counts is left out.

    An event that is worth nothing, such as an impression, does not count: training does not look at those at all.

    Args:
        counters: How each field is counted; all with the half-life that the counts have.
        counts: How much of each type of event there was, decayed to now.
        weights: What one event of each type is worth.
    """
    values = {}
    for name, counter in counters.items():
        worth = [(counts[kind], weights.of(kind, DWELL_UNIT_SECONDS)) for kind in counter.types if kind in counts]
        if any(weight for _, weight in worth):
            values[name] = sum(count * weight for count, weight in worth)
    return values
