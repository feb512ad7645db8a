"""Restrictions say how many candidates to fetch, and find the popular items that may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.query import Condition
from services.gateway.restrictions import Restrictions
from tests.unit.gateway.fakes import plain_items, rows, snapshot_of

#: So many that a single year is a narrow condition.
ITEMS = 300
SNAPSHOT = snapshot_of(plain_items(ITEMS))


def restrictions(*conditions: Condition, excluded: tuple[int, ...] = (), seen: tuple[int, ...] = ()) -> Restrictions:
    """Restrictions over three hundred items."""
    return Restrictions.of(SNAPSHOT, rows(*excluded), rows(*seen), conditions)


@pytest.mark.parametrize(
    ("conditions", "fetched"),
    [
        pytest.param((), 100, id="no conditions"),
        pytest.param((Condition("category", ("odd",)),), 200, id="half pass"),
        pytest.param((Condition("year", ("2000",)),), 1000, id="few pass"),
        pytest.param((Condition("year", ("1900",)),), 100, id="none pass"),
    ],
)
def test_more_is_fetched_when_fewer_items_pass(conditions: tuple[Condition, ...], fetched: int) -> None:
    """As many times more as fewer pass, up to the limit; when none does, more would be of no use."""
    assert restrictions(*conditions).fetch(wanted=100, most=1000) == fetched


def test_what_is_excluded_or_seen_is_pushed_down() -> None:
    """Recall need not find either."""
    assert sorted(restrictions(excluded=(5, 2), seen=(9,)).blocked.tolist()) == [2, 5, 9]


@given(
    years=st.none() | st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=5),
    blocked=st.sets(st.integers(0, 20)),
    shown=st.sets(st.integers(0, 20)),
    count=st.integers(0, 12),
)
def test_popular_items_are_the_most_popular_that_pass(
    years: list[int] | None, blocked: set[int], shown: set[int], count: int
) -> None:
    """However narrow the conditions are: in order of popularity, which here is that of the rows."""
    conditions = () if years is None else (Condition("year", tuple(str(2000 + row) for row in years)),)
    popular = restrictions(*conditions, seen=tuple(blocked)).popular(count, rows(*shown))
    passing = range(ITEMS) if years is None else sorted(set(years))
    assert popular.rows.tolist() == [row for row in passing if row not in blocked | shown][:count]
