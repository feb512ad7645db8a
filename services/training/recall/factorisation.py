"""The directions in which a matrix is largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd, svd_flip

from services.training.recall.model import Unsuitable

# Up to this many rows or columns LAPACK decomposes the whole matrix in a second; beyond, it takes minutes.
_EXACT = 512

# The spectrum of an interaction matrix falls so slowly that fewer rounds leave the last directions mixed with the next.
_POWER_ITERATIONS = 4
_OVERSAMPLES = 32


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """A matrix is about `left * values @ right.T`.

    Attributes:
        left: float32 [rows, dimension], orthonormal columns.
        values: float32 [dimension], singular values, largest first, all above 0.
        right: float32 [columns, dimension], orthonormal columns.
    """

    left: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]

    def first(self, dimension: int) -> Factors:
        """Returns the largest of the directions, as many as there are up to `dimension`."""
        return Factors(self.left[:, :dimension], self.values[:dimension], self.right[:, :dimension])


def truncated_svd(matrix: csr_array, dimension: int, seed: int) -> Factors:
    """Decomposes a sparse matrix: exactly where it is small, else by random projection (Halko et al., SIAM Review 2011).

    Args:
        matrix: float32 [rows, columns].
        dimension: How many directions; fewer are given where the rank is lower.
        seed: Of the random projection.

    Raises:
        Unsuitable: the matrix is zero.
    """
    if min(matrix.shape) <= _EXACT:
        left, values, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
        left, right = svd_flip(left, right)
    else:
        most = min(dimension, *matrix.shape)
        left, values, right = randomized_svd(
            matrix, most, n_oversamples=_OVERSAMPLES, n_iter=_POWER_ITERATIONS, random_state=seed
        )
    # What rounding leaves of a direction that is not there would be divided by, and blown up to noise.
    kept = min(dimension, int(np.count_nonzero(values > values.max(initial=0.0) * max(matrix.shape) * 1e-7)))
    if kept == 0:
        raise Unsuitable("there is nothing to decompose, every entry is zero; bring more events, or more words")
    return Factors(_float32(left[:, :kept]), _float32(values[:kept]), _float32(right[:kept].T))


def _float32(array: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(array, dtype=np.float32)
