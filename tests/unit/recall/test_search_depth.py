"""How deep to search."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.recall.search_depth import SearchDepth, depth_for
from shared.snapshot.manifest import ChannelEntry, SearchPoint


def entry(*points: tuple[int, float]) -> ChannelEntry:
    """Returns a channel with a curve of (search_k, recall) for lists of 500."""
    curve = tuple(
        SearchPoint(neighbours=500, search_k=search_k, recall=recall, milliseconds=search_k / 1000)
        for search_k, recall in points
    )
    return ChannelEntry(name="sequence", kind="annoy", quota=1.0, search_k=7000, curve=curve)


CURVE = ((500, 0.4), (1000, 0.7), (2000, 0.9), (4000, 0.97), (8000, 0.99))


@pytest.mark.parametrize(
    ("target", "search_k"), [(0.3, 500), (0.4, 500), (0.41, 1000), (0.9, 2000), (0.97, 4000), (0.98, 8000)]
)
def test_the_first_point_that_reaches_the_target_is_taken(target: float, search_k: int) -> None:
    """Nothing between two points is trusted, and a curve in any order is read by rising depth."""
    with capture_logs() as logs:
        assert depth_for(entry(*CURVE), target) == SearchDepth(search_k, neighbours=500)
        assert depth_for(entry(*reversed(CURVE)), target) == SearchDepth(search_k, neighbours=500)
    assert logs == []


def test_a_target_that_no_point_reaches_takes_the_best_and_warns() -> None:
    """The operator hears what to expect instead."""
    with capture_logs() as logs:
        assert depth_for(entry(*CURVE), 1.0) == SearchDepth(8000, neighbours=500)
    (line,) = logs
    assert (line["log_level"], line["channel"], line["target"], line["recall"]) == ("warning", "sequence", 1.0, 0.99)


def test_a_snapshot_without_a_curve_is_searched_as_before() -> None:
    """With the manifest's search_k, or Annoy's own default for a long list."""
    depth = depth_for(entry(), 0.97)
    assert depth.nodes(wanted=100, trees=20) == 7000
    assert depth.nodes(wanted=500, trees=20) == 10_000


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_a_longer_list_is_searched_deeper_in_proportion_and_a_shorter_one_as_deep(one: int, other: int) -> None:
    """A measured depth is never undercut, and Annoy can always return as many as are wanted."""
    depth = SearchDepth(4000, neighbours=500)
    fewer, more = sorted((one, other))
    assert depth.nodes(fewer, trees=20) <= depth.nodes(more, trees=20)
    assert depth.nodes(one, trees=20) >= max(4000, one)
    assert depth.nodes(500, trees=20) == 4000
    assert depth.nodes(1000, trees=20) == 8000
