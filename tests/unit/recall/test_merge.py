"""Merging the channels' lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recall.channel import Found
from services.recall.merge import Merged, merge


def found(rows: list[int]) -> Found:
    """Returns a channel's list, with falling scores above 0."""
    return Found(np.array(rows, dtype=np.int64), np.arange(len(rows), 0, -1, dtype=np.float32))


channel_rows = st.lists(st.integers(0, 40), unique=True, max_size=25)
quotas = st.sampled_from([0.25, 1.0, 2.0, 3.0, 7.5])
channels = st.lists(st.tuples(channel_rows, quotas), min_size=1, max_size=5)


def merge_all(lists: list[tuple[list[int], float]], limit: int) -> Merged:
    """Merges lists that come with their quotas."""
    return merge([found(rows) for rows, _ in lists], [quota for _, quota in lists], limit)


@given(channels, st.integers(1, 60))
def test_every_candidate_comes_once_and_as_many_as_there_are(lists: list[tuple[list[int], float]], limit: int) -> None:
    """No row is repeated, none is invented, and the list ends only at the limit or when all are in it."""
    merged = merge_all(lists, limit)
    distinct = {row for rows, _ in lists for row in rows}
    assert len(set(merged.rows.tolist())) == len(merged.rows) == min(limit, len(distinct))
    assert set(merged.rows.tolist()) <= distinct


@given(channels, st.integers(1, 60))
def test_a_shorter_limit_gives_a_prefix(lists: list[tuple[list[int], float]], limit: int) -> None:
    """The limit cuts the list and changes nothing before the cut."""
    assert merge_all(lists, limit).rows.tolist() == merge_all(lists, 1000).rows.tolist()[:limit]


@given(channels)
def test_provenance_names_every_channel_that_found_the_candidate_with_its_score(
    lists: list[tuple[list[int], float]],
) -> None:
    """A bit and a score for each channel that found the row; no bit and 0 for the others."""
    merged = merge_all(lists, 1000)
    for place, row in enumerate(merged.rows.tolist()):
        for channel, (rows, _) in enumerate(lists):
            expected = float(len(rows) - rows.index(row)) if row in rows else 0.0
            assert bool(merged.found_by[place] >> channel & 1) == (row in rows)
            assert merged.scores[place, channel] == expected


@given(channels)
def test_what_one_channel_alone_found_keeps_the_order_of_that_channel(lists: list[tuple[list[int], float]]) -> None:
    """Candidates are promoted only by being found more than once."""
    merged = merge_all(lists, 1000).rows.tolist()
    for channel, (rows, _) in enumerate(lists):
        others = {row for other, (one, _) in enumerate(lists) if other != channel for row in one}
        own = [row for row in rows if row not in others]
        assert [row for row in merged if row in own] == own


@given(channels)
def test_the_order_is_that_of_a_plain_sort_by_arrival(lists: list[tuple[list[int], float]]) -> None:
    """The vectorised merge agrees with the definition: earliest (rank + 1) / quota, larger quota, lower row."""
    arrivals: dict[int, tuple[float, float, int]] = {}
    for rows, quota in lists:
        for rank, row in enumerate(rows):
            arrival = ((rank + 1) / quota, -quota, row)
            arrivals[row] = min(arrivals.get(row, arrival), arrival)
    assert merge_all(lists, 1000).rows.tolist() == sorted(arrivals, key=lambda row: arrivals[row])


def test_every_prefix_is_shared_in_proportion_to_the_quotas() -> None:
    """Quotas of 3, 1 and 1 give three, one and one of every five candidates."""
    lists = [(list(range(100)), 3.0), (list(range(100, 200)), 1.0), (list(range(200, 300)), 1.0)]
    owners = merge_all(lists, 100).rows // 100
    for end in range(5, 100, 5):
        assert np.bincount(owners[:end], minlength=3).tolist() == [end * 3 // 5, end // 5, end // 5]


def test_a_channel_that_runs_dry_leaves_its_share_to_the_others_in_proportion() -> None:
    """After the dry channel's last candidate the other two go on, two to one."""
    lists = [([0, 1], 6.0), (list(range(100, 200)), 2.0), (list(range(200, 300)), 1.0)]
    owners = merge_all(lists, 32).rows // 100
    assert np.bincount(owners).tolist() == [2, 20, 10]


@pytest.mark.parametrize("lists", [[([], 1.0)], [([], 1.0), ([], 2.0)]])
def test_nothing_found_merges_to_nothing(lists: list[tuple[list[int], float]]) -> None:
    """Empty lists give an empty list with a column for every channel."""
    merged = merge_all(lists, 10)
    assert merged.rows.tolist() == []
    assert merged.scores.shape == (0, len(lists))


def test_the_last_possible_channel_has_a_bit_of_its_own() -> None:
    """With 32 channels the last one sets the highest bit of a uint32."""
    lists: list[tuple[list[int], float]] = [([], 1.0)] * 31 + [([4], 1.0)]
    assert merge_all(lists, 10).found_by.tolist() == [1 << 31]
