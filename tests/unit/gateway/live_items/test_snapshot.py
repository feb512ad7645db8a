"""A snapshot with what changed: every question about it is answered as if it had been made of the items as they are now."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live_items.changes import ItemChange
from services.gateway.live_items.snapshot import LiveSnapshot, beside
from services.gateway.query import Condition
from services.gateway.restrictions import Restrictions
from shared.snapshot.catalogue import CatalogueItem
from tests.unit.gateway.fakes import plain_items, rows, snapshot_of
from tests.unit.gateway.live_items.items import CREATED_MS, LATER_MS, live, upserted, withdrawn

#: `i0` to `i5`, the first the most popular; even and odd rows, years from 2000 on.
PLAIN = snapshot_of(plain_items(6))


def test_without_a_change_that_counts_it_is_the_snapshot_itself() -> None:
    """What serves has nothing more to do than before there were changes."""
    assert beside(PLAIN, []) is PLAIN
    assert beside(PLAIN, [upserted(0, "i3", at_ms=CREATED_MS)]) is PLAIN
    assert beside(PLAIN, [upserted(0, "new", at_ms=0)]) is not PLAIN


def test_a_withdrawal_counts_whatever_a_snapshot_knows() -> None:
    """Somebody who trains on old data must not bring back what was taken out."""
    snapshot = live(PLAIN, withdrawn(0, "i3", at_ms=0))
    assert snapshot.catalogue.row_of("i3") is None
    assert 3 not in snapshot.popular_rows


def test_an_id_leads_to_the_item_as_it_is_now() -> None:
    """New and changed items have rows of their own; withdrawn ones have none; others are where they were."""
    snapshot = live(PLAIN, upserted(0, "new", title="New"), upserted(2, "i3", title="Three"), withdrawn(1, "i4"))
    catalogue = snapshot.catalogue
    assert [catalogue.row_of(item_id) for item_id in ("new", "i3", "i4", "i5", "x")] == [6, 8, None, 5, None]
    assert catalogue.rows_of(["x", "i4", "i3", "i5"]) == [8, 5]
    assert (catalogue[6].title, catalogue[8].title, catalogue[3].title) == ("New", "Three", "Title 3")
    assert catalogue[7].id == "i4"
    assert sorted(item.title for item in catalogue) == ["New", "Three", "Title 0", "Title 1", "Title 2", "Title 5"]


def test_a_history_is_told_by_the_rows_that_models_know() -> None:
    """Of changed and withdrawn items too; a new item has but its own."""
    snapshot = live(PLAIN, upserted(0, "new"), upserted(2, "i3"), withdrawn(1, "i4"), withdrawn(3, "gone"))
    assert snapshot.history_rows(["i3", "new", "x", "i4", "gone", "i0"]) == [3, 6, 4, 0]
    assert PLAIN.history_rows(["i3", "x"]) == [3]


def test_something_may_have_been_done_with_withdrawn_items() -> None:
    """An event about one is older than the withdrawal, or crossed it; it must not cost its batch."""
    snapshot = live(PLAIN, upserted(0, "new"), withdrawn(1, "i4"))
    assert [snapshot.has(item_id) for item_id in ("new", "i4", "i0", "x")] == [True, True, True, False]


def test_only_rows_that_mean_something_are_told_apart() -> None:
    """A row may be of a change that has not come here yet, or of one that does not count."""
    snapshot = live(PLAIN, upserted(0, "new"), upserted(1, "i3", at_ms=0), withdrawn(2, "gone"))
    assert snapshot.means(rows(0, 5, 6, 7, 8, 9, 4_000_000_000)).tolist() == [
        True,
        True,
        True,
        False,
        True,
        False,
        False,
    ]
    assert PLAIN.means(rows(0, 5, 6)).tolist() == [True, True, False]


def test_rows_that_stand_for_no_item_any_more_are_filtered() -> None:
    """The former row of a changed item, and both rows of a withdrawn one."""
    snapshot = live(PLAIN, upserted(0, "new"), upserted(2, "i3"), withdrawn(1, "i4"))
    restrictions = Restrictions.of(snapshot, rows(), rows(), ())
    assert [one.name for one in restrictions.filters] == ["excluded", "seen", "withdrawn", "attributes"]
    assert restrictions.popular(10).rows.tolist() == [0, 1, 2, 8, 5, 6]


def test_a_changed_item_keeps_its_place_among_the_popular_ones() -> None:
    """New ones come last, whose popularity nobody knows; also where few items meet the conditions."""
    snapshot = live(PLAIN, upserted(3, "new", "odd"), upserted(0, "newer", "odd"), upserted(1, "i0", "odd"))
    assert snapshot.popular_rows.tolist() == [7, 1, 2, 3, 4, 5, 6, 9]
    assert snapshot.popularity_ranks[[7, 5, 6, 9]].tolist() == [0, 5, 6, 7]


@pytest.mark.parametrize("exclude", [False, True])
def test_conditions_hold_for_items_as_they_are_now(exclude: bool) -> None:
    """In categories and attributes that the snapshot has never heard of, too."""
    snapshot = live(PLAIN, upserted(0, "new", "odd", "western", year=1950.5), upserted(1, "i1", "western"))

    def ids(*conditions: Condition) -> set[str]:
        matching = snapshot.index.matching(conditions)
        assert matching is not None
        return {snapshot.catalogue[row].id for row in np.flatnonzero(matching).tolist()}

    everything = {"i0", "i1", "i2", "i3", "i4", "i5", "new"}
    for condition, expected in (
        (Condition("category", ("odd",), exclude), {"new", "i3", "i5"}),
        (Condition("category", ("western",), exclude), {"new", "i1"}),
        (Condition("year", ("1950.5", "2002"), exclude), {"new", "i2"}),
        (Condition("colour", ("red",), exclude), set()),
    ):
        assert ids(condition) == (everything - expected if exclude else expected)
    assert snapshot.index.matching(()) is None


CATEGORIES = ("even", "odd", "western")
ids = st.sampled_from(["i0", "i1", "i2", "i5", "new", "newer"])
categories = st.lists(st.sampled_from(CATEGORIES), max_size=3, unique=True)
times = st.sampled_from([CREATED_MS, LATER_MS])


@st.composite
def changes(draw: st.DrawFn) -> list[ItemChange]:
    """Changes of some items, numbered in any order with gaps."""
    item_ids = draw(st.lists(ids, unique=True))
    numbers = draw(st.lists(st.integers(0, 9), min_size=len(item_ids), max_size=len(item_ids), unique=True))
    return [
        withdrawn(number, item_id, draw(times))
        if draw(st.booleans())
        else upserted(number, item_id, *draw(categories), at_ms=draw(times), year=draw(st.integers(2000, 2003)))
        for number, item_id in zip(numbers, item_ids, strict=True)
    ]


@given(changes(), st.sampled_from(CATEGORIES), st.integers(2000, 2003))
def test_it_is_as_if_the_snapshot_had_been_made_of_the_items_as_they_are_now(
    several: list[ItemChange], category: str, year: int
) -> None:
    """Catalogue, conditions, variety and popularity agree with a snapshot that really was."""
    snapshot = beside(PLAIN, several)
    now: dict[str, CatalogueItem] = {item.id: item for item in PLAIN.catalogue}
    added: dict[int, CatalogueItem] = {}
    for change in several:
        known = change.item.id in now
        if change.withdrawn:
            now.pop(change.item.id, None)
        elif known and change.changed_at_ms > CREATED_MS:
            now[change.item.id] = change.item
        elif not known:
            added[change.number] = change.item
    expected = snapshot_of([*now.values(), *(added[number] for number in sorted(added))])
    popular = [snapshot.catalogue[row] for row in snapshot.popular_rows.tolist()]
    assert popular == list(expected.catalogue)
    conditions = (Condition("category", (category,)), Condition("year", (str(year),), exclude=True))
    matching, wanted = snapshot.index.matching(conditions), expected.index.matching(conditions)
    assert matching is not None
    assert wanted is not None
    assert matching[snapshot.popular_rows].tolist() == wanted.tolist()
    assert int(matching.sum()) == int(wanted.sum())
    matrix = snapshot.index.category_matrix(snapshot.popular_rows)
    other = expected.index.category_matrix(expected.popular_rows)
    assert np.allclose(matrix @ matrix.T, other @ other.T)


def test_former_rows_are_those_of_the_snapshot() -> None:
    """Of a changed item; a new one has none."""
    snapshot = live(PLAIN, upserted(0, "new"), upserted(2, "i3"))
    assert isinstance(snapshot, LiveSnapshot)
    assert snapshot.former_rows(rows(6, 8)).tolist() == [-1, 3]
