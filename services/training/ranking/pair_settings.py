"""What ranking models are set to for pairs of users and items, where that is not what they have for lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.ranking.model import RankerFamily
from services.training.ranking.sampled_pairs import SampledPairsConfig

# Chosen on validation events of MovieLens 1M.
_ALL: Mapping[str, Any] = {
    "batch": 4096, "epochs": 10, "patience": 3, "learning_rate": 0.005, "weight_decay": 0.0, "loss": "softmax",
    "negatives": 8, "dimension": 64, "hidden": (64, 32), "dropout": 0.0,
}  # fmt: skip


def settings_for_pairs(family: RankerFamily[Any]) -> Mapping[str, Any]:
    """Returns the settings of a family for pairs, those of how pairs are sampled too."""
    known = {*family.config.model_fields, *SampledPairsConfig.model_fields}
    return {name: value for name, value in _ALL.items() if name in known}
