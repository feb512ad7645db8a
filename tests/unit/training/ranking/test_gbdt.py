"""Gradient-boosted trees: what they compute, and what they are grown by."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from services.training.golden import golden_batches
from services.training.metrics.lists import NO_ITEM
from services.training.progress import Silence
from services.training.ranking.candidate_lists import NEVER
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.gbdt import BoostedTrees
from services.training.ranking.gbdt_features import column_names
from services.training.ranking.gbdt_grid import Grid
from services.training.ranking.gbdt_growing import GbdtConfig, Grown, grow
from services.training.ranking.gbdt_loss import ListwiseLoss, derivatives_of_all
from services.training.ranking.gbdt_trees import TreeEnsemble, round_down
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.model import RankerShape, RankingData
from services.training.ranking.registry import RANKERS
from services.training.ranking.shown import ShownLists, shown_loss
from services.training.recall.model import FitContext, Unsuitable
from tests.unit.training.ranking import fitted as small
from tests.unit.training.ranking.tiny import SHAPE

CONTEXT = FitContext(seed=0, max_history=small.MAX_HISTORY, threads=1, display=Silence())
CONFIG = GbdtConfig(trees=12, depth=4, leaves=9, min_rows=20)


def model() -> BoostedTrees:
    """The model that all tests of ranking models share."""
    found = small.fitted("gbdt").model
    assert isinstance(found, BoostedTrees)
    return found


def some_rows() -> np.ndarray:
    """Features of candidates: float32 [n, columns]."""
    examples = small.ranking_data().examples.take(np.arange(60))
    tables = small.features().tables()
    return model().features.of_lists(examples.users, examples.history, examples.candidates, tables)


def grown() -> Grown:
    """Trees as the library has them, grown on a few lists."""
    data = small.ranking_data()
    examples, queries = data.examples.take(np.arange(200)), data.validation
    rows = model().features.of_lists(examples.users, examples.history, examples.candidates, data.tables)
    judged = model().features.of_lists(queries.users, queries.history, queries.lists, data.tables)
    return grow(rows, [ListwiseLoss.of_examples(examples)], judged, queries, config=CONFIG, context=CONTEXT)


def test_the_trees_give_what_the_library_predicts() -> None:
    """Also of rows that they were not grown on."""
    trees, rows = grown(), some_rows()
    ensemble = TreeEnsemble.of_lightgbm(trees.structures(), CONFIG.depth)

    found = ensemble(torch.as_tensor(rows)).numpy()

    expected = trees.booster.predict(trees.grid.points(rows), num_iteration=trees.best)
    assert len(set(expected.tolist())) > 50
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_tree_is_followed_by_hand() -> None:
    """A tree whose branches end at different depths, and one that is a leaf alone."""
    uneven: dict[str, Any] = {
        "split_feature": 1, "threshold": 0.5,
        "left_child": {"leaf_value": 1.0},
        "right_child": {
            "split_feature": 0, "threshold": -2.0,
            "left_child": {"leaf_value": 10.0}, "right_child": {"leaf_value": 100.0},
        },
    }  # fmt: skip
    ensemble = TreeEnsemble.of_lightgbm([uneven, {"leaf_value": 0.25}], depth=3)
    rows = torch.tensor([[0.0, 0.5], [-2.0, 0.75], [-1.0, 0.75], [-3.0, -9.0]])

    assert ensemble(rows).tolist() == [1.25, 10.25, 100.25, 1.25]
    off = torch.tensor([0.01, 0.01])
    assert ensemble.steady(rows, off).tolist() == [False, False, True, True]


def test_thresholds_in_single_precision_decide_as_those_in_double() -> None:
    """Of every float32, the ones next to the threshold too."""
    rng = np.random.default_rng(0)
    thresholds = np.concatenate([rng.normal(size=500), [0.1, -0.1, 1e-30, 16777217.0], np.float32(rng.normal(size=20))])
    near = thresholds.astype(np.float32)
    for value in (near, np.nextafter(near, np.float32(9e9)), np.nextafter(near, np.float32(-9e9))):
        assert np.array_equal(value <= round_down(thresholds), value.astype(np.float64) <= thresholds)


def test_trees_do_not_split_between_what_only_rounding_tells_apart() -> None:
    """A similarity of 1 that comes out as 0.99999994 on another processor is scored the same."""
    rng = np.random.default_rng(0)
    value = np.where(rng.random(400) < 0.5, np.float32(1.0), np.float32(0.25))
    shaken = np.where(rng.random(400) < 0.5, value, np.nextafter(value, np.float32(0)))[:, None]
    points = Grid.of(shaken).points(shaken)

    assert len(np.unique(points)) == 2
    assert len(np.unique(shaken)) == 4


def test_a_threshold_on_the_grid_parts_values_as_it_parts_points() -> None:
    """What goes left by its point goes left by its value."""
    rows = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    grid = Grid.of(rows)
    points = grid.points(rows)
    leaves = {"left_child": {"leaf_value": 0.0}, "right_child": {"leaf_value": 1.0}}
    for threshold in np.arange(1.25, points[:, 1].max(), 3.0).tolist():
        tree = grid.thresholds({"split_feature": 1, "threshold": threshold, **leaves})
        assert np.array_equal(rows[:, 1] <= tree["threshold"], points[:, 1] <= threshold)


def test_the_loss_and_its_derivatives_are_those_of_the_other_models() -> None:
    """Of what followed, corrected for how often it is drawn, and of what was shown: by torch's own differentiation."""
    rng = np.random.default_rng(0)
    examples = small.ranking_data().examples.take(np.arange(7))
    examples = dataclasses.replace(examples, log_expected=rng.normal(size=examples.candidates.shape).astype(np.float32))
    shown = ShownLists(
        np.zeros(2, dtype=np.int64),
        np.zeros((2, 1), dtype=np.int64),
        np.asarray([[4, 9, 1], [7, 2, NO_ITEM]]),
        np.asarray([[0, 2.0, 1.0], [1.0, 0, 0]], dtype=np.float32),
    )
    losses = [ListwiseLoss.of_examples(examples), ListwiseLoss.of_shown(shown, 0.5)]
    scores = rng.normal(size=sum(map(len, losses)))
    flat = torch.tensor(scores, requires_grad=True)

    value, gradient, second = derivatives_of_all(losses, scores)

    def listed(candidates: np.ndarray, some: torch.Tensor) -> torch.Tensor:
        lists = torch.full(candidates.shape, NEVER, dtype=torch.float64)
        lists[torch.as_tensor(candidates != NO_ITEM)] = some
        return lists

    first = len(losses[0])
    followed = listed(examples.candidates, flat[:first]) - torch.as_tensor(examples.log_expected)
    expected = nn.functional.cross_entropy(followed, torch.zeros(7, dtype=torch.int64), reduction="sum")
    gains = torch.as_tensor(shown.gains, dtype=torch.float64) * 0.5 / 2.0
    expected = expected + 2 * shown_loss(listed(shown.candidates, flat[first:]), gains)
    (slope,) = torch.autograd.grad(expected, flat, create_graph=True)
    curvature = [float(torch.autograd.grad(slope[at], flat, retain_graph=True)[0][at]) for at in range(len(scores))]
    assert value == pytest.approx(float(expected.detach()))
    np.testing.assert_allclose(gradient, slope.detach().numpy(), atol=1e-9)
    np.testing.assert_allclose(second, curvature, atol=1e-9)


