"""What ranking models are set to for clicks, where that is not what they have for lists of candidates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.ranking.model import RankerFamily
from services.training.ranking.perceptron import DeepConfig

# Both were chosen by the validation rows of Frappe. Those of hidden layers are the usual ones of the published comparisons,
# but for vectors of 16 numbers, a cosine schedule and clipped gradients. Without normalised layers the penalty of 0.01
# would leave nothing of a model.
_DEEP: Mapping[str, Any] = {
    "dimension": 16, "hidden": (400, 400, 400), "dropout": 0.2, "batch_norm": True, "batch": 4096, "epochs": 15,
    "patience": 3, "learning_rate": 3e-3, "weight_decay": 0.0, "embedding_penalty": 0.01,
}  # fmt: skip
_SHALLOW: Mapping[str, Any] = {
    "dimension": 32, "batch": 1024, "epochs": 25, "patience": 5, "learning_rate": 0.01, "weight_decay": 0.0,
    "embedding_penalty": 3e-6,
}  # fmt: skip


def settings_for(family: RankerFamily[Any]) -> Mapping[str, Any]:
    """Returns the settings of a family for clicks: one set for models with hidden layers, one for those without."""
    settings = _DEEP if issubclass(family.config, DeepConfig) else _SHALLOW
    return {name: value for name, value in settings.items() if name in family.config.model_fields}
