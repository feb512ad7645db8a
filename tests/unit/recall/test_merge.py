"""Merging the channels' lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recall.channel import Found
from services.recall.merge import Merge, Merged, fuse, merge


def found(rows: list[int]) -> Found:
    """Returns a channel's list, with falling scores above 0."""
    return Found(np.array(rows, dtype=np.int64), np.arange(len(rows), 0, -1, dtype=np.float32))


channel_rows = st.lists(st.integers(0, 40), unique=True, max_size=25)
quotas = st.sampled_from([0.25, 1.0, 2.0, 3.0, 7.5])
channels = st.lists(st.tuples(channel_rows, quotas), min_size=1, max_size=5)


def merge_all(lists: list[tuple[list[int], float]], limit: int, join: Merge = merge) -> Merged:
    """Merges the lists of a single query, which come with their quotas."""
    return join([[found(rows)] for rows, _ in lists], [quota for _, quota in lists], limit)


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.tuples(
            st.lists(quotas, min_size=width, max_size=width),
            st.lists(st.lists(channel_rows, min_size=width, max_size=width), min_size=1, max_size=6),
        )
    ),
    st.integers(1, 60),
    st.sampled_from([merge, fuse]),
)
def test_a_batch_is_merged_as_its_queries_are_alone(
    drawn: tuple[list[float], list[list[list[int]]]], limit: int, join: Merge
) -> None:
    """Rows, provenance and scores, to the bit; where each query's candidates are is what the offsets say."""
    weights, batch = drawn
    together = join([[found(lists[channel]) for lists in batch] for channel in range(len(weights))], weights, limit)
    assert len(together.offsets) == len(batch) + 1
    assert together.offsets[-1] == len(together.rows)
    for query, lists in enumerate(batch):
        alone = merge_all(list(zip(lists, weights, strict=True)), limit, join)
        own = slice(together.offsets[query], together.offsets[query + 1])
        assert alone.offsets.tolist() == [0, len(alone.rows)]
        assert together.rows[own].tolist() == alone.rows.tolist()
        assert together.found_by[own].tolist() == alone.found_by.tolist()
        assert together.scores[own].tolist() == alone.scores.tolist()


@settings(deadline=None)
@given(channels, st.integers(1, 60))
def test_every_candidate_comes_once_and_as_many_as_there_are(lists: list[tuple[list[int], float]], limit: int) -> None:
    """No row is repeated, none is invented, and the list ends only at the limit or when all are in it."""
    merged = merge_all(lists, limit)
    distinct = {row for rows, _ in lists for row in rows}
    assert len(set(merged.rows.tolist())) == len(merged.rows) == min(limit, len(distinct))
    assert set(merged.rows.tolist()) <= distinct


@settings(deadline=None)
@given(channels, st.integers(1, 60))
def test_a_shorter_limit_gives_a_prefix(lists: list[tuple[list[int], float]], limit: int) -> None:
    """The limit cuts the list and changes nothing before the cut."""
    assert merge_all(lists, limit).rows.tolist() == merge_all(lists, 1000).rows.tolist()[:limit]


@settings(deadline=None)
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


@settings(deadline=None)
@given(channels)
def test_what_one_channel_alone_found_keeps_the_order_of_that_channel(lists: list[tuple[list[int], float]]) -> None:
    """Candidates are promoted only by being found more than once."""
    merged = merge_all(lists, 1000).rows.tolist()
    for channel, (rows, _) in enumerate(lists):
        others = {row for other, (one, _) in enumerate(lists) if other != channel for row in one}
        own = [row for row in rows if row not in others]
        assert [row for row in merged if row in own] == own


@settings(deadline=None)
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


@pytest.mark.parametrize("join", [merge, fuse])
def test_what_two_queries_found_is_a_candidate_of_both(join: Merge) -> None:
    """Each has its own, with its own provenance."""
    merged = join([[found([7]), found([7])], [found([]), found([7])]], [1.0, 2.0], 10)
    assert merged.offsets.tolist() == [0, 1, 2]
    assert merged.rows.tolist() == [7, 7]
    assert merged.found_by.tolist() == [0b01, 0b11]
    assert merged.scores.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_fusion_prefers_what_two_lists_agree_on() -> None:
    """By hand, of equal quotas: 2 is second in both (2/62), 1 and 3 are first in one (1/61), 4 is third in one (1/63)."""
    fused = merge_all([([1, 2, 4], 1.0), ([3, 2], 1.0)], 10, fuse)
    assert fused.rows.tolist() == [2, 1, 3, 4]
    assert fused.found_by.tolist() == [0b11, 0b01, 0b10, 0b01]
    assert fused.scores.tolist() == [[2.0, 1.0], [3.0, 0.0], [0.0, 2.0], [1.0, 0.0]]


def test_fusion_weighs_lists_by_their_quotas() -> None:
    """A list of three times the quota puts its first before the other's."""
    assert merge_all([([1], 3.0), ([0], 1.0)], 10, fuse).rows.tolist() == [1, 0]


@settings(deadline=None)
@given(channels, st.integers(1, 60))
def test_fusion_orders_by_the_weighted_sum_of_reciprocal_ranks(
    lists: list[tuple[list[int], float]], limit: int
) -> None:
    """The sum is computed here from its definition; every row comes once, with the provenance that a merge gives it."""
    fused = merge_all(lists, limit, fuse)
    distinct = {row for rows, _ in lists for row in rows}
    value = {
        row: round(sum(quota / (61 + rows.index(row)) for rows, quota in lists if row in rows), 12) for row in distinct
    }
    ordered = [value[row] for row in fused.rows.tolist()]
    assert len(set(fused.rows.tolist())) == len(fused.rows) == min(limit, len(distinct))
    assert ordered == sorted(value.values(), reverse=True)[:limit]
    merged = merge_all(lists, 1000)
    provenance = dict(zip(merged.rows.tolist(), merged.found_by.tolist(), strict=True))
    assert [provenance[row] for row in fused.rows.tolist()] == fused.found_by.tolist()
