"""The features of users that are counted, from the counts that the store keeps."""

from collections.abc import Mapping

from shared.events import DWELL_UNIT_SECONDS, EventType, EventWeights
from shared.feature_views import Counter


def counted_values(
    counters: Mapping[str, Counter], counts: Mapping[EventType, float], weights: EventWeights
) -> dict[str, float]:
    """Returns the value of each counted field of a user; what had no event that counts is left out.

    Args:
        counters: How each field is counted; all with the half-life that the counts have.
        counts: How much of each type of event there was, decayed to now.
        weights: What one event of each type is worth.
    """
    return {
        name: sum(counts[kind] * weights.of(kind, DWELL_UNIT_SECONDS) for kind in counter.types if kind in counts)
        for name, counter in counters.items()
        if not counts.keys().isdisjoint(counter.types)
    }
