"""Every rating model, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.training.rating.bayesian_factorisation import BAYESIAN_MF
from services.training.rating.biases import BIASES
from services.training.rating.model import RatingFamily

RATING_MODELS: Mapping[str, RatingFamily[Any]] = {
    family.name: family
    for family in (
        BIASES,
        BAYESIAN_MF,
    )
}  # fmt: skip
