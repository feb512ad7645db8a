"""Lengths of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.feature_views.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(0, 0), (90, 90), (0.5, 0.5), ("90s", 90), ("15m", 900), ("12h", 43_200), ("1.5d", 129_600), ("4w", 2_419_200)],
)
def test_units_are_seconds_to_weeks(written: object, seconds: float) -> None:
    """A bare number is of seconds."""
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "d", "30", "30 days", "-1d", "1e3s", -1, float("nan"), float("inf"), True, None, []]
)
def test_all_else_is_refused_with_what_is_allowed(written: object) -> None:
    """Also a text without a unit: days and seconds are too far apart to guess."""
    with pytest.raises(ValueError, match='it must be a number of seconds, or a text such as "90s"'):
        parse_duration(written)


@given(st.integers(min_value=0, max_value=10**10).map(float) | st.decimals(0, 10**6, places=3).map(float))
def test_what_is_written_reads_the_same(seconds: float) -> None:
    """To the millisecond."""
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
    assert format_duration(2_592_000.0) == "30d"
