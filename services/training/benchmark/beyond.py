"""What a model's lists are like apart from being right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import diags_array

from services.training.datasets import Sequences
from services.training.metrics import (
    catalogue_coverage,
    exposure_gini,
    intra_list_diversity,
    mean_popularity,
    novelty,
    personalisation,
)
from services.training.recall.interaction_matrix import interaction_matrix

_PROJECTED = 256


def beyond_accuracy(lists: npt.NDArray[np.int64], events: Sequences, items: int) -> dict[str, float]:
    """Returns the metrics by name.

    Args:
        lists: int64 [queries, k], what is recommended.
        events: What models learned from; popularity and likeness are taken from it.
        items: Rows of the catalogue.
    """
    counts = interaction_matrix(events, items).sum(axis=0).astype(np.int64)
    return {
        "coverage": catalogue_coverage(lists, items),
        "novelty_bits": float(novelty(lists, counts, events.num_users).mean()),
        "diversity": float(intra_list_diversity(lists, audience_vectors(events, items)).mean()),
        "personalisation": personalisation(lists, items) if len(lists) > 1 else 0.0,
        "mean_popularity": float(mean_popularity(lists, counts).mean()),
        "exposure_gini": exposure_gini(lists, items),
    }


def audience_vectors(events: Sequences, items: int) -> npt.NDArray[np.float64]:
    """Returns vectors whose cosine says how far two items were met by the same people: float64 [items, 256].

    Every model is judged by the same likeness, and never by its own vectors, which may say what they like. The exact
    vectors have a place for each person; a random projection to 256 places keeps their cosines within a few hundredths
    (Johnson & Lindenstrauss, 1984).
    """
    matrix = interaction_matrix(events, items).astype(np.float64)
    lengths = np.sqrt(np.maximum(matrix.sum(axis=0), 1.0))
    projection = np.random.default_rng(0).standard_normal((events.num_users, _PROJECTED)) / np.sqrt(_PROJECTED)
    vectors: npt.NDArray[np.float64] = diags_array(1 / lengths) @ (matrix.T @ projection)
    return vectors
