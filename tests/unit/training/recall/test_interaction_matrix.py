"""Who met what, as a matrix."""

import numpy as np

from services.training.recall.interaction_matrix import interaction_matrix
from tests.unit.training.recall.small import ITEMS, interactions, small_data


def test_an_item_that_was_met_often_is_a_one() -> None:
    """Somebody who did nothing has an empty row."""
    np.testing.assert_array_equal(interaction_matrix(small_data().events, ITEMS).toarray(), interactions())


def test_the_events_stay_as_they_are() -> None:
    """Several models learn from the same ones, one after the other; somebody here met an item twice."""
    events, untouched = small_data().events, small_data().events
    interaction_matrix(events, ITEMS)
    np.testing.assert_array_equal(events.items, untouched.items)
    np.testing.assert_array_equal(events.offsets, untouched.offsets)
