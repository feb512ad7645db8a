"""Item embeddings that are partly made of what the items' words say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class DescribedItems(nn.Module):
    """Adds to each item's own embedding a learned linear map of what describes it.

    Items that were met a few times borrow from others of the same words; what sets them apart stays in their own part.

    Args:
        descriptions: float32 [items, width].
        dimension: Of an embedding.
    """

    def __init__(self, descriptions: npt.NDArray[np.float32], dimension: int) -> None:
        super().__init__()
        # Known beforehand, so that no checkpoint has to hold it.
        self.register_buffer("descriptions", torch.as_tensor(descriptions), persistent=False)
        self.place = nn.Linear(descriptions.shape[1], dimension, bias=False)
        nn.init.normal_(self.place.weight, std=0.5 * dimension**-0.5)

    def forward(self, own: Tensor) -> Tensor:
        """Returns the embeddings: float [items, dimension], of the items' own parts of the same shape."""
        described: Tensor = own + self.place(self.descriptions)
        return described


@contextmanager
def described(embedding: nn.Embedding, descriptions: npt.NDArray[np.float32]) -> Iterator[None]:
    """While in the context, makes the embedding of its own part and of descriptions; then only their sum is left.

    What is served is a table like any other, and costs nothing more.

    Args:
        embedding: [items, dimension]; fitted in the context.
        descriptions: float32 [items, width].
    """
    parametrize.register_parametrization(embedding, "weight", DescribedItems(descriptions, embedding.embedding_dim))
    try:
        yield
    finally:
        parametrize.remove_parametrizations(embedding, "weight", leave_parametrized=True)
