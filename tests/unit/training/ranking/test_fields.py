"""The vectors of fields."""

import numpy as np
import pytest
import torch

from services.training.ranking.fields import FieldEmbedding, FirstOrder, embedding_penalty
from services.training.ranking.mlp import MLP
from services.training.ranking.model import RankerShape
from services.training.ranking.user_slots import user_slots
from shared.features import UserFeatureTransform
from tests.unit.training.ranking.tiny import ASKED, HISTORY, SHAPE, USERS, build, field_vectors


def test_each_field_has_the_product_of_its_features_and_its_vectors() -> None:
    """A value's own vector for a one-hot field, a multiple for a number, the mean for a history, zeros for a stranger."""
    torch.manual_seed(0)
    embedding = FieldEmbedding(SHAPE, 3)
    assert embedding.fields == 7
    np.testing.assert_allclose(embedding(*ASKED).detach().numpy(), field_vectors(embedding), rtol=1e-5, atol=1e-6)


def test_the_linear_part_is_the_sum_of_a_number_for_each_value() -> None:
    """And of a bias."""
    torch.manual_seed(0)
    part = FirstOrder(SHAPE)
    torch.nn.init.constant_(part.bias, 2.0)
    expected = field_vectors(part.weights).sum(axis=1) + 2.0
    np.testing.assert_allclose(part(*ASKED).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_slots_hold_what_is_not_zero_of_what_the_transform_makes() -> None:
    """Writing them back gives the features, for people of whom all, some or nothing is known."""
    people: list[dict[str, str | float]] = [{"region": "south", "age": 2.0}, {"region": "moon"}, {"age": -1.5}, {}]
    features = torch.as_tensor(UserFeatureTransform(SHAPE.user_fields).many(people))

    slots = user_slots(features, SHAPE.user_fields)

    assert slots.columns.shape == (4, 4)
    assert torch.equal(torch.zeros(features.shape).scatter_add(1, slots.columns, slots.values), features)


def test_slots_give_the_vectors_that_the_features_give() -> None:
    """To the last field of a stranger."""
    embedding = FieldEmbedding(SHAPE, 3)
    slots = user_slots(USERS, SHAPE.user_fields)
    torch.testing.assert_close(embedding.of_queries(HISTORY, slots), embedding.of_queries(HISTORY, USERS))


def test_a_catalogue_without_item_features_has_a_field_for_the_candidate_alone() -> None:
    """As click-through data sets have it."""
    embedding = FieldEmbedding(RankerShape(5, (), ()), 3)
    fields = embedding.of_candidates(torch.tensor([1, 2]), torch.zeros(2, 0))
    torch.testing.assert_close(fields[:, 0], embedding.items.weight[1:3])
    assert embedding.fields == 3


def test_the_penalty_is_half_the_sum_of_squares_of_all_embeddings() -> None:
    """Times what was asked for, and of embeddings alone."""
    model = build("mlp", hidden=(4,))
    tables = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    expected = 0.5 * 0.25 * sum(float(table.detach().square().sum()) for table in tables)
    assert float(embedding_penalty(model.requires_grad_(False), MLP.config(embedding_penalty=0.25))) == pytest.approx(
        expected
    )
    assert embedding_penalty(model, MLP.config()) == 0.0
