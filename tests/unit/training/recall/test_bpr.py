"""BPR against its loss written out."""

import numpy as np
import pytest
import torch

from services.training.recall.bpr import BprConfig, BprModel, Comparisons, fit_bpr
from services.training.recall.model import Unsuitable
from tests.unit.training.recall.small import context, scores, small_data


def test_the_loss_compares_each_item_met_with_items_not_met_as_seen_by_the_others() -> None:
    """Written out pair by pair; an item that was met is no negative, and padding no positive."""
    torch.manual_seed(0)
    model = BprModel(6, BprConfig(dimension=4, pooling=0.5))
    torch.nn.init.normal_(model.encoder.met.weight)
    torch.nn.init.normal_(model.wanted.weight)
    torch.nn.init.normal_(model.bias.weight)
    history = torch.tensor([[0, 1, 2], [3, 4, -1]])
    negatives = torch.tensor([[[3, 4], [1, 5], [5, 5]], [[0, 1], [2, 3], [0, 0]]])

    met, items = model.encoder.met.weight.detach().numpy(), model.item_vectors()
    losses = []
    for person, row in enumerate(history.tolist()):
        real = [item for item in row if item >= 0]
        for place, item in enumerate(real):
            others = [other for other in real if other != item]
            query = np.append(met[others].sum(axis=0) / len(others) ** 0.5, 1.0)
            unmet = [negative for negative in negatives[person, place].tolist() if negative not in real]
            losses += np.log1p(np.exp((items[unmet] - items[item]) @ query)).tolist()

    np.testing.assert_allclose(model.loss(Comparisons(history, negatives)).item(), np.mean(losses), rtol=1e-5)


def test_people_are_known_by_what_they_met_alone() -> None:
    """Two kinds of people who share no item: somebody new is told from one item."""
    kinds = ((0, 1, 2), (3, 4, 5))
    data = small_data([kinds[person % 2] for person in range(40)])
    model = fit_bpr(data, BprConfig(dimension=4, epochs=20, patience=20, learning_rate=0.05, batch=8), context())
    first, second = scores(model, [(0,), (5,)])
    assert first[1:3].min() > first[3:].max()
    assert second[3:5].min() > second[:3].max()


def test_a_history_s_order_and_repetitions_do_not_count() -> None:
    """A person is a set of items."""
    model = fit_bpr(small_data(), BprConfig(dimension=4, epochs=1), context())
    once, often = scores(model, [(0, 1, 3), (3, 1, 1, 0, 3)])
    np.testing.assert_allclose(once, often, rtol=1e-5)


def test_histories_of_one_item_teach_nothing_and_are_refused_with_a_way_out() -> None:
    """There is nobody in whom two items go together."""
    with pytest.raises(Unsuitable, match="bring longer histories"):
        fit_bpr(small_data([(0,), (1, 1), ()], items=2), BprConfig(), context())
