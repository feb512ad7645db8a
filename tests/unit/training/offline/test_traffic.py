"""Which lists the ranker may learn from, and what they weigh."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from services.training.datasets import Dataset, Interactions, Item, User
from services.training.holdout import Holdout
from services.training.metrics.lists import NO_ITEM
from services.training.offline.traffic import Traffic
from services.training.ranker_config import RankerConfig
from services.training.ranking.shown import ShownLists

# Of ten events at 0, 10, ..., 90 the last is held out to test, the one before to validate, and the two before those are
# left to the ranker; recall is fitted on six, the last at 50.
_EVENTS = 10
_CONFIG = RankerConfig(reserved=2, shown_min_lists=1, shown_max_weight=4.0)


def _dataset() -> Dataset:
    """One user has met items 0 to 9 in order; another exists."""
    return Dataset.build(
        name="walk",
        items=[Item(f"i{row}", "", (), "", {}) for row in range(20)],
        users=[User("other", {}), User("u", {})],
        interactions=Interactions.build(
            users=[1] * _EVENTS, items=range(_EVENTS), timestamps=[10 * row for row in range(_EVENTS)]
        ),
    )


def _shown(
    request: str, at: int, outcomes: Sequence[tuple[str, float, float]], user: str = "u"
) -> list[dict[str, Any]]:
    """Examples of one answer: an item, its reward and its propensity each."""
    return [
        {"request_id": request, "user_id": user, "item_id": item, "place": place, "shown_at_ms": at,
         "propensity": propensity, "reward": reward}
        for place, (item, reward, propensity) in enumerate(outcomes, start=1)
    ]  # fmt: skip


def _lists(rows: list[dict[str, Any]], config: RankerConfig = _CONFIG, max_history: int = 3) -> ShownLists | None:
    dataset = _dataset()
    traffic = Traffic(datetime.datetime.now(datetime.UTC), pl.DataFrame(rows))
    return traffic.lists(dataset, Holdout.of(dataset.histories(), 2), config, max_history)


def test_a_list_has_the_history_before_it_and_gains_by_propensity() -> None:
    """The reward over the propensity, up to the clip; what was ignored or disliked weighs nothing."""
    outcomes = [("i15", 3.0, 0.5), ("i16", 0.0, 0.5), ("i17", -3.0, 1.0), ("i18", 1.0, 0.01)]
    lists = _lists(_shown("r", 61, outcomes))
    assert lists is not None
    assert lists.users.tolist() == [1]
    assert lists.history.tolist() == [[4, 5, 6]]
    assert lists.candidates.tolist() == [[15, 16, 17, 18]]
    assert lists.gains.tolist() == [[6.0, 0.0, 0.0, 4.0]]


def test_lists_of_different_lengths_are_padded() -> None:
    """The places of items that the catalogue no longer has close up."""
    rows = _shown("r1", 61, [("i15", 1.0, 1.0), ("gone", 0.0, 1.0), ("i16", 0.0, 1.0)])
    rows += _shown("r2", 62, [("i15", 0.0, 1.0), ("i16", 1.0, 1.0), ("i17", 0.0, 1.0)])
    lists = _lists(rows)
    assert lists is not None
    assert lists.candidates.tolist() == [[15, 16, NO_ITEM], [15, 16, 17]]
    assert lists.gains.tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(("at", "used"), [(49, False), (50, False), (51, True), (60, True)])
def test_what_was_shown_before_recall_had_learnt_its_last_event_is_left_out(at: int, used: bool) -> None:
    """The ranker would learn to trust scores that look better than they are."""
    lists = _lists(_shown("r", at, [("i15", 1.0, 1.0), ("i16", 0.0, 1.0)]))
    assert (lists is not None) == used


def test_what_models_are_judged_by_is_in_no_list() -> None:
    """Neither the click that is held out nor the item as something ignored."""
    rows = _shown("r1", 61, [("i15", 1.0, 1.0), ("i8", 1.0, 1.0), ("i9", 0.0, 1.0), ("i16", 0.0, 1.0)])
    rows += _shown("r2", 61, [("i9", 1.0, 1.0), ("i15", 0.0, 1.0)])
    lists = _lists(rows)
    assert lists is not None
    assert lists.candidates.tolist() == [[15, 16]]


@pytest.mark.parametrize(
    "rows",
    [
        _shown("r", 61, [("i15", 0.0, 1.0), ("i16", -3.0, 1.0)]),
        _shown("r", 61, [("i15", 1.0, 1.0)]),
        _shown("r", 61, [("i15", 1.0, 1.0), ("i16", 0.0, 1.0)], user="stranger"),
        _shown("r", 61, [("i15", 1.0, 1.0), ("i16", 0.0, 1.0)], user=""),
    ],
)
def test_lists_that_teach_nothing_are_left_out(rows: list[dict[str, Any]]) -> None:
    """Nothing acted upon, nothing to compare with, or nobody whose features are known."""
    assert _lists(rows) is None


def test_too_few_lists_are_not_used() -> None:
    """A handful of clicks would teach the ranker its noise; and a weight of 0 turns the whole off."""
    rows = _shown("r", 61, [("i15", 1.0, 1.0), ("i16", 0.0, 1.0)])
    assert _lists(rows, RankerConfig(reserved=2, shown_min_lists=2)) is None
    assert _lists(rows, RankerConfig(reserved=2, shown_min_lists=1, shown_weight=0.0)) is None
    many = [row for number in range(2) for row in _shown(f"r{number}", 61, [("i15", 1.0, 1.0), ("i16", 0.0, 1.0)])]
    lists = _lists(many, RankerConfig(reserved=2, shown_min_lists=2))
    assert lists is not None
    assert np.array_equal(lists.candidates, [[15, 16], [15, 16]])
