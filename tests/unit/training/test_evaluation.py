"""What each stage is worth."""

import numpy as np
import pytest

from services.training.config import TrainingConfig
from services.training.datasets import Dataset
from services.training.evaluation import Quality, RecallStage, evaluate
from services.training.holdout import Holdout
from services.training.metrics.lists import NO_ITEM
from services.training.models import Features, fit_features, ranker_shape
from services.training.progress import Silence
from services.training.recall_models import RecallModels, fit_recall
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_channels, tiny_config

Fitted = tuple[TrainingConfig, Dataset, Holdout, Features, RecallModels]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """Recall models after one epoch: what they are worth does not matter here."""
    dataset = chain_dataset()
    config = tiny_config(channels=tiny_channels(epochs=1))
    holdout = Holdout.of(dataset.histories(), config.ranker.reserved)
    features = fit_features(dataset, holdout, config)
    recall = fit_recall(
        dataset, holdout, features.items.matrix, features.users, config=config, context=config.context(Silence())
    )  # fmt: skip
    return config, dataset, holdout, features, recall


def test_the_means_are_those_of_the_formulas() -> None:
    """By hand: ranks 1, 3, 11 and 201."""
    quality = Quality.of_ranks(np.asarray([1, 3, 11, 201]))

    assert quality.hit_rate == 0.5
    assert quality.ndcg == pytest.approx((1.0 + 0.5) / 4)
    assert quality.recall == 0.75


def test_popularity_ranks_by_count_and_leaves_out_what_was_seen(fitted: Fitted) -> None:
    """The rank of each target is one more than the number of unseen items that are at least as popular."""
    config, _, holdout, features, recall = fitted

    ranks = RecallStage(features, recall, config).retrieve(holdout.validation).ranks["popularity"]

    for history, target, rank in zip(
        holdout.validation.histories, holdout.validation.targets.tolist(), ranks.tolist(), strict=True
    ):
        rivals = [row for row in range(ITEMS) if row != target and row not in history.tolist()]
        assert rank == 1 + sum(features.popularity[row] >= features.popularity[target] for row in rivals)


def test_lists_are_full_and_hold_nothing_twice_or_seen(fitted: Fitted) -> None:
    """Every list has the candidates that were asked for, as far as there are unseen items."""
    config, _, holdout, features, recall = fitted

    listed = RecallStage(features, recall, config).retrieve(holdout.test).listed

    for row, history in zip(listed.lists, holdout.test.histories, strict=True):
        items = row[row != NO_ITEM].tolist()
        assert len(items) == min(config.candidates, ITEMS - len(set(history.tolist())))
        assert len(set(items)) == len(items)
        assert not set(items) & set(history.tolist())


def test_an_unfitted_ranker_ranks_the_list_as_the_collaborative_channel_does(fitted: Fitted) -> None:
    """With all unseen items in the list, both stages find the same targets in the same places."""
    config, _, holdout, features, recall = fitted
    everything = config.model_copy(update={"candidates": ITEMS})
    stage = RecallStage(features, recall, everything)

    unfitted = config.ranker.family.build(
        ranker_shape(chain_dataset().items, features, recall, config), config.ranker.configuration()
    )

    stages = evaluate(holdout.test, stage, unfitted.eval(), features, Silence()).quality

    assert stages["ranked"] == stages["collaborative"]
    assert stages["ranked"] != stages["popularity"]
