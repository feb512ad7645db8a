"""Features of users that are counted."""

from array import array
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.counted_fields import CountedFields, counted_values
from services.feature_store.stored_user import NOBODY, PastEvent, StoredUser, decode_tail, decode_user
from services.feature_store.user_change import NEW_USER, add_events, fold
from services.feature_store.user_record import Bounds
from services.training.counters import count_events
from services.training.datasets import Interactions
from shared.events import EventType, EventWeights
from shared.feature_views import Counter

NOW_MS = 1_700_000_000_000
COUNTERS = {"taken": Counter(("click", "purchase"), 60.0), "turned_down": Counter(("dislike",), 60.0)}
BOUNDS = Bounds(1_000, 1_000, half_life_ms=60_000.0)


def test_a_count_is_the_weighted_sum_of_its_types() -> None:
    """With the weights that training counts with; other types do not count."""
    counts = {EventType.CLICK: 2.0, EventType.PURCHASE: 0.5, EventType.VIEW: 9.0, EventType.DISLIKE: 1.0}

    assert counted_values(COUNTERS, counts, EventWeights()) == {"taken": pytest.approx(4.5), "turned_down": -3.0}


def test_what_had_no_event_has_no_count() -> None:
    """It is missing, so that the default may stand in, as in training."""
    assert counted_values(COUNTERS, {EventType.CLICK: 1.0}, EventWeights()) == {"taken": 1.0}
    assert counted_values(COUNTERS, {}, EventWeights()) == {}


def test_what_is_worth_nothing_does_not_count() -> None:
    """Training does not look at impressions at all: a field that counts nothing else is missing there."""
    shown = {"shown": Counter(("impression",), 60.0)}

    assert counted_values(shown, {EventType.IMPRESSION: 3.0}, EventWeights()) == {}


#: What a user may do that training counts, and how long ago.
done = st.tuples(st.sampled_from([EventType.VIEW, *map(EventType, range(2, 6))]), st.integers(0, 600_000))


@given(st.lists(done, max_size=12), st.booleans())
def test_what_is_served_is_what_training_counts(events: Sequence[tuple[EventType, int]], folded: bool) -> None:
    """Of the same history at the same moment, in whatever order it came, whether it is in the record yet or not."""
    parts = NEW_USER
    for number, (kind, ago_ms) in enumerate(events):
        parts = add_events(parts, [PastEvent(NOW_MS - ago_ms, f"i{number}", kind)], BOUNDS)
    if folded:
        parts = fold(parts, BOUNDS)
    tail = decode_tail(parts.tail) if parts.tail else ()

    served = CountedFields(COUNTERS).values(decode_user(parts.record), tail, NOW_MS)

    interactions = Interactions.build(
        users=[0] * len(events),
        items=range(len(events)),
        timestamps=[NOW_MS - ago_ms for _, ago_ms in events],
        types=[kind for kind, _ in events],
    )
    everything = np.ones(len(events), dtype=np.bool_)
    for name, counter in COUNTERS.items():
        trained = count_events(interactions, everything, by="user", entities=1, counter=counter, now_ms=NOW_MS)
        assert (name in served) == trained.counted[0]
        assert served.get(name, 0.0) == pytest.approx(trained.sums[0], rel=1e-9, abs=1e-12)


def test_a_stored_attribute_of_the_same_name_is_not_the_count() -> None:
    """As in training; the others keep their times."""
    stored = StoredUser({"taken": 9.0, "age": 3.0}, array("q", [1, 2]).tobytes())

    kept = CountedFields(COUNTERS).without(stored)

    assert (kept.attributes, kept.attribute_times) == ({"age": 3.0}, array("q", [2]).tobytes())
    assert CountedFields(COUNTERS).without(NOBODY) is NOBODY
