"""Counting events into features."""

import numpy as np
import pytest

from services.training.counters import count_events, events_in
from services.training.datasets import Interactions
from services.training.holdout import Holdout
from shared.events import EventType
from shared.feature_views import Counter

DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000


def test_every_half_life_halves_what_an_event_counts() -> None:
    """By hand: a like of 3 now, a click of 1 two half-lives ago; a view does not count."""
    interactions = Interactions.build(
        users=[0, 0, 1, 1],
        items=[0, 1, 1, 2],
        timestamps=[NOW_MS, NOW_MS - 2 * DAY_MS, NOW_MS - DAY_MS, NOW_MS],
        types=[EventType.LIKE, EventType.CLICK, EventType.CLICK, EventType.VIEW],
    )
    counter = Counter(("click", "like"), 86_400.0)
    everything = np.ones(4, dtype=np.bool_)

    users = count_events(interactions, everything, by="user", entities=3, counter=counter, now_ms=NOW_MS)
    items = count_events(interactions, everything, by="item", entities=3, counter=counter, now_ms=NOW_MS)

    assert users.sums == pytest.approx([3.25, 0.5, 0])
    assert users.counted.tolist() == [True, True, False]
    assert items.sums == pytest.approx([3.0, 0.75, 0])
    assert items.counted.tolist() == [True, True, False]


def test_only_what_came_before_the_held_out_events_is_counted() -> None:
    """Each user's last three events are kept for judging; a dislike in between goes with those around it."""
    view, dislike = EventType.VIEW, EventType.DISLIKE
    types = [view, dislike, view, dislike, view, dislike, view, view, dislike]
    viewed = [kind == view for kind in types]
    interactions = Interactions.build(
        users=[0] * 9, items=range(9), timestamps=[NOW_MS + place for place in range(9)], viewed=viewed, types=types
    )
    sequences = interactions.sequences(1)
    holdout = Holdout.of(sequences.where(sequences.viewed), reserved=1)

    assert holdout.fit.items.tolist() == [0, 2]
    assert events_in(interactions, holdout.fit).tolist() == [True] * 4 + [False] * 5
