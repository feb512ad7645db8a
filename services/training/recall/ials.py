"""Implicit ALS: factors that explain who met what and, a little, who did not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from services.training.recall.fold_in import FoldIn, FoldInEncoder
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel

# Numbers that a batch of equations may gather and make: 128 MiB.
_MOST_GATHERED = 1 << 25


class IalsConfig(ModelConfig):
    """Sizes and weights of implicit ALS."""

    dimension: int = Field(default=64, ge=1, description="Length of the vectors.")
    sweeps: int = Field(
        default=12, ge=1, description="How often the users' and then the items' vectors are solved for."
    )
    unobserved_weight: float = Field(
        default=0.1, gt=0, description="What a pair that did not meet counts, where one that did counts 1 more."
    )
    regularisation: float = Field(default=0.003, gt=0, description="Of each vector, times a power of its frequency.")
    frequency_exponent: float = Field(
        default=1.0, ge=0, le=1, description="1: who met more is held back more; 0: all are held back alike."
    )
    initial_length: float = Field(default=0.1, gt=0, description="About how long the first random vectors are.")
    steps: int = Field(
        default=16, ge=1, description="Conjugate-gradient steps in which the encoder solves for a user's vector."
    )


def fit_ials(data: RecallData, config: IalsConfig, context: FitContext) -> RecallModel:
    """Alternates least squares over all pairs of users and items (Hu et al., ICDM 2008).

    Weights and frequency-scaled regularisation are those of Rendle et al., "Revisiting the Performance of iALS on Item
    Recommendation Benchmarks" (RecSys 2022). A query is the vector that the history's owner would be given by one more
    sweep: nobody needs to have been there while the model was fitted.
    """
    matrix = interaction_matrix(data.events, len(data.items))
    generator = torch.Generator().manual_seed(context.seed)
    length = config.initial_length * config.dimension**-0.5
    items = torch.randn(len(data.items), config.dimension, generator=generator) * length
    transposed = matrix.T.tocsr()
    with context.display.stage("alternate least squares", config.sweeps) as advance:
        for _ in range(config.sweeps):
            users = solve_all(matrix, items, config)
            items = solve_all(transposed, users, config)
            advance("")
    vectors, fold_in = rotated(items, config)
    return RecallModel(FoldInEncoder(vectors, fold_in, config.steps).eval(), vectors.numpy())


def solve_all(matrix: csr_array, others: Tensor, config: IalsConfig) -> Tensor:
    """Solves for the vector of each row, given those of the columns: float32 [rows, dimension]."""
    spectrum, axes = principal_axes(config.unobserved_weight * others.T @ others)
    turned = others @ axes
    counts = np.diff(matrix.indptr)
    strength = torch.as_tensor(_strength(counts, matrix.shape[1], config))
    solved = torch.zeros(len(counts), others.shape[1])
    for rows in _batches(counts, others.shape[1]):
        met, mask = _padded(matrix, rows)
        solved[rows] = solve_rows(turned[met] * mask[..., None], spectrum + strength[rows, None])
    return solved @ axes.T


def solve_rows(met: Tensor, diagonal: Tensor) -> Tensor:
    """Solves (diag(diagonal) + met' met) x = the sum of met for each row, by whichever is smaller: x or what was met.

    By the matrix inversion lemma, with W = met diag(diagonal)^-1, x = W' (I + W met')^-1 1. Most people met far fewer items
    than a vector has numbers, and equations take the cube of their number.

    Args:
        met: float [rows, length, dimension], 0 for padding.
        diagonal: float [rows, dimension], above 0.

    Returns:
        float [rows, dimension].
    """
    length, dimension = met.shape[1:]
    if length < dimension:
        scaled = met / diagonal[:, None, :]
        return torch.matmul(scaled.mT, _solve(scaled @ met.mT, met.new_ones(met.shape[:2]), 1.0)).squeeze(2)
    return _solve(met.mT @ met, met.sum(dim=1), diagonal).squeeze(2)


def _solve(matrices: Tensor, right: Tensor, diagonal: Tensor | float) -> Tensor:
    """Adds to the diagonals, in place, and solves: [rows, n, 1]."""
    matrices.diagonal(dim1=1, dim2=2).add_(diagonal)
    return torch.cholesky_solve(right[..., None], torch.linalg.cholesky(matrices))


def principal_axes(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the eigenvalues of a Gram matrix, not negative, and its eigenvectors as columns, both float32."""
    spectrum, axes = torch.linalg.eigh(gram.to(torch.float64))
    return spectrum.clamp(min=0.0).to(torch.float32), axes.to(torch.float32)


def rotated(items: Tensor, config: IalsConfig) -> tuple[Tensor, FoldIn]:
    """Turns the space so that what does not depend on the history is diagonal: no inner product changes by that.

    Returns:
        The items' vectors, and how to solve for a user's.
    """
    precise = items.to(torch.float64)
    spectrum, axes = principal_axes(config.unobserved_weight * precise.T @ precise)
    fold_in = FoldIn(
        spectrum=spectrum,
        regularisation=config.regularisation,
        constant_count=config.unobserved_weight * len(items),
        frequency_exponent=config.frequency_exponent,
    )
    return (items @ axes).contiguous(), fold_in


def _strength(counts: npt.NDArray[np.integer], others: int, config: IalsConfig) -> npt.NDArray[np.float32]:
    frequency = counts + config.unobserved_weight * others
    return np.asarray(config.regularisation * frequency**config.frequency_exponent, dtype=np.float32)


def _batches(counts: npt.NDArray[np.integer], dimension: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of about equal counts, together as long as their equations fit; those without an event stay at 0."""
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    while len(order):
        # The last row is the longest that is left, and all of its batch are padded to it.
        longest = int(counts[order[-1]])
        each = dimension * (longest + min(longest, dimension))
        taken = max(1, _MOST_GATHERED // each)
        yield order[-taken:]
        order = order[:-taken]


def _padded(matrix: csr_array, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """The columns of each row, and 1 for each that is one: int64 and float32 [rows, most columns of a row]."""
    begins, counts = matrix.indptr[rows], np.diff(matrix.indptr)[rows]
    places = np.arange(int(counts.max()))
    mask = places < counts[:, None]
    met = matrix.indices[np.where(mask, begins[:, None] + places, 0)]
    return torch.as_tensor(met.astype(np.int64)), torch.as_tensor(mask.astype(np.float32))


IALS = RecallFamily(
    name="ials",
    summary="Implicit ALS; the encoder solves for a user's vector (Hu et al., ICDM 2008; Rendle et al., RecSys 2022)",
    config=IalsConfig,
    fit=fit_ials,
)
