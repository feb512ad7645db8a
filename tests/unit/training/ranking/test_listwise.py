"""Fitting ranking models to recall's candidates."""

import numpy as np
import pytest
import torch
from torch import nn

from services.training.metrics.lists import NO_ITEM
from services.training.progress import Silence
from services.training.ranking.examples import RankingExamples, draw_examples
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.feature_tables import FeatureTables
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.model import RankerShape, RankingData
from services.training.ranking.registry import RANKERS
from services.training.ranking.shown import ShownLists
from services.training.recall.model import FitContext, Unsuitable
from services.training.recall_lists import ListedQueries, order_lists

ITEMS, LISTS = 20, 400
SHAPE = RankerShape(ITEMS, (), ("even",))
CONTEXT = FitContext(seed=0, max_history=1, threads=1, display=Silence())
CONFIG = RANKERS["fm"].config(epochs=6, patience=6, batch=32, learning_rate=0.02, weight_decay=0.0)


def everybody(history: int = 0) -> tuple[np.ndarray, np.ndarray, FeatureTables]:
    """Users without attributes, a history of one item each, and whether an item's row is even."""
    even = (torch.arange(ITEMS) % 2 == 0).to(torch.float32)[:, None]
    return np.arange(LISTS), np.full((LISTS, 1), history), FeatureTables(torch.zeros(LISTS, 1), even)


def nothing_to_learn() -> tuple[RankingExamples, ListedQueries]:
    """What follows stands anywhere in a list whose first places are drawn as negatives more often."""
    users, history, _ = everybody()
    rng = np.random.default_rng(0)
    listed = ListedQueries(users, history, np.tile(np.arange(ITEMS), (LISTS, 1)), rng.integers(ITEMS, size=LISTS))
    return draw_examples(listed, 10, seed=0), listed


def fitted(examples: RankingExamples, listed: ListedQueries, shown: ShownLists | None = None) -> nn.Module:
    """A factorisation machine, fitted."""
    data = RankingData(SHAPE, examples, listed, everybody()[2], shown)
    return fit_ranker_family(RANKERS["fm"], data, CONFIG, CONTEXT).model


def orders(model: nn.Module, candidates: np.ndarray) -> np.ndarray:
    """Lists in the model's order."""
    users, history, tables = everybody()
    some = slice(len(candidates))
    return order_lists(candidates, score_all(model, lists_of(model, users[some], history[some], candidates, tables)))


def test_what_was_shown_and_taken_up_teaches_the_order() -> None:
    """Where what followed tells nothing."""
    examples, listed = nothing_to_learn()
    users, history, _ = everybody()
    candidates = np.stack([np.random.default_rng(row).permutation(ITEMS)[:8] for row in range(LISTS)])
    shown = ShownLists(users, history, candidates, (candidates % 2 == 0).astype(np.float32))

    def share_of_even_rows(model: nn.Module) -> float:
        return float(np.mean(orders(model, candidates)[:, :3] % 2 == 0))

    assert share_of_even_rows(fitted(examples, listed)) < 0.75
    assert share_of_even_rows(fitted(examples, listed, shown)) > 0.9


def test_being_drawn_more_often_does_not_count_against_a_candidate() -> None:
    """The even rows are drawn as negatives three times as often, and are scored no lower for it."""
    users, history, tables = everybody()
    rng = np.random.default_rng(0)
    chance = np.where(np.arange(ITEMS) % 2 == 0, 3.0, 1.0)
    chance /= chance.sum()
    negatives, target = rng.choice(ITEMS, size=(LISTS, 10), p=chance), rng.integers(ITEMS, size=(LISTS, 1))
    expected = np.pad(np.log(10 * chance[negatives]), ((0, 0), (1, 0))).astype(np.float32)
    candidates = np.concatenate([target, negatives], axis=1)
    listed = ListedQueries(users, history, np.tile(np.arange(ITEMS), (LISTS, 1)), target[:, 0])

    def preference(correction: np.ndarray) -> float:
        model = fitted(RankingExamples(users, history, candidates, correction), listed)
        one = lists_of(model, users[:1], history[:1], np.arange(ITEMS)[None], tables)
        scores = score_all(model, one)[0]
        return float(scores[::2].mean() - scores[1::2].mean())

    assert abs(preference(expected)) < 0.4
    assert preference(np.zeros_like(expected)) < -0.6


def test_where_a_list_has_ended_nothing_is_ranked() -> None:
    """Such a place comes last, whatever the model."""
    torch.manual_seed(0)
    model = RANKERS["fm"].build(SHAPE, CONFIG).eval()
    candidates = np.asarray([[3, NO_ITEM, 5], [NO_ITEM, 7, 1]])
    assert (orders(model, candidates)[:, -1] == NO_ITEM).all()


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (SHAPE, "fitted recall models"),
        (RankerShape(ITEMS, (), (), ("click", "purchase"), signals=object()), "one objective"),  # type: ignore[arg-type]
    ],
)
def test_the_default_ranker_says_what_it_lacks(shape: RankerShape, problem: str) -> None:
    """Fitted recall models, or a single objective."""
    with pytest.raises(Unsuitable, match=problem):
        RANKERS["signals"].build(shape, RANKERS["signals"].config())
