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
        default="cosine", description="cosine: shared people over powers of counts; bm25: weights of BM25."
    )
    user_exponent: float = Field(
        default=0.5, ge=0, le=2, description="cosine: somebody counts by this negative power of how much they met."
    )
    history_exponent: float = Field(
        default=0.5, ge=0, le=2, description="cosine: power of the count of the history's item that is divided by."
    )
    candidate_exponent: float = Field(
        default=0.5,
        ge=0,
        le=2,
        description="cosine: the same of the candidate; the lower, the more popular the answer.",
    )
    shrinkage: float = Field(
        default=0.0,
        ge=0,
        description="cosine: added to what is divided by, so that chance meetings of rare items fade.",
    )
    saturation: float = Field(default=100.0, gt=0, description="bm25: k1.")
    length_share: float = Field(
        default=0.8, ge=0, le=1, description="bm25: b; the higher, the less popular items count."
    )
    neighbours: int = Field(default=100, ge=1, description="How many others an item of a history speaks for.")
    max_full_items: int = Field(
        default=20_000, ge=2, description="Larger catalogues get vectors of `dimension` numbers, not one for each item."
    )
    dimension: int = Field(default=512, ge=1, description="Singular vectors kept of a larger catalogue's neighbours.")


def fit_item_to_item(data: RecallData, config: ItemToItemConfig, context: FitContext) -> RecallModel:
    """Scores an item by its similarities to the items of the history (Sarwar et al., WWW 2001).

    With n the number of items that somebody met, or of people who met an item, the similarity of an item i of a history and a
    candidate c is the sum of n_u^-user_exponent over the people u who met both, over n_i^history_exponent
    n_c^candidate_exponent + shrinkage. Exponents of 0, 0.5 and 0.5 are the cosine; of 0, 1 and less the conditional
    probability (Deshpande & Karypis, ACM TOIS 2004, section 4.1); of 1, 1 and more than 0 the walk of three steps with
    discounted popularity (RP3beta: Paudel et al., ACM TiiS 2017).

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
    # Half the exponent, because in a product of two items each person comes twice.
    return csr_array(by_item @ diags_array(_powers(matrix, -config.user_exponent / 2)), dtype=np.float32)


def nearest(weighted: csr_array, config: ItemToItemConfig) -> csr_array:
    """Returns what each item (row) says for the others that are nearest to it: float32 [items, items]."""
    of_history, of_candidates = (
        _powers(weighted, exponent) for exponent in (config.history_exponent, config.candidate_exponent)
    )
    other = weighted.T.tocsr()
    parts = []
    for start in range(0, weighted.shape[0], _ROWS_AT_A_TIME):
        similarity = (weighted[start : start + _ROWS_AT_A_TIME] @ other).toarray()
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = 0.0
        if config.weighting == "cosine":
            similarity /= of_history[start : start + len(rows), None] * of_candidates + np.float32(config.shrinkage)
        parts.append(_largest(similarity, config.neighbours))
    return csr_array(vstack(parts, format="csr"))


def _powers(matrix: csr_array, exponent: float) -> npt.NDArray[np.float32]:
    """Returns a power of how many entries each row has, and 1 for a row without: float32 [rows]."""
    powers: npt.NDArray[np.float32] = np.maximum(np.diff(matrix.indptr), 1).astype(np.float32) ** np.float32(exponent)
    return powers


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
