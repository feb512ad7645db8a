"""Lists of candidates."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.recall.channel import Found
from services.recall.merge import merge
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import merge_channels, order_lists, rank_in_lists

CHANNEL = st.lists(st.integers(0, 20), unique=True, max_size=12)


@given(
    channels=st.lists(st.tuples(CHANNEL, st.sampled_from([0.15, 0.7, 1.0, 3.0])), min_size=1, max_size=4),
    size=st.integers(1, 15),
)
def test_lists_are_merged_as_the_recall_service_merges_them(channels: list[tuple[list[int], float]], size: int) -> None:
    """What is evaluated is what is served: both give the same items in the same order."""
    found = [Found(np.asarray(rows, dtype=np.int64), np.zeros(len(rows), dtype=np.float32)) for rows, _ in channels]
    served = merge([[one] for one in found], [quota for _, quota in channels], size).rows
    lists = [np.asarray([rows + [NO_ITEM] * (12 - len(rows))]) for rows, _ in channels]

    (merged,) = merge_channels(lists, [quota for _, quota in channels], size)

    assert merged[merged != NO_ITEM].tolist() == served.tolist()
    assert (merged[len(served) :] == NO_ITEM).all()


def test_a_rank_is_the_place_in_the_list() -> None:
    """Places count from 1; a target that is not listed has the rank it is given."""
    lists = np.asarray([[5, 3, 9], [1, 2, NO_ITEM]])

    assert rank_in_lists(lists, np.asarray([9, 7]), missed=100).tolist() == [3, 100]


def test_lists_are_ordered_by_score_and_what_is_no_item_comes_last() -> None:
    """A high score in an ended place lifts nothing."""
    lists = np.asarray([[5, 3, NO_ITEM], [1, 2, 4]])
    scores = np.asarray([[0.1, 0.5, 9.0], [0.3, 0.3, 0.4]])

    assert order_lists(lists, scores).tolist() == [[3, 5, NO_ITEM], [4, 1, 2]]
