"""Who stands in for a new item once people have taken it."""

import numpy as np
import pytest

from services.recall.live.companions import Company
from services.recall.live.company_stand_ins import Popularity, accompanied

BY_WORDS = np.array([0, 1, 2])
#: As popular as one another.
EQUAL = Popularity(np.full(10, 5.0, dtype=np.float32))


def company(takers: float, counts: dict[int, float], taken: float = 0.1, shares: float | None = None) -> Company:
    """Returns company of items that are as popular as the new one, or have the shares given."""
    each = np.full(len(counts), taken if shares is None else shares)
    return Company(
        takers, np.array(list(counts), dtype=np.int64), np.array(list(counts.values()), dtype=np.float64), taken, each
    )


def test_those_that_the_same_people_take_stand_in() -> None:
    """In the order in which they do, and by as much."""
    rows, weights = accompanied(BY_WORDS, company(50, {7: 20, 8: 50, 9: 30}), EQUAL)
    assert rows.tolist() == [8, 9, 7]
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] > weights[1] > weights[2]


def test_words_count_until_there_is_company() -> None:
    """A single taker met many items by chance."""
    rows, _ = accompanied(BY_WORDS, company(1, {7: 1}), EQUAL)
    assert {0, 1} < set(rows.tolist())
    rows, _ = accompanied(BY_WORDS, company(1e-9, {}), EQUAL)
    assert rows.tolist() == BY_WORDS.tolist()


def test_of_those_taken_as_often_beside_it_the_rarer_says_more() -> None:
    """Everybody has taken what is popular."""
    both = company(50, {7: 25, 8: 25})
    both.shares[:] = 0.2, 0.05
    rows, _ = accompanied(BY_WORDS, both, EQUAL)
    assert rows.tolist()[:2] == [8, 7]


def test_an_item_as_popular_as_the_new_one_stands_in() -> None:
    """The ranker's scores say how popular an item is, too."""
    weights = np.array([10, 10, 10, 0, 0, 0, 0, 1000, 10, 0], dtype=np.float32)
    rows, _ = accompanied(BY_WORDS, company(50, {7: 25, 8: 25}, taken=10 / 1040), Popularity(weights))
    assert rows[0] == 8


def test_a_short_list_repeats_its_last_which_counts_once() -> None:
    """As those by words do."""
    rows, weights = accompanied(np.array([4, 4, 4]), company(5, {7: 5}), EQUAL)
    assert rows.tolist() == [7, 4, 4]
    assert weights[2] == 0.0
    assert np.isfinite(weights).all()


def test_a_catalogue_that_nobody_met_will_do() -> None:
    """All weights are numbers all the same."""
    _, weights = accompanied(BY_WORDS, company(5, {7: 5}), Popularity(np.zeros(10, dtype=np.float32)))
    assert weights.sum() == pytest.approx(1.0)
