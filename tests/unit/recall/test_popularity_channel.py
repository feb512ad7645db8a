"""The popularity channel."""

import numpy as np

from services.recall.popularity_channel import PopularityChannel
from tests.unit.recall.clustered import excluding

WEIGHTS = np.array([1.0, 5.0, 0.0, 5.0, 3.0], dtype=np.float32)


def rows(excluded: list[int], limit: int) -> list[int]:
    """Returns what the channel finds for the second of two queries."""
    channel = PopularityChannel.of_weights("popularity", 1.0, WEIGHTS)
    _, found = channel.search(np.empty((2, 0), dtype=np.float32), excluding([2], excluded), limit)
    assert found.scores.tolist() == WEIGHTS[found.rows].tolist()
    return [int(row) for row in found.rows]


def test_the_most_popular_come_first_and_ties_by_row() -> None:
    """Weights order the items; an item nobody touched is still something to show."""
    assert rows([], 10) == [1, 3, 4, 0, 2]


def test_excluded_items_make_room_for_the_next() -> None:
    """The limit counts what is left after the exclusions."""
    assert rows([1, 1, 4], 2) == [3, 0]


def test_excluding_everything_leaves_nothing() -> None:
    """The list may be empty."""
    assert rows([0, 1, 2, 3, 4], 3) == []


def test_everybody_gets_a_query_without_content() -> None:
    """The channel needs neither history nor features."""
    channel = PopularityChannel.of_weights("popularity", 1.0, WEIGHTS)
    encoded = channel.encode(np.full((3, 1), -1, dtype=np.int64), np.zeros((3, 6), dtype=np.float32))
    assert encoded.shape == (3, 0)
