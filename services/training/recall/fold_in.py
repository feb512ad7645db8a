"""Solving for a user's vector inside a graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from services.training.recall.binary_history import first_places


@dataclass(frozen=True, slots=True, eq=False)
class FoldIn:
    """The normal equations of a user who met the items S, in the basis where their constant part is diagonal.

    (diag(spectrum) + sum of v v' over S + strength * I) x = sum of v over S, with
    strength = regularisation * (|S| + constant_count) ** frequency_exponent.

    Attributes:
        spectrum: float32 [dimension], of the weighted Gram matrix of all items; not negative.
        regularisation: Above 0.
        constant_count: What all that was not met counts.
        frequency_exponent: From 0 to 1.
    """

    spectrum: Tensor
    regularisation: float
    constant_count: float
    frequency_exponent: float


class FoldInEncoder(nn.Module):
    """The user's vector that implicit ALS would give to the owner of a history.

    ONNX has no operator for linear equations. Conjugate gradients with the diagonal as the preconditioner come to the
    exact answer in as many steps as the history has distinct items, plus one, because the rest of the matrix has that
    rank; and close to it in far fewer.

    Args:
        vectors: float [items, dimension], in the basis of `fold_in`.
        fold_in: The equations.
        steps: Of conjugate gradients.
    """

    vectors: Tensor
    spectrum: Tensor

    def __init__(self, vectors: Tensor, fold_in: FoldIn, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.regularisation = fold_in.regularisation
        self.constant_count = fold_in.constant_count
        self.frequency_exponent = fold_in.frequency_exponent
        self.register_buffer("vectors", vectors)
        self.register_buffer("spectrum", fold_in.spectrum)

    def forward(self, history: Tensor, user_features: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Computes the queries; `RecallModel.encoder` has the shapes. Zero for an empty history."""
        distinct = first_places(history)
        met = self.vectors[history.clamp(min=0)] * distinct[..., None]
        frequency = distinct.sum(dim=1, keepdim=True) + self.constant_count
        diagonal = self.spectrum + self.regularisation * frequency**self.frequency_exponent
        return conjugate_gradients(met, diagonal, met.sum(dim=1), self.steps)


def conjugate_gradients(rows: Tensor, diagonal: Tensor, right: Tensor, steps: int) -> Tensor:
    """Solves (diag(diagonal) + rows' rows) x = right for each query, preconditioned with the diagonal.

    Args:
        rows: float [queries, length, dimension].
        diagonal: float [queries, dimension], above 0.
        right: float [queries, dimension].
        steps: How many; more than are needed do no harm.

    Returns:
        float [queries, dimension].
    """
    tiny = torch.finfo(torch.float32).tiny
    residual = right
    solution = torch.zeros_like(right)
    direction = scaled = residual / diagonal
    power = (residual * scaled).sum(dim=1, keepdim=True)
    for _ in range(steps):
        along = torch.matmul(rows, direction[:, :, None])
        image = diagonal * direction + torch.matmul(rows.mT, along).squeeze(2)
        # Where the answer has been reached there is nothing left to divide by.
        stride = power / (direction * image).sum(dim=1, keepdim=True).clamp(min=tiny)
        solution = solution + stride * direction
        residual = residual - stride * image
        scaled = residual / diagonal
        before, power = power, (residual * scaled).sum(dim=1, keepdim=True)
        direction = scaled + power / before.clamp(min=tiny) * direction
    return solution
