"""How much more often two things meet than by chance."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array


def positive_information(counts: csr_array) -> csr_array:
    """Returns max(0, log p(a, b) / p(a) p(b)) for each pair; pairs that never met stay 0."""
    pairs = counts.tocoo()
    first = counts.sum(axis=1)[pairs.row]
    second = counts.sum(axis=0)[pairs.col]
    information = np.log(pairs.data * counts.sum() / (first * second))
    return coo_array((np.maximum(information, 0.0), (pairs.row, pairs.col)), shape=counts.shape).tocsr()
