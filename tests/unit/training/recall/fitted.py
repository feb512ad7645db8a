"""Every recall model, fitted to a small data set once for all tests."""

from functools import cache

import numpy as np

from services.training.config import TrainingConfig
from services.training.generator import generate
from services.training.holdout import Holdout
from services.training.models import fit_features
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallData, RecallModel
from services.training.recall.registry import RECALL_MODELS

MAX_HISTORY = 20

#: Settings that fit a small data set in seconds; a model that is not named is quick with its defaults.
QUICK: dict[str, dict[str, object]] = {
    "mult_vae": {"hidden": (64,), "latent": 32, "epochs": 8, "learning_rate": 5e-3},
    "dae": {"latent": 64, "epochs": 8, "learning_rate": 5e-3},
    "gru4rec": {"dimension": 32, "hidden": 32, "epochs": 2},
    "two_tower": {"dimension": 32, "hidden": 64, "epochs": 1},
    "lightgcn": {"dimension": 32, "epochs": 4, "learning_rate": 2e-2},
}


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
