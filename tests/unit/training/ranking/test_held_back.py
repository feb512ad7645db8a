"""Examples out of histories, and what is drawn beside them."""

import numpy as np
import pytest

from services.training.datasets import Interactions, Sequences
from services.training.metrics.lists import NO_ITEM
from services.training.ranking.held_back import Histories, Shown

ITEMS = 30


def events() -> Sequences:
    """Twelve people with none to eleven items, some of them met twice."""
    rng = np.random.default_rng(3)
    pairs = [(user, int(item)) for user in range(12) for item in rng.integers(ITEMS, size=user)]
    pairs += [(5, 7), (5, 8), (5, 7), (0, 2)]
    users, items = zip(*pairs, strict=True)
    return Interactions.build(users=users, items=items).sequences(13)


@pytest.mark.parametrize("shown", ["rest", "before"])
@pytest.mark.parametrize(("parts", "most"), [(2, 1), (3, 8), (5, 1000), (50, 4)])
def test_nothing_is_asked_for_from_a_history_that_shows_it(parts: int, most: int, shown: Shown) -> None:
    """Not even where somebody met it twice: the answer would stand in the question."""
    for batch in Histories(events(), ITEMS).hold_back(parts, most, shown, np.random.default_rng(0)):
        for query, item in zip(batch.query.tolist(), batch.asked.tolist(), strict=True):
            assert item not in batch.shown[query]


@pytest.mark.parametrize("shown", ["rest", "before"])
@pytest.mark.parametrize(("parts", "most"), [(2, 1), (3, 8), (5, 1000), (50, 4)])
def test_everything_is_asked_for_once_from_all_that_may_be_shown(parts: int, most: int, shown: Shown) -> None:
    """In its order: all the rest of what the user met, or what they had met before all that is asked for."""
    known, seen = events(), []
    for batch in Histories(known, ITEMS).hold_back(parts, most, shown, np.random.default_rng(0)):
        for query, user in enumerate(batch.users.tolist()):
            asked = set(batch.asked[batch.query == query].tolist())
            history = known.items_of(user).tolist()
            assert asked
            begin = min(history.index(item) for item in asked)
            rest = [item for item in (history[:begin] if shown == "before" else history) if item not in asked]
            # What was met again later belongs to the part in which it came first.
            assert batch.shown[query].tolist()[: len(rest)] == rest
            assert shown == "before" or batch.shown[query].tolist() == rest
            assert set(batch.shown[query].tolist()) == set(rest)
            seen += [(user, item) for item in batch.asked[batch.query == query].tolist()]
    expected = {(user, item) for user in range(13) for item in known.items_of(user).tolist()}
    assert len(seen) == len(expected)
    assert set(seen) == expected


def test_stretches_of_a_history_begin_elsewhere_each_time() -> None:
    """Of equal length but for the first and the last, in the order of what was met."""
    known, cuts = Interactions.build(users=[0] * 20, items=list(range(20))).sequences(1), set()
    for seed in range(20):
        batches = Histories(known, ITEMS).hold_back(5, 1, "before", np.random.default_rng(seed))
        found = sorted(batch.asked.tolist() for batch in batches)
        assert [item for one in found for item in one] == list(range(20))
        assert {len(one) for one in found[1:-1]} == {4}
        cuts.add(len(found[0]))
    assert cuts == {1, 2, 3, 4}


def test_parts_of_a_history_are_of_one_size_and_of_other_items_each_time() -> None:
    """A fifth each, give or take one."""
    known = Interactions.build(users=[0] * 23, items=list(range(23))).sequences(1)
    histories, cuts = Histories(known, ITEMS), []
    for seed in (0, 1):
        batches = list(histories.hold_back(5, 1, "rest", np.random.default_rng(seed)))
        assert sorted(len(batch.asked) for batch in batches) == [4, 4, 5, 5, 5]
        cuts.append({frozenset(batch.asked.tolist()) for batch in batches})
    assert cuts[0] != cuts[1]


def test_a_batch_holds_as_many_positives_as_it_should() -> None:
    """About: a query is never split, and the last batch may be small."""
    known = Interactions.build(users=np.repeat(np.arange(50), 10), items=np.tile(np.arange(10), 50)).sequences(50)
    sizes = [len(batch.asked) for batch in Histories(known, ITEMS).hold_back(5, 40, "rest", np.random.default_rng(0))]
    assert sum(sizes) == 500
    assert max(sizes) <= 42
    assert len(sizes) in (13, 14)


def test_negatives_are_what_the_user_has_not_met_with_equal_chance() -> None:
    """Whoever has met everything has none."""
    known = Interactions.build(users=[0, 0, 1, *[2] * ITEMS], items=[3, 4, 5, *range(ITEMS)]).sequences(3)
    drawn = Histories(known, ITEMS).draw_unmet(np.array([0, 1, 2]), 20_000, np.random.default_rng(0))
    assert set(drawn[0].tolist()) == set(range(ITEMS)) - {3, 4}
    assert set(drawn[1].tolist()) == set(range(ITEMS)) - {5}
    assert set(drawn[2].tolist()) == {NO_ITEM}
    shares = np.bincount(drawn[0], minlength=ITEMS)[np.unique(drawn[0])] / 20_000
    np.testing.assert_allclose(shares, 1 / 28, rtol=0.15)
