"""EASE: the best linear model of items by items, in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.linalg
from pydantic import Field

from services.training.datasets import Sequences
from services.training.recall.binary_history import MultiHotEncoder
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel, Unsuitable


class EaseConfig(ModelConfig):
    """How far EASE is held back."""

    regularisation: float = Field(default=500.0, gt=0, description="Added to each item's own count of people.")
    max_items: int = Field(
        default=20_000, ge=2, description="Larger catalogues are refused: the matrix has this many squared numbers."
    )


def fit_ease(data: RecallData, config: EaseConfig, context: FitContext) -> RecallModel:
    """Solves for the item-to-item weights that best predict each item of a history from the others (Steck, WWW 2019).

    A query is the history itself, 0 or 1 for each item, and an item's vector holds what each item of a history says for it:
    the dimension is the number of items.

    Raises:
        Unsuitable: there are more than `max_items` items.
    """
    if len(data.items) > config.max_items:
        raise Unsuitable(
            f"ease keeps a number for each pair of items, and {len(data.items)} items are more than max_items, "
            f"{config.max_items}; choose spectral, or raise max_items where {len(data.items) ** 2 * 12 >> 30} GiB are free"
        )
    with context.display.stage("solve EASE", 1) as advance:
        weights = item_weights(data.events, len(data.items), config.regularisation)
        advance("")
    encoder = MultiHotEncoder(len(data.items))
    return RecallModel(encoder.eval(), np.ascontiguousarray(weights.T))


def item_weights(events: Sequences, items: int, regularisation: float) -> npt.NDArray[np.float32]:
    """Returns what item i of a history says for item j: float32 [items, items], 0 where i is j."""
    matrix = interaction_matrix(events, items)
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices(items)] += regularisation
    inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(items)] = 0.0
    return np.asarray(weights, dtype=np.float32)


EASE = RecallFamily(
    name="ease",
    summary="The best linear model of items by items, in closed form (Steck, WWW 2019)",
    config=EaseConfig,
    fit=fit_ease,
)
