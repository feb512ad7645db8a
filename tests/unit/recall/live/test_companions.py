"""What recall learns from the histories that come with requests."""

import numpy as np
import pytest

from services.recall.live.companions import MOST_COMPANIONS, MOST_TAKERS, MOST_TOGETHER, Companions
from services.recall.live.lookup import Lookup
from shared.tensors import Ragged

ITEMS = 1000
LONGEST = 6
#: New items with the numbers 0 to 99.
NEW = Lookup(np.arange(100), np.arange(100))


def learnt(*batches: list[list[int]]) -> Companions:
    """Returns what was learnt from batches of histories; row 1000 + n is of the new item n."""
    companions = Companions(ITEMS, LONGEST)
    for batch in batches:
        companions.learn(Ragged.of([np.array(one, dtype=np.uint32) for one in batch], np.uint32), NEW)
    return companions


def test_what_is_in_a_history_with_a_new_item_is_its_company() -> None:
    """Before it and after it; another history is none of its business."""
    company = learnt([[1, 2, 1000, 3], [4, 5], [2, 1000]]).changed()
    assert list(company) == [0]
    assert company[0].takers == 2
    assert dict(zip(company[0].rows.tolist(), company[0].counts.tolist(), strict=True)) == {1: 1, 2: 2, 3: 1}


def test_a_user_who_asks_again_counts_once() -> None:
    """Most of a history was counted when the last request came."""
    once, often = learnt([[1, 2, 1000]]), learnt([[1, 2, 1000]], [[1, 2, 1000]], [[1, 2, 1000, 7]])
    assert often.changed()[0].takers == once.changed()[0].takers == 1


def test_a_history_that_lost_its_old_end_counts_nothing_twice() -> None:
    """What its oldest events followed on is not known any more."""
    companions = learnt([[1, 2, 1000, 3, 4, 5]], [[2, 1000, 3, 4, 5, 6]], [[1000, 3, 4, 5, 6, 7]])
    assert companions.changed()[0].takers == 1


def test_shares_are_of_all_events() -> None:
    """Those of people who did not take the new item included."""
    company = learnt([[1, 1000], [1, 2], [2, 1], [3, 1]]).changed()[0]
    assert company.taken == pytest.approx(1 / 8)
    assert company.shares.tolist() == [pytest.approx(4 / 8)]


def test_only_what_was_taken_since_is_told() -> None:
    """Nobody need be placed again of whom nothing new is known."""
    companions = learnt([[1, 1000], [1, 1001]])
    assert list(companions.changed()) == [0, 1]
    companions.learn(Ragged.of([np.array([2, 1001])], np.uint32), NEW)
    assert list(companions.changed()) == [1]
    assert not companions.changed()


def test_memory_is_bounded_and_goes_with_the_times() -> None:
    """However many take an item, with whatever: old company fades, and rare company goes."""
    rng = np.random.default_rng(0)
    early = [[1, *rng.integers(10, ITEMS, 3).tolist(), 1000] for _ in range(MOST_TAKERS)]
    late = [[2, *rng.integers(10, ITEMS, 3).tolist(), 1000] for _ in range(2 * MOST_TAKERS)]
    company = learnt(*([one] for one in early + late)).changed()[0]
    counts = dict(zip(company.rows.tolist(), company.counts.tolist(), strict=True))
    assert company.takers <= MOST_TAKERS
    assert counts[2] > 2 * counts[1] > 0
    assert len(counts) <= 2 * MOST_COMPANIONS


def test_nothing_is_learnt_from_nothing() -> None:
    """Most who are new have no history."""
    assert not learnt([[], []], []).changed()


def test_an_item_that_is_no_more_is_forgotten_and_one_that_changed_told_again() -> None:
    """What was not taken is not told of, whatever changed."""
    companions = learnt([[1, 1000], [1, 1001]])
    assert list(companions.changed()) == [0, 1]
    companions.forget({0})
    companions.tell_again({0, 1, 2})
    assert list(companions.changed()) == [1]


def test_numbers_that_nobody_knows_are_not_learnt() -> None:
    """A row that stands for no new item takes no memory."""
    assert not learnt([[1, 2, 1500], [1, 2**32 - 1]]).changed()


def test_one_call_learns_no_more_than_the_loop_can_wait_for() -> None:
    """However many histories travel together."""
    company = learnt([[person, 1000] for person in range(500)]).changed()
    assert company[0].takers == MOST_TOGETHER
