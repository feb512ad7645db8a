"""Where targets come to stand in merged lists."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.training.merged_places import MergedPlaces
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import merge_channels

LENGTH = 9
CHANNEL = st.lists(st.integers(0, 14), unique=True, max_size=LENGTH)
# Irrational, so that no two places of different channels come at the same time.
QUOTAS = st.lists(st.sampled_from([2**0.5, 3**0.5, 5**0.5, 7**0.5]), unique=True, min_size=4, max_size=4)


def padded(lists: list[list[int]]) -> np.ndarray:
    """Lists of one channel as an array."""
    return np.asarray([one + [NO_ITEM] * (LENGTH - len(one)) for one in lists])


@given(
    channels=st.lists(st.tuples(CHANNEL, CHANNEL), min_size=1, max_size=4),
    quotas=QUOTAS,
    targets=st.tuples(st.integers(0, 14), st.integers(0, 14)),
)
def test_places_are_those_of_the_lists_that_are_merged(
    channels: list[tuple[list[int], list[int]]], quotas: list[float], targets: tuple[int, int]
) -> None:
    """For any lists and quotas; a target that no channel found has no place."""
    lists = [padded(list(channel)) for channel in channels]
    some = quotas[: len(lists)]

    places = MergedPlaces.of(lists, np.asarray(targets)).places(some)

    merged = merge_channels(lists, some, LENGTH * len(lists))
    for row, target, place in zip(merged.tolist(), targets, places.tolist(), strict=True):
        assert place == (row.index(target) + 1 if target in row else np.inf)


def test_a_channel_without_a_quota_is_not_merged() -> None:
    """As if it were not there; with none at all nothing is found."""
    lists = [np.asarray([[1, 2, 3]]), np.asarray([[4, 5, 6]])]
    places = MergedPlaces.of(lists, np.asarray([5]))

    assert places.places([1.0, 0.9]).tolist() == [4.0]
    assert places.places([0.0, 1.0]).tolist() == [2.0]
    assert places.places([1.0, 0.0]).tolist() == [np.inf]
    assert places.places([0.0, 0.0]).tolist() == [np.inf]
