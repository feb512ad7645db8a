"""Offline reference: graph filters of unlimited rank. Nothing here is served.

The linear filter of GF-CF and BSPM gives each pair of items that ever met a weight of its own, so that its query would need
a number for each user. Benchmarks score with it in full to tell how much the `spectral` model, which is served, gives away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from services.training.recall.factorisation import Factors, truncated_svd
from services.training.recall.spectral import degree_power, normalised_by_degree, sharpened

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class GraphFilters:
    """The graph of who met what, normalised by the root of both degrees; make one with `of`.

    Attributes:
        normalised: float32 [users, items].
        transposed: The same by items.
        factors: Its first singular vectors.
        root_degree: float32 [items], the root of each item's count.
    """

    normalised: csr_array
    transposed: csr_array
    factors: Factors
    root_degree: npt.NDArray[np.float32]

    @classmethod
    def of(cls, matrix: csr_array, dimension: int, seed: int) -> Self:
        """Prepares the filters.

        Args:
            matrix: float32 [users, items], 1 where a user met an item.
            dimension: Singular vectors of the ideal low-pass filter.
            seed: Of the decomposition.
        """
        normalised = normalised_by_degree(matrix, 0.5, 0.5)
        factors = truncated_svd(normalised, dimension, seed)
        return cls(normalised, normalised.T.tocsr(), factors, degree_power(matrix, 0, 0.5))

    def gf_cf(self, histories: csr_array, ideal_weight: float = 0.3) -> Scores:
        """Scores as GF-CF does (Shen et al., CIKM 2021): the linear filter plus the weighted ideal low-pass filter.

        Args:
            histories: float32 [queries, items], 1 for each item of the history.
            ideal_weight: Of the ideal filter.

        Returns:
            float32 [queries, items].
        """
        signal = histories.T.toarray()
        right, root = self.factors.right, self.root_degree[:, None]
        linear = self.transposed @ (self.normalised @ signal)
        return np.asarray(linear + ideal_weight * root * (right @ (right.T @ (signal / root)))).T

    def bspm(self, histories: csr_array, ideal_weight: float = 0.3, sharpening: float = 2.5) -> Scores:
        """Scores as BSPM does (Choi et al., SIGIR 2023): blurred as by `gf_cf`, and then sharpened.

        Args:
            histories: float32 [queries, items], 1 for each item of the history.
            ideal_weight: Of the ideal filter.
            sharpening: How long; 0 is `gf_cf`.

        Returns:
            float32 [queries, items].
        """
        return sharpened(self.normalised, self.gf_cf(histories, ideal_weight).T, sharpening).T
