"""What holds for every ranking model on real data, in seconds."""

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from services.training.config import TrainingConfig
from services.training.metrics import ndcg
from services.training.progress import Silence
from services.training.ranking.family import fit_ranker_family
from services.training.ranking.lists import lists_of, score_all
from services.training.ranking.model import RankingData
from services.training.ranking.objectives import ObjectiveLabels
from services.training.ranking.registry import RANKERS
from services.training.recall_lists import ListedQueries, order_lists, rank_in_lists
from services.training.retrieval import Retrieval, fit_retrieval, ranking_data
from services.training.stopwatch import Stopwatch
from services.training.training_data import TrainingData
from tests.unit.training.movielens import MAX_HISTORY, RESERVED, holdout, movielens

CONFIG = TrainingConfig.model_validate(
    {
        "threads": 1,
        "candidates": 100,
        "max_history": MAX_HISTORY,
        "channels": {"ease": {"quota": 0.9}, "popularity": {"quota": 0.1}},
        "merge": {"learn": False},
        "ranker": {"reserved": RESERVED, "negatives": 48},
    }
)


@cache
def learned() -> TrainingData:
    """Events, and what people liked."""
    return TrainingData(movielens(), holdout(), ObjectiveLabels.of(movielens(), CONFIG.ranker.objectives))


@cache
def retrieval() -> Retrieval:
    """What finds the candidates: a linear model, and what is popular."""
    return fit_retrieval(CONFIG, learned(), CONFIG.context(Silence()), Stopwatch())


@cache
def data() -> RankingData:
    """What rankers learn from."""
    return ranking_data(retrieval(), learned(), CONFIG, Silence())


@cache
def asked() -> ListedQueries:
    """The film that each of 943 people watched last, with the candidates of recall."""
    return retrieval().stage(CONFIG).retrieve(holdout().test).listed


def judged(scores: np.ndarray) -> float:
    """NDCG@10 of the candidates in the order of scores, float [lists, places]."""
    ordered = order_lists(asked().lists, np.where(asked().lists >= 0, scores, -1e9))
    return float(ndcg(rank_in_lists(ordered, asked().targets, missed=len(movielens().items)), 10).mean())


@cache
def baselines() -> tuple[float, float]:
    """Popularity, and a logistic regression over the features of users and films."""
    tables, examples = data().tables, data().examples
    users, items = tables.users.numpy(), tables.items.numpy()
    popular = retrieval().features.popularity[asked().lists]
    candidates = np.maximum(examples.candidates[:, :2], 0)
    rows = np.concatenate([users[np.repeat(examples.users, 2)], items[candidates.ravel()]], axis=1)
    regression = LogisticRegression(max_iter=300).fit(rows, np.tile([1, 0], len(examples)))
    of_items = items @ regression.coef_[0][users.shape[1] :]
    return judged(popular), judged(of_items[asked().lists])


@pytest.mark.parametrize("name", list(RANKERS))
def test_a_model_orders_real_candidates_better_than_popularity_and_than_a_logistic_regression(name: str) -> None:
    """With its default settings, as a training job fits it."""
    movielens()
    family, lists = RANKERS[name], asked()
    model = fit_ranker_family(family, data(), family.config(), CONFIG.context(Silence())).model

    found = judged(score_all(model, lists_of(model, lists.users, lists.history, lists.lists, data().tables)))

    assert found > max(baselines())
