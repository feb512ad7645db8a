"""A channel that encodes users into the space of its item vectors and searches there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows
from services.recall.vector_index import VectorIndex
from shared.onnx_session import OnnxModel


@dataclass(frozen=True)
class AnnoyChannel:
    """An encoder and the index that it was trained with.

    Attributes:
        name: Unique in the snapshot.
        quota: The share of the answer.
        encoder: From `history` and `user_features` to `query`.
        index: The item vectors.
    """

    name: str
    quota: float
    encoder: OnnxModel
    index: VectorIndex

    def encode(self, histories: Rows, user_features: Floats) -> Floats:
        """Returns the query vectors of a batch, float32 [queries, dimension], in one run of the encoder."""
        return self.encoder(history=histories, user_features=user_features)

    def search(self, query: Floats, excluded: NDArray[np.uint32], limit: int) -> Found:
        """Returns the items with the largest inner product with the query."""
        return self.index.search(query, excluded, limit)

    def similar(self, row: int, limit: int) -> Found:
        """Returns the items with the highest cosine similarity."""
        return self.index.similar(row, limit)
