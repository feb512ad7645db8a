"""What models have in common that place items by what describes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from services.training.content.encoder import ContentEncoder
from services.training.popularity import popularity_prior
from services.training.recall.model import ModelConfig, RecallData, RecallModel


class DescribedItemsConfig(ModelConfig):
    """How a history becomes a query, and how much it counts what others chose."""

    half_life: float = Field(default=10.0, gt=0, description="Items after which an item of the history counts half.")
    popularity_exponent: float = Field(
        default=0.5,
        ge=0,
        description="An item's vector is multiplied by (1 + its events) to this power; 0: likeness alone.",
    )


def recall_by_likeness(
    directions: npt.NDArray[np.float32], data: RecallData, config: DescribedItemsConfig
) -> RecallModel:
    """Scores an item by its mean cosine with the history, times how popular it is.

    Without the second factor, alike but forgotten items fill the list: on what people take next, likeness alone is then no
    better than popularity alone.

    Args:
        directions: float32 [items, dimension] of length 1, or 0 for an item that nothing describes.
        data: Whose events are counted.
        config: How.
    """
    prior = popularity_prior(data.events, len(data.items), config.popularity_exponent)
    encoder = ContentEncoder(torch.as_tensor(directions), config.half_life)
    return RecallModel(encoder.eval(), directions * prior[:, None])
