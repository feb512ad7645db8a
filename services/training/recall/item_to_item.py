"""Items that the same people met, and why: the neighbours of each item of a history."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from scipy.sparse import csr_array, diags_array, vstack

from services.training.recall.binary_history import BinaryHistoryEncoder, MultiHotEncoder
from services.training.recall.bm25_weights import bm25_weights
from services.training.recall.factorisation import truncated_svd
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel

# Items whose similarities to all others are held at a time.
_ROWS_AT_A_TIME = 512


class ItemToItemConfig(ModelConfig):
    """What makes items alike and how many neighbours an item has."""

    weighting: Literal["cosine", "bm25"] = Field(
        default="cosine", description="cosine: people count alike; bm25: who met little says more."
    )
    shrinkage: float = Field(
        default=0.0,
        ge=0,
        description="cosine: added to the product of lengths, so that chance meetings of rare items fade.",
    )
    saturation: float = Field(default=100.0, gt=0, description="bm25: k1.")
    length_share: float = Field(
        default=0.8, ge=0, le=1, description="bm25: b; the higher, the less popular items count."
    )
    neighbours: int = Field(default=200, ge=1, description="How many others an item of a history speaks for.")
    max_full_items: int = Field(
        default=20_000, ge=2, description="Larger catalogues get vectors of `dimension` numbers, not one for each item."
    )
    dimension: int = Field(default=512, ge=1, description="Singular vectors kept of a larger catalogue's neighbours.")


def fit_item_to_item(data: RecallData, config: ItemToItemConfig, context: FitContext) -> RecallModel:
    """Scores an item by its similarities to the items of the history (Sarwar et al., WWW 2001).

    Up to `max_full_items` items the similarities themselves are served; beyond, their best approximation of `dimension`
    directions. Either way `services.training.recall.reasons` tells which items of a history an item is there for.

    Raises:
        Unsuitable: nobody met anything that others met too, and the catalogue is too large to be kept whole.
    """
    items = len(data.items)
    with context.display.stage("find each item's neighbours", 1) as advance:
        near = nearest(weighted_items(interaction_matrix(data.events, items), config), config)
        advance(f"{near.nnz / items:.0f} an item")
    if items <= config.max_full_items:
        return RecallModel(MultiHotEncoder(items).eval(), np.ascontiguousarray(near.toarray().T))
    with context.display.stage("decompose the neighbours", 1) as advance:
        factors = truncated_svd(near, config.dimension, context.seed)
        advance(f"{len(factors.values)} directions")
    encoder = BinaryHistoryEncoder(torch.as_tensor(factors.left * factors.values))
    return RecallModel(encoder.eval(), factors.right)


def weighted_items(matrix: csr_array, config: ItemToItemConfig) -> csr_array:
    """Returns items as they are compared, by inner product: float32 [items, users]."""
    by_item = matrix.T.tocsr()
    if config.weighting == "bm25":
        return bm25_weights(by_item, config.saturation, config.length_share)
    lengths = np.sqrt(np.diff(by_item.indptr), dtype=np.float32)
    return csr_array(diags_array(1.0 / np.maximum(lengths, 1.0)) @ by_item, dtype=np.float32)


def nearest(weighted: csr_array, config: ItemToItemConfig) -> csr_array:
    """Returns what each item (row) says for the others that are nearest to it: float32 [items, items]."""
    lengths = np.sqrt(np.diff(weighted.indptr), dtype=np.float32)
    other = weighted.T.tocsr()
    parts = []
    for start in range(0, weighted.shape[0], _ROWS_AT_A_TIME):
        similarity = (weighted[start : start + _ROWS_AT_A_TIME] @ other).toarray()
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = 0.0
        if config.weighting == "cosine" and config.shrinkage:
            product = lengths[start : start + len(rows), None] * lengths
            similarity *= product / (product + np.float32(config.shrinkage))
        parts.append(_largest(similarity, config.neighbours))
    return csr_array(vstack(parts, format="csr"))


def _largest(similarity: npt.NDArray[np.float32], count: int) -> csr_array:
    """Keeps the `count` largest of each row, and no zeros."""
    count = min(count, similarity.shape[1])
    columns = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(similarity, columns, axis=1)
    offsets = np.arange(0, columns.size + 1, count)
    kept = csr_array((values.ravel(), columns.ravel(), offsets), shape=similarity.shape)
    kept.eliminate_zeros()
    return kept


ITEM_TO_ITEM = RecallFamily(
    name="item_to_item",
    summary="Neighbours of each item of the history, by cosine or BM25, with reasons (Sarwar et al., WWW 2001)",
    config=ItemToItemConfig,
    fit=fit_item_to_item,
)
