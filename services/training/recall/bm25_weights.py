"""BM25: how much an occurrence says, where repetition saturates and long documents count less."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array


def bm25_weights(counts: csr_array, saturation: float, length_share: float) -> csr_array:
    """Weighs the terms of documents (Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009).

    Args:
        counts: How often each term (column) occurs in each document (row).
        saturation: k1: the higher, the longer further occurrences add to the weight. Above 0.
        length_share: b: from 0, lengths do not matter, to 1, weights are shared among a document's terms.

    Returns:
        float32, of the same shape and with the same places: idf * count * (k1 + 1) / (count + k1 * relative length),
        idf = log(1 + (documents - documents with the term + 1/2) / (documents with the term + 1/2)), never below 0.
    """
    documents = counts.shape[0]
    lengths = np.asarray(counts.sum(axis=1), dtype=np.float64)
    relative = 1.0 - length_share + length_share * lengths / max(lengths.mean(), np.finfo(np.float64).tiny)
    having = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log1p((documents - having + 0.5) / (having + 0.5))
    weights = counts.astype(np.float64)
    each = saturation * np.repeat(relative, np.diff(counts.indptr))
    weights.data = weights.data * (saturation + 1.0) / (weights.data + each)
    return csr_array((weights @ diags_array(idf)).astype(np.float32))
