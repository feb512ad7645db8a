"""The ranker that reads, against what it computes without torch."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from services.training.content.vocabulary import NO_WORD
from services.training.datasets import Item
from services.training.ranking.registry import RANKERS
from services.training.ranking.text_cnn import ReadItems, TextCnnConfig
from services.training.recall.model import Unsuitable
from tests.unit.training.ranking.tiny import (
    CANDIDATES,
    FEATURES,
    HISTORIES,
    QUERY,
    SHAPE,
    USERS,
    array,
    build,
    linear,
    scores,
    stack,
)

SETTINGS: dict[str, Any] = {
    "dimension": 3, "hidden": (5, 4), "embedding": 4, "filters": 2, "words": 6, "half_life": 2.0, "dropout": 0.0,
}  # fmt: skip


def reading() -> Any:
    """A small ranker whose items have been read with the parameters that it has."""
    return build("text_cnn", **SETTINGS).train().eval()


def vector(items: ReadItems, row: int) -> np.ndarray:
    """What the network makes of an item's words, one window at a time: float [dimension]."""
    known = [number for number in items.words[row].tolist() if number != NO_WORD]
    embedded = [array(items.cnn.words.weight)[number] for number in known]
    found = []
    for width, phrase in zip(items.cnn.widths, items.cnn.phrases, strict=True):
        kernel, bias = array(phrase.weight), array(phrase.bias)  # type: ignore[arg-type]
        padded = embedded + [np.zeros(kernel.shape[1])] * (width - 1)
        windows = [
            sum(kernel[:, :, offset] @ padded[start + offset] for offset in range(width)) + bias
            for start in range(len(known))
        ]
        found.append(np.max([np.zeros(len(bias)), *windows], axis=0))
    return linear(items.output, np.concatenate(found))


def test_text_cnn_joins_what_was_read_of_the_history_and_the_candidate() -> None:
    """With the attributes and the candidate's features, through hidden layers; newer items count more."""
    model = reading()
    rows = []
    for candidate, query, history in zip(CANDIDATES.tolist(), QUERY.tolist(), HISTORIES, strict=True):
        weights = np.asarray([2.0 ** (-age / 2.0) for age in range(len(history))][::-1])
        read = [vector(model.items, row) for row in history]
        done = weights / weights.sum() @ np.asarray(read) if history else np.zeros(3)
        item = vector(model.items, candidate)
        rows.append(np.concatenate([done, linear(model.users, USERS[query].numpy()), item, done * item]))
    inputs = np.concatenate([np.asarray(rows), FEATURES.numpy()], axis=1)

    np.testing.assert_allclose(scores(model), stack(model.deep, inputs)[:, 0], rtol=1e-4, atol=1e-4)


def test_what_is_fitted_is_what_is_served() -> None:
    """Reading the items of a batch gives what looking up items that have been read gives."""
    model = reading()
    looked_up = scores(model)

    np.testing.assert_allclose(scores(model.train()), looked_up, rtol=1e-5, atol=1e-5)


def test_an_item_that_nobody_has_met_is_scored_by_its_words() -> None:
    """Two items of the same words and features have the same score, whatever their rows."""
    twins = (*SHAPE.items_described[:4], dataclasses.replace(SHAPE.items_described[0], id="twin"))
    torch.manual_seed(0)
    shape = dataclasses.replace(SHAPE, items_described=twins)
    model = RANKERS["text_cnn"].build(shape, TextCnnConfig(**SETTINGS)).eval()
    asked = (
        torch.tensor([[1, 2]]),
        USERS[:1],
        torch.tensor([0, 4, 1]),
        FEATURES[[0, 0, 0]],
        torch.zeros(3, dtype=torch.int64),
    )

    with torch.no_grad():
        first, twin, other = model(*asked)[:, 0].tolist()

    assert first == pytest.approx(twin)
    assert first != pytest.approx(other)


@pytest.mark.parametrize("items", [(), tuple(Item(str(row), "", (), f"alone{row}", {}) for row in range(5))])
def test_a_catalogue_without_words_is_refused(items: tuple[Item, ...]) -> None:
    """Nothing is described, or no word stands in two items."""
    with pytest.raises(Unsuitable, match="no words"):
        RANKERS["text_cnn"].build(dataclasses.replace(SHAPE, items_described=items), TextCnnConfig(**SETTINGS))
