"""Counts that halve with time: the same in whatever order the events came, and right whenever they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feature_store.decayed_counters import count_events, read_counts, weigh
from services.feature_store.stored_user import PastEvent
from shared.events import EventType, EventWeights

HALF_LIFE_MS = 1_000.0

past_events = st.builds(
    PastEvent,
    at_ms=st.integers(0, 5_000),
    item_id=st.just("i"),
    type=st.sampled_from([EventType.VIEW, EventType.LIKE]),
    dwell_seconds=st.just(0.0),
)


def view(at_ms: int) -> PastEvent:
    """Returns a view."""
    return PastEvent(at_ms, "i", EventType.VIEW)


def test_a_count_halves_with_each_half_life() -> None:
    """From the time of the event on."""
    counters = count_events(b"", [view(0)], HALF_LIFE_MS)
    for half_lives, count in ((0, 1.0), (1, 0.5), (3, 0.125)):
        assert read_counts(counters, half_lives * 1_000, HALF_LIFE_MS) == {EventType.VIEW: count}


def test_a_clock_behind_the_events_reads_them_as_of_now() -> None:
    """What seems to lie ahead counts once, not more."""
    assert read_counts(count_events(b"", [view(9_000)], HALF_LIFE_MS), 0, HALF_LIFE_MS) == {EventType.VIEW: 1.0}


@pytest.mark.parametrize(("seconds", "units"), [(30.0, 0.5), (60.0, 1.0), (3_600.0, 5.0)])
def test_a_dwell_counts_by_the_minute(seconds: float, units: float) -> None:
    """Five times at most."""
    counters = count_events(b"", [PastEvent(0, "i", EventType.DWELL, seconds)], HALF_LIFE_MS)
    assert read_counts(counters, 0, HALF_LIFE_MS) == {EventType.DWELL: units}


def test_nothing_counted_is_nothing() -> None:
    """Of a user or an item that no event named."""
    assert read_counts(b"", 0, HALF_LIFE_MS) == {}


def test_weights_are_applied_when_counts_are_read() -> None:
    """So that other weights need no other counts."""
    counts = {EventType.LIKE: 2.0, EventType.DISLIKE: 1.0, EventType.DWELL: 0.5}
    assert weigh(counts, EventWeights({EventType.LIKE: 4.0})) == {
        EventType.LIKE: 8.0,
        EventType.DISLIKE: -3.0,
        EventType.DWELL: 0.5,
    }


@given(st.lists(past_events, min_size=1), st.lists(st.integers(0, 10), max_size=3), st.randoms())
def test_the_counts_are_the_sum_over_all_events(events: list[PastEvent], cuts: list[int], random: object) -> None:
    """However they were grouped, and in whatever order they came."""
    shuffled = sorted(events, key=lambda _: random.random())  # type: ignore[attr-defined]
    counters = b""
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(shuffled)], strict=True):
        if shuffled[start:stop]:
            counters = count_events(counters, shuffled[start:stop], HALF_LIFE_MS)
    for kind in (EventType.VIEW, EventType.LIKE):
        expected = sum(0.5 ** ((6_000 - event.at_ms) / HALF_LIFE_MS) for event in events if event.type == kind)
        assert read_counts(counters, 6_000, HALF_LIFE_MS).get(kind, 0.0) == pytest.approx(expected)
