"""Fitting ranking models to labels."""

import numpy as np
import pytest
import torch

from services.training.progress import Silence
from services.training.ranking.labels import LabelKind, LabelledRows, fit_labels, judge_labels, label_loss, score_rows
from services.training.ranking.registry import RANKERS
from services.training.ranking.user_slots import user_slots
from services.training.recall.model import FitContext
from shared.features import UserFeatureTransform
from tests.unit.training.ranking.tiny import SHAPE

ITEM_FEATURES = torch.zeros(SHAPE.items, len(SHAPE.item_features))
CONTEXT = FitContext(seed=0, max_history=2, threads=1, display=Silence())


def rows(count: int, seed: int) -> LabelledRows:
    """People of the north like even items and those of the south odd ones: nothing that a sum of two parts can say."""
    rng = np.random.default_rng(seed)
    north = rng.integers(2, size=count)
    candidates = rng.integers(SHAPE.items, size=count)
    transform = UserFeatureTransform(SHAPE.user_fields)
    users = torch.as_tensor(transform.many([{"region": ("south", "north")[one]} for one in north.tolist()]))
    labels = (candidates % 2 == 1 - north).astype(np.float32)
    history = torch.full((count, 2), -1)
    return LabelledRows(
        user_slots(users, SHAPE.user_fields), history, torch.as_tensor(candidates), torch.as_tensor(labels[:, None])
    )


def fitted(name: str, kind: LabelKind, seed: int = 0) -> np.ndarray:
    """Scores of rows that a model was not fitted on: float [rows, 1]."""
    torch.manual_seed(seed)
    config = RANKERS[name].config(epochs=8, patience=8, learning_rate=0.03, batch=64)
    model = RANKERS[name].build(SHAPE, config)
    epochs = fit_labels(model, rows(1000, 1), rows(300, 2), ITEM_FEATURES, kind=kind, config=config, context=CONTEXT)
    assert len(epochs) == 8
    assert not model.training
    return score_rows(model, rows(300, 3), ITEM_FEATURES)


@pytest.mark.parametrize("name", ["mf", "fm", "mlp", "deepfm"])
def test_a_model_learns_from_labels_who_takes_what(name: str) -> None:
    """Where no sum of what is known of the person and of the item can tell."""
    assert judge_labels(fitted(name, "binary"), rows(300, 3).labels.numpy(), "binary") > 0.99


def test_a_model_learns_values() -> None:
    """Its score is then the value itself."""
    assert judge_labels(fitted("mlp", "value"), rows(300, 3).labels.numpy(), "value") > -0.1


def test_equal_seeds_give_equal_models() -> None:
    """And another seed another one."""
    np.testing.assert_array_equal(fitted("fm", "binary"), fitted("fm", "binary"))
    assert not np.array_equal(fitted("fm", "binary"), fitted("fm", "binary", seed=1))


def test_the_loss_is_the_mean_over_known_labels() -> None:
    """Cross-entropy with the logits for binary labels, squared errors for values; what is not known counts nowhere."""
    scores = torch.tensor([[2.0, 7.0], [-1.0, 0.5]])
    labels = torch.tensor([[1.0, torch.nan], [0.0, 1.0]])

    binary = float(label_loss(scores, labels, "binary"))
    value = float(label_loss(scores, labels, "value"))

    assert binary == pytest.approx(np.mean([np.log1p(np.exp(-2)), np.log1p(np.exp(-1)), np.log1p(np.exp(-0.5))]))
    assert value == pytest.approx((1.0 + 1.0 + 0.25) / 3)


def test_binary_labels_are_judged_by_the_share_of_pairs_in_order() -> None:
    """The area under the ROC curve, of each objective by itself, over what is known of it."""
    scores = np.asarray([[0.1, 5.0], [0.4, 1.0], [0.35, 2.0], [0.8, 9.0]], dtype=np.float32)
    labels = np.asarray([[0, 1], [0, 0], [1, 0], [1, np.nan]], dtype=np.float32)
    assert judge_labels(scores, labels, "binary") == pytest.approx((0.75 + 1.0) / 2)


def test_values_are_judged_by_their_errors() -> None:
    """Minus the root of the mean square, so that more is better."""
    scores = np.asarray([[1.0], [2.0], [9.0]], dtype=np.float32)
    labels = np.asarray([[4.0], [6.0], [np.nan]], dtype=np.float32)
    assert judge_labels(scores, labels, "value") == pytest.approx(-np.sqrt(12.5))
