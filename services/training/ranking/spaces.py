"""The items as the fitted models see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import TruncatedSVD
from torch import Tensor
from torch.nn.functional import normalize


@dataclass(frozen=True, slots=True, eq=False)
class ItemSpaces:
    """The items as the fitted models see them; every field but the last is float [items, its own width].

    Attributes:
        collaborative: Vectors of the channel whose scores the ranker begins with.
        content: Content vectors of length 1 (or 0).
        transition_source: What an item leads to.
        transition_target: What an item is led to by.
        features: The item feature matrix.
        directions: float [width of `collaborative`, fewer], what a wide collaborative space is reduced by for all but the
            score; None where it is narrow enough as it is.
    """

    collaborative: Tensor
    content: Tensor
    transition_source: Tensor
    transition_target: Tensor
    features: Tensor
    directions: Tensor | None = None


def contents(vectors: npt.NDArray[np.float32] | None, items: int) -> Tensor:
    """Returns vectors at length 1, float [items, width]; without any, such that nothing is alike."""
    return torch.zeros(items, 1) if vectors is None else normalize(torch.as_tensor(vectors))


def directions(vectors: npt.NDArray[np.float32], most: int, seed: int) -> Tensor | None:
    """Returns the directions in which wide vectors differ most, float [width, most]; None for vectors that are not wider.

    Linear models have a dimension for each item: what the ranker learns of each dimension must not grow with the catalogue.
    """
    if vectors.shape[1] <= most:
        return None
    fitted = TruncatedSVD(min(most, len(vectors)), random_state=seed).fit(vectors).components_
    return torch.as_tensor(np.ascontiguousarray(fitted.T, dtype=np.float32))
