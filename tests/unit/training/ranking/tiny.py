"""Ranking models over five items, small enough to compute by hand."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from services.training.datasets import Item
from services.training.ranking.fields import FieldEmbedding
from services.training.ranking.model import RankerShape
from services.training.ranking.registry import RANKERS
from shared.features import UserField

SHAPE = RankerShape(
    items=5,
    user_fields=(UserField("region", "categorical", vocabulary=("north", "south")), UserField("age", "number")),
    item_features=("log popularity", "category=drama", "category=war"),
    items_described=tuple(
        Item(str(row), title, (), text, {})
        for row, (title, text) in enumerate(
            [
                ("River of gold", "gold at the river"),
                ("Gold", "river river gold of the king"),
                ("The king", "king of the river at the end of gold of the king of the river"),
                ("", "alone"),
                ("King", "the gold of the river"),
            ]
        )
    ),
)

HISTORY = torch.tensor([[-1, 3, 1], [0, 4, 1], [-1, -1, -1]])
#: Known, from the south, half a deviation old; known, from the north, of no age; a stranger.
USERS = torch.tensor([[1.0, 0, 0, 1, 0.5, 0], [1.0, 0, 1, 0, 0, 1], [0.0, 0, 0, 0, 0, 0]])
CANDIDATES = torch.tensor([2, 4, 0, 4])
FEATURES = torch.tensor([[0.3, 1, 0], [-1.2, 1, 1], [0.0, 0, 0], [-1.2, 1, 1]])
QUERY = torch.tensor([0, 1, 2, 0])
ASKED = (HISTORY, USERS, CANDIDATES, FEATURES, QUERY)

# History of each candidate, without the padding.
HISTORIES: tuple[list[int], ...] = ([3, 1], [0, 4, 1], [], [3, 1])


def build(name: str, **settings: Any) -> Any:
    """Returns a model with parameters drawn at random, in evaluation mode."""
    family = RANKERS[name]
    torch.manual_seed(0)
    model = family.build(SHAPE, family.config(**settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.7)
    return model


def scores(model: nn.Module) -> np.ndarray:
    """What the model gives to the four candidates: float32 [4]."""
    with torch.no_grad():
        given: Tensor = model(*ASKED)
    return given[:, 0].numpy()


def array(value: Tensor) -> np.ndarray:
    """A parameter as an array."""
    return value.detach().numpy()


def field_vectors(embedding: FieldEmbedding) -> np.ndarray:
    """The vectors of the seven fields of each of the four candidates, one at a time: float32 [4, 7, dimension]."""
    users, history = array(embedding.users.weight), array(embedding.history.weight)
    items, features = array(embedding.items.weight), array(embedding.features.weight)
    found = []
    for candidate, query, values, past in zip(CANDIDATES, QUERY, FEATURES.numpy(), HISTORIES, strict=True):
        user = USERS[query].numpy()
        found.append([
            user[0] * users[0],
            sum(user[column] * users[column] for column in (1, 2, 3)),
            user[4] * users[4] + user[5] * users[5],
            np.mean(history[past], axis=0) if past else np.zeros(history.shape[1]),
            items[candidate],
            values[0] * features[0],
            values[1] * features[1] + values[2] * features[2],
        ])  # fmt: skip
    return np.asarray(found, dtype=np.float32)


def linear(layer: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """What a linear layer gives."""
    assert isinstance(layer, nn.Linear)
    given = inputs @ array(layer.weight).T
    return np.asarray(given if layer.bias is None else given + array(layer.bias))


def stack(layers: nn.Module, inputs: np.ndarray) -> np.ndarray:
    """What hidden layers give, in evaluation mode and without normalisation: linear, then nothing below zero."""
    assert isinstance(layers, nn.Sequential)
    for layer in layers:
        if isinstance(layer, nn.Linear):
            inputs = linear(layer, inputs)
        elif isinstance(layer, nn.ReLU):
            inputs = np.maximum(inputs, 0.0)
    return inputs


def first_order(model: Any) -> np.ndarray:
    """The linear part of a model: float32 [4]."""
    part = model.first_order
    return np.asarray(field_vectors(part.weights).sum(axis=(1, 2)) + array(part.bias)[0])