def test_what_was_shown_and_taken_up_teaches_the_order() -> None:
    """Where it says the contrary of popularity."""
    data = small.ranking_data()
    tables, popular = small.features().tables(), small.features().popularity
    rng = np.random.default_rng(0)
    users = data.examples.users[:400]
    candidates = np.stack([rng.permutation(small.ITEMS)[:10] for _ in users])
    gains = (popular[candidates] < np.median(popular)).astype(np.float32) + 1e-3
    shown = ShownLists(users, data.examples.history[:400], candidates, gains)
    few = dataclasses.replace(data, examples=data.examples.take(np.arange(400)))

    def popularity_on_top(found: RankingData) -> float:
        made = fit_ranker_family(RANKERS["gbdt"], found, CONFIG, CONTEXT).model
        scores = score_all(made, lists_of(made, users, shown.history, candidates, tables))
        return float(popular[np.take_along_axis(candidates, scores.argmax(axis=1)[:, None], axis=1)].mean())

    taught = dataclasses.replace(few, shown=shown, shown_weight=5.0)
    assert popularity_on_top(taught) < 0.5 * popularity_on_top(few)


def test_importances_are_shares_of_named_features() -> None:
    """The largest first, and what never splits is left out."""
    importances = small.fitted("gbdt").importances
    shares = list(importances.values())
    assert set(importances) <= set(column_names(small.shape()))
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) > 0
    # The data set is made so that what follows what matters.
    assert next(iter(importances)) == "transition strength"


def test_every_column_has_a_name() -> None:
    """And no two have the same."""
    names = column_names(small.shape())
    assert len(set(names)) == len(names) == some_rows().shape[1]


class EvenRowsAreSteady(nn.Module):
    """Says so, and nothing else."""

    def steady(self, *asked: torch.Tensor) -> torch.Tensor:
        """Of the candidates, the third input."""
        return asked[2] % 2 == 0


def test_golden_requests_leave_out_scores_that_hang_by_a_rounding() -> None:
    """A snapshot is not refused by a processor that rounds in another way."""
    queries, features = small.holdout().validation, small.features()

    batches = golden_batches(queries, features, small.MAX_HISTORY, 0, EvenRowsAreSteady())

    candidates = np.concatenate([batch.candidates for batch in batches])
    assert len(candidates) > 20
    assert not (candidates % 2).any()
    assert all(len(batch.candidate_query) == len(batch.candidates) for batch in batches)


def test_steady_scores_stay_the_same_when_signals_are_off_by_little() -> None:
    """Each by at most what it was asked about; and others do not."""
    rows, off = torch.as_tensor(some_rows()), 40 * model().tolerances
    steady = model().ensemble.steady(rows, off)
    before = model().ensemble(rows)
    assert float(steady.float().mean()) > 0.5
    for seed in range(5):
        noise = torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        after = model().ensemble(rows + noise * 0.99 * off)
        torch.testing.assert_close(after[steady], before[steady])
        assert not torch.equal(after, before)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [(SHAPE, "fitted recall models"), (None, "one objective")],
)
def test_what_trees_cannot_do_is_refused(shape: RankerShape | None, problem: str) -> None:
    """With what could be chosen instead."""
    asked = shape or dataclasses.replace(small.shape(), objectives=("next", "like"))
    with pytest.raises(Unsuitable, match=problem):
        RANKERS["gbdt"].build(asked, CONFIG)
