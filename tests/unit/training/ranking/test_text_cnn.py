"""The ranker that reads, against what it computes without torch."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.training.content.vocabulary import NO_WORD
from services.training.datasets import Item
from services.training.optimisation import Epoch
from services.training.progress import Silence
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.model import FittedRanker
from services.training.ranking.registry import RANKERS
from services.training.ranking.text_cnn import ReadItems, TextCnnConfig
from services.training.recall.model import FitContext, Unsuitable
from services.training.runs.run import Run
from tests.unit.training.ranking import fitted as small
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
    # Scores that are not nearly nothing: of those a processor's rounding would be more than a millionth part.
    torch.manual_seed(1)
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


class Interrupted(Exception):
    """The process was asked to stop."""


def interrupt(stage: str, number: int, epoch: Epoch) -> None:  # noqa: ARG001 - the signature of Run.watch
    """Ends the fit after its first epoch."""
    raise Interrupted


def test_a_fit_that_was_killed_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Bit for bit, the vectors of the items that were read too."""
    data = small.ranking_data()
    few = dataclasses.replace(
        data,
        examples=data.examples.take(np.arange(128)),
        validation=small.listed(small.holdout().validation.sample(40, 0)),
    )
    config = TextCnnConfig(**{**SETTINGS, "epochs": 2, "dropout": 0.2})

    def fit(run: Run | None) -> FittedRanker:
        return fit_ranker_family(RANKERS["text_cnn"], few, config, FitContext(0, small.MAX_HISTORY, 1, Silence(), run))

    with pytest.raises(Interrupted):
        fit(Run(tmp_path, "data", watch=interrupt))
    said: list[str] = []
    resumed, whole = fit(Run(tmp_path, "data", said.append)), fit(None)

    assert "resumes after epoch 1" in said[0]
    assert resumed.epochs == whole.epochs
    expected = whole.model.state_dict()
    assert "items.read" in expected
    assert all(torch.equal(value, expected[name]) for name, value in resumed.model.state_dict().items())


@pytest.mark.parametrize("items", [(), tuple(Item(str(row), "", (), f"alone{row}", {}) for row in range(5))])
def test_a_catalogue_without_words_is_refused(items: tuple[Item, ...]) -> None:
    """Nothing is described, or no word stands in two items."""
    with pytest.raises(Unsuitable, match="no words"):
        RANKERS["text_cnn"].build(dataclasses.replace(SHAPE, items_described=items), TextCnnConfig(**SETTINGS))
