"""Joins by time against loops that look at every entry."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.training.offline.as_of import as_of
from services.training.offline.decay import decayed_sums, decayed_sums_before
from services.training.offline.history import items_before

_ENTITIES = st.sampled_from(["u1", "u2", "u3"])
# Few different times, so that many are equal, and some far apart, so that decay goes to its ends.
_TIMES = st.one_of(st.integers(0, 12), st.integers(0, 10**12))
_MOMENTS = st.lists(st.tuples(_ENTITIES, _TIMES), max_size=12)
_ENTRIES = st.lists(st.tuples(_ENTITIES, _TIMES), max_size=25)


def _moments(rows: list[tuple[str, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"user_id": pl.String, "at_ms": pl.Int64}, orient="row")


def _events(rows: list[tuple[str, int]], shuffle: int) -> pl.DataFrame:
    """Events whose positions are the order given, in an order that says nothing."""
    frame = pl.DataFrame(rows, schema={"user_id": pl.String, "occurred_at_ms": pl.Int64}, orient="row")
    count = len(rows)
    return frame.with_columns(
        position=pl.Series(range(10, 10 + count), dtype=pl.Int64),
        item_id=pl.Series([f"i{number}" for number in range(count)], dtype=pl.String),
        weight=pl.Series([float(number % 5 - 1) for number in range(count)], dtype=pl.Float64),
    ).sample(fraction=1.0, shuffle=True, seed=shuffle)


@settings(deadline=None)
@given(moments=_MOMENTS, entries=_ENTRIES, before=st.booleans(), shuffle=st.integers(0, 9))
def test_a_moment_gets_the_last_entry_that_was_known(
    moments: list[tuple[str, int]], entries: list[tuple[str, int]], before: bool, shuffle: int
) -> None:
    """The greatest time not after the moment wins, and of equal times the one that came later in the log."""
    found = as_of(
        _moments(moments), _events(entries, shuffle), entity="user_id", known_at="occurred_at_ms", before=before
    )

    for (user, at), position in zip(moments, found["position"].to_list(), strict=True):
        known = [
            (time, number + 10)
            for number, (owner, time) in enumerate(entries)
            if owner == user and (time < at or (time == at and not before))
        ]
        assert position == (max(known)[1] if known else None)


@settings(deadline=None)
@given(
    moments=_MOMENTS, entries=_ENTRIES, half_life=st.sampled_from([0.5, 3.0, 86_400_000.0]), shuffle=st.integers(0, 9)
)
def test_a_decayed_sum_is_the_sum_over_all_events_before(
    moments: list[tuple[str, int]], entries: list[tuple[str, int]], half_life: float, shuffle: int
) -> None:
    """The scan gives what adding up every event by its age gives."""
    events = _events(entries, shuffle)
    found = decayed_sums_before(_moments(moments), events, entity="user_id", half_life_ms=half_life)

    for (user, at), total, last in zip(moments, *found.get_columns(), strict=True):
        terms = [
            (number % 5 - 1) * math.pow(2.0, -(at - time) / half_life)
            for number, (owner, time) in enumerate(entries)
            if owner == user and time < at
        ]
        times = [time for owner, time in entries if owner == user and time < at]
        assert last == max(times, default=None)
        if terms:
            assert total == pytest.approx(math.fsum(terms), rel=0, abs=1e-12 * math.fsum(map(abs, terms)) + 1e-300)
        else:
            assert total is None


def test_a_decayed_sum_over_a_century_with_a_short_half_life_neither_overflows_nor_vanishes() -> None:
    """A quotient of growing exponentials would be infinite here."""
    times = np.arange(0, 100 * 365 * 86_400_000, 86_400_000, dtype=np.int64)
    begins = np.arange(len(times)) == 0

    sums = decayed_sums(begins, times, np.ones(len(times)), 86_400_000.0)

    assert sums[-1] == pytest.approx(2.0, rel=1e-12)
    assert np.isfinite(sums).all()


@settings(deadline=None)
@given(moments=_MOMENTS, entries=_ENTRIES, most=st.integers(1, 4), shuffle=st.integers(0, 9))
def test_a_history_is_the_last_items_before_the_moment(
    moments: list[tuple[str, int]], entries: list[tuple[str, int]], most: int, shuffle: int
) -> None:
    """Oldest first, by time and then by the log, and nothing of the moment itself."""
    found = items_before(_moments(moments), _events(entries, shuffle), most)

    for (user, at), items in zip(moments, found.to_list(), strict=True):
        earlier = sorted((time, number) for number, (owner, time) in enumerate(entries) if owner == user and time < at)
        assert items == [f"i{number}" for _, number in earlier[-most:]]
