"""The content encoder."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.training.content.encoder import ContentEncoder

VECTORS = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
HALF_LIFE = 2.5
NOTHING_KNOWN = torch.zeros(1, 2)


@settings(max_examples=50, deadline=None)
@given(history=st.lists(st.integers(0, 11), min_size=1, max_size=8), padding=st.integers(0, 3))
def test_the_query_is_the_mean_in_which_older_items_count_less(history: list[int], padding: int) -> None:
    """A loop in NumPy gives the same: an item that is a half-life older counts half, and padding nothing."""
    weights = [0.5 ** (age / HALF_LIFE) for age in reversed(range(len(history)))]
    expected = sum(weight * VECTORS[row] for weight, row in zip(weights, history, strict=True)) / sum(weights)

    query = ContentEncoder(torch.as_tensor(VECTORS), HALF_LIFE)(torch.tensor([[-1] * padding + history]), NOTHING_KNOWN)

    np.testing.assert_allclose(query.numpy()[0], expected, rtol=1e-4, atol=1e-5)


def test_without_a_history_content_has_nothing_to_say() -> None:
    """A row of padding gives the zero vector, which recall searches nothing with, also beside other rows."""
    queries = ContentEncoder(torch.as_tensor(VECTORS), HALF_LIFE)(torch.tensor([[-1, -1], [-1, 3]]), NOTHING_KNOWN)

    assert not queries[0].any()
    torch.testing.assert_close(queries[1], torch.as_tensor(VECTORS[3]))
