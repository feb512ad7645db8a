"""PureSVD: the history, seen through the directions in which histories differ most."""

from __future__ import annotations

import torch
from pydantic import Field

from services.training.recall.binary_history import BinaryHistoryEncoder
from services.training.recall.factorisation import truncated_svd
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel


class SvdConfig(ModelConfig):
    """How much PureSVD keeps."""

    dimension: int = Field(default=128, ge=1, description="Most singular vectors kept.")


def fit_svd(data: RecallData, config: SvdConfig, context: FitContext) -> RecallModel:
    """Projects histories on the first right singular vectors of who met what (Cremonesi et al., RecSys 2010).

    A query is the sum of the vectors of the history's items, and an item scores the inner product with its own.

    Raises:
        Unsuitable: nobody met anything.
    """
    with context.display.stage("decompose who met what", 1) as advance:
        matrix = interaction_matrix(data.events, len(data.items))
        vectors = truncated_svd(matrix, config.dimension, context.seed).right
        advance(f"{vectors.shape[1]} directions")
    return RecallModel(BinaryHistoryEncoder(torch.as_tensor(vectors)).eval(), vectors)


SVD = RecallFamily(
    name="svd",
    summary="PureSVD: projection on the right singular vectors of the interactions (Cremonesi et al., RecSys 2010)",
    config=SvdConfig,
    fit=fit_svd,
)
