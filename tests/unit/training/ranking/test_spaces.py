"""The items as the ranker sees them."""

import numpy as np
import torch

from services.training.ranking.ranker import Ranker
from services.training.ranking.signals import SIGNALS, MatchSignals
from services.training.ranking.spaces import ItemSpaces, contents, directions
from services.training.recall.binary_history import MultiHotEncoder
from tests.unit.training.ranking.models import HALF_LIVES, ITEM_FEATURES, ITEMS, USER_FEATURES

WEIGHTS = np.random.default_rng(0).normal(size=(ITEMS, ITEMS)).astype(np.float32)


def wide_signals(most: int) -> MatchSignals:
    """Signals of a linear model, which has a dimension for each item; no channel is made of contents."""
    spaces = ItemSpaces(
        collaborative=torch.as_tensor(WEIGHTS),
        content=contents(None, ITEMS),
        transition_source=torch.zeros(ITEMS, 1),
        transition_target=torch.zeros(ITEMS, 1),
        features=torch.zeros(ITEMS, ITEM_FEATURES),
        directions=directions(WEIGHTS, most, seed=0),
    )
    return MatchSignals(MultiHotEncoder(ITEMS).eval(), spaces, HALF_LIVES)


def test_a_narrow_space_is_left_as_it_is() -> None:
    """There is nothing to reduce."""
    assert directions(WEIGHTS, most=ITEMS, seed=0) is None


def test_a_space_is_reduced_by_the_directions_that_keep_most_of_it() -> None:
    """Vectors of rank three, in three directions, keep all their products."""
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(ITEMS, 3)) @ rng.normal(size=(3, 12))).astype(np.float32)

    found = directions(vectors, most=3, seed=0)

    assert found is not None
    reduced = vectors @ found.numpy()
    assert reduced.shape == (ITEMS, 3)
    np.testing.assert_allclose(reduced @ reduced.T, vectors @ vectors.T, rtol=1e-3, atol=1e-3)


def test_in_a_reduced_space_the_scores_stay_those_of_the_channel() -> None:
    """An unfitted ranker has exactly the channel's order; only what it learns of the dimensions is reduced."""
    signals = wide_signals(most=4)
    ranker = Ranker(signals, ITEM_FEATURES, USER_FEATURES, hidden=(6,), dropout=0.0).eval()

    with torch.no_grad():
        scores = ranker(
            torch.tensor([[4, 5, 6]]),
            torch.zeros(1, USER_FEATURES),
            torch.arange(ITEMS),
            signals.features,
            torch.zeros(ITEMS, dtype=torch.long),
        )[:, 0]

    assert signals.dimension == 4
    np.testing.assert_allclose(scores.numpy(), WEIGHTS[:, [4, 5, 6]].sum(axis=1), rtol=1e-4, atol=1e-5)


def test_without_a_channel_of_contents_nothing_is_alike() -> None:
    """The signals of contents are there, say nothing, and harm nothing."""
    signals = wide_signals(most=ITEMS)
    history, rows, query = torch.tensor([[7, 8]]), torch.tensor([3]), torch.tensor([0])

    with torch.no_grad():
        values = signals(torch.zeros(1), history, rows, signals.features[rows], query)[0]

    assert bool(values.isfinite().all())
    assert {name: float(value) for name, value in zip(SIGNALS, values, strict=False) if "content" in name} == {
        "content similarity": 0.0,
        "content similarity to the last item": 0.0,
        "highest content similarity to a recent item": 0.0,
    }


def test_contents_are_compared_by_direction() -> None:
    """Whatever the lengths a model gives; what has no content stays so."""
    vectors = contents(np.asarray([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32), 2)

    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
