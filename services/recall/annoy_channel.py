"""A channel that encodes users into the space of its item vectors and searches there."""

from dataclasses import dataclass

import numpy as np

from services.recall.audit import NO_AUDIT, RecallAudit
from services.recall.channel import NO_ROWS, Floats, Found, Rows
from services.recall.vector_index import VectorIndex
from shared.onnx_session import OnnxModel
from shared.tensors import Ragged


@dataclass(frozen=True)
class AnnoyChannel:
    """An encoder and the index that it was trained with.

    Attributes:
        name: Unique in the snapshot.
        quota: The share of the answer.
        encoder: From `history` and `user_features` to `query`.
        index: The item vectors.
        audit: Compares some answers with exact search.
    """

    name: str
    quota: float
    encoder: OnnxModel
    index: VectorIndex
    audit: RecallAudit = NO_AUDIT

    #: Encoding and searching are what threads are for.
    instant = False

    def encode(self, histories: Rows, user_features: Floats) -> Floats:
        """Returns the query vectors of a batch, float32 [queries, dimension], in one run of the encoder."""
        return self.encoder(history=histories, user_features=user_features)

    def search(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """Returns, for each query, the items with the largest inner product with it."""
        found = self.index.search(queries, excluded, limit, hidden)

        def exact(query: int) -> Found:
            rows = excluded[query]
            return self.index.exact(queries[query : query + 1], Ragged(rows, np.array([0, len(rows)])), limit, hidden)[
                0
            ]

        self.audit.offer(self.name, found, exact)
        return found

    def similar(self, rows: Rows, limit: int) -> list[Found]:
        """Returns, for each row, the items with the highest cosine similarity."""
        return self.index.similar(rows, limit)
