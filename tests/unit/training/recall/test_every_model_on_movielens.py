"""What holds for every recall model on real data, in seconds; the settings were chosen on validation."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from services.training.metrics import history_mask, hit_rate, ndcg, rank_of_target
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallData
from services.training.recall.registry import RECALL_MODELS
from services.training.sequence.windows import pad_histories
from tests.unit.training.movielens import MAX_HISTORY, features, holdout, movielens
from tests.unit.training.recall.fitted import QUICK
from tests.unit.training.recall.test_every_model import Everybody

#: Beside `QUICK`: a small data set takes more passes, and titles and genres say less than what everybody watches.
SETTINGS: dict[str, dict[str, object]] = {
    "mult_vae": {"epochs": 30},
    "dae": {"epochs": 30},
    "bpr": {"epochs": 20, "dimension": 64},
    "lightgcn": {"epochs": 20},
    "gru4rec": {"epochs": 3},
    "two_tower": {"epochs": 3},
    "multimodal": {"epochs": 8},
    "text_cnn": {"epochs": 8},
    "bag_of_words": {"popularity_exponent": 1.5},
    "bm25": {"popularity_exponent": 1.5},
    "word_vectors": {"popularity_exponent": 1.5, "dimension": 32},
}


@cache
def films() -> RecallData:
    """MovieLens 100K as recall models see it."""
    cut = holdout()
    return RecallData(movielens().items, features().items.matrix, cut.fit, features().users, cut.validation)


def ranks(encoder: nn.Module, item_vectors: np.ndarray) -> np.ndarray:
    """Where the film that each of 943 people watched last stands among all that they had not watched: int64, from 1."""
    data, test = films(), holdout().test
    history = torch.as_tensor(pad_histories(test.histories, MAX_HISTORY))
    with torch.inference_mode():
        queries = encoder(history, torch.as_tensor(data.user_features[test.users])).numpy()
    return rank_of_target(queries @ item_vectors.T, test.targets, history_mask(test.histories, len(data.items)))


@pytest.mark.parametrize("name", list(RECALL_MODELS))
def test_a_model_beats_popularity_on_real_films(name: str) -> None:
    """Among the first fifty, as a channel does; those that learn from what people do among the first ten, too.

    What titles and genres say decides less which film is the very next.
    """
    movielens()
    data, family = films(), RECALL_MODELS[name]
    counts = np.bincount(data.events.items, minlength=len(data.items)).astype(np.float32)[:, None]
    context = FitContext(seed=0, max_history=MAX_HISTORY, threads=1, display=Silence())
    model = family.fit(data, family.config(**{**QUICK.get(name, {}), **SETTINGS.get(name, {})}), context)

    popular, found = ranks(Everybody(), counts), ranks(model.encoder, model.item_vectors)

    assert hit_rate(found, 50).mean() > hit_rate(popular, 50).mean()
    if not family.content:
        assert ndcg(found, 10).mean() > ndcg(popular, 10).mean()
