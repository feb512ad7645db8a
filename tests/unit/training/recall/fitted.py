"""Every recall model, fitted to a small data set once for all tests."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from services.training.config import TrainingConfig
from services.training.generator import generate
from services.training.holdout import Holdout
from services.training.models import fit_features
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallData, RecallModel
from services.training.recall.registry import RECALL_MODELS
from services.training.sequence.windows import pad_histories

MAX_HISTORY = 20

#: Settings that fit a small data set in seconds; a model that is not named is quick with its defaults.
QUICK: dict[str, dict[str, object]] = {
    "sasrec": {"dimension": 32, "blocks": 1, "feedforward": 32, "epochs": 3},
    "ials": {"dimension": 32, "sweeps": 4},
    "blend": {"members": [{"model": "ials", "settings": {"dimension": 32, "sweeps": 4}}, {"model": "ease"}]},
    "bpr": {"dimension": 32, "epochs": 4},
    "mult_vae": {"hidden": (64,), "latent": 32, "epochs": 8, "learning_rate": 5e-3},
    "dae": {"latent": 64, "epochs": 8, "learning_rate": 5e-3},
    "gru4rec": {"dimension": 32, "hidden": 32, "epochs": 4},
    "two_tower": {"dimension": 32, "hidden": 64, "epochs": 1},
    "lightgcn": {"dimension": 32, "epochs": 4, "learning_rate": 2e-2},
    "multimodal": {"image": False, "epochs": 3, "dimension": 32, "hidden": 64, "word_dimension": 64, "window": 20},
    "text_cnn": {
        "epochs": 3, "dimension": 32, "hidden": 64, "embedding": 16, "filters": 16, "text_length": 32, "window": 20,
        "sampled_items": 500,
    },
}  # fmt: skip


@cache
def holdout() -> Holdout:
    """The generated data set, cut by time."""
    return Holdout.of(generate().dataset.histories(), reserved=1)


@cache
def recall_data() -> RecallData:
    """The generated data set as recall models see it."""
    dataset = generate().dataset
    features = fit_features(dataset, holdout(), TrainingConfig())
    return RecallData(
        dataset.items, features.items.matrix, holdout().fit, features.users, holdout().validation.sample(500, seed=0)
    )


@cache
def fitted(name: str) -> RecallModel:
    """A recall model, fitted."""
    family = RECALL_MODELS[name]
    context = FitContext(seed=0, max_history=MAX_HISTORY, threads=1, display=Silence())
    return family.fit(recall_data(), family.config(**QUICK.get(name, {})), context)


def popularity_vectors() -> np.ndarray:
    """What everybody is recommended who is recommended what is popular: float32 [items, 1]."""
    data = recall_data()
    return np.bincount(data.events.items, minlength=len(data.items)).astype(np.float32)[:, None]


def questions() -> tuple[Tensor, Tensor]:
    """Histories of some people and of a stranger, with their features."""
    some = holdout().test.sample(30, seed=1)
    history = torch.as_tensor(pad_histories((*some.histories, np.empty(0, dtype=np.int32)), MAX_HISTORY))
    features = torch.as_tensor(recall_data().user_features[some.users])
    return history, torch.cat([features, torch.zeros(1, features.shape[1])])
