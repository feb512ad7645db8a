"""Features of users that are counted."""

import pytest

from services.feature_store.counted_fields import counted_values
from shared.events import EventType, EventWeights
from shared.feature_views import Counter

COUNTERS = {"taken": Counter(("click", "purchase"), 60.0), "turned_down": Counter(("dislike",), 60.0)}


def test_a_count_is_the_weighted_sum_of_its_types() -> None:
    """With the weights that training counts with; other types do not count."""
    counts = {EventType.CLICK: 2.0, EventType.PURCHASE: 0.5, EventType.VIEW: 9.0, EventType.DISLIKE: 1.0}

    assert counted_values(COUNTERS, counts, EventWeights()) == {"taken": pytest.approx(4.5), "turned_down": -3.0}


def test_what_had_no_event_has_no_count() -> None:
    """It is missing, so that the default may stand in, as in training."""
    assert counted_values(COUNTERS, {EventType.CLICK: 1.0}, EventWeights()) == {"taken": 1.0}
    assert counted_values(COUNTERS, {}, EventWeights()) == {}
