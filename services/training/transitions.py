"""Which items follow which, soon after: a compact model of first-order taste, as a signal for the ranker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from sklearn.decomposition import TruncatedSVD

from services.training.config import TransitionConfig
from services.training.datasets import Sequences
from services.training.pair_information import positive_information


@dataclass(frozen=True, slots=True, eq=False)
class TransitionVectors:
    """How strongly item b follows item a is the inner product of `source[a]` and `target[b]`.

    Attributes:
        source: float32 [items, dimension].
        target: float32 [items, dimension].
    """

    source: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32]


def fit_transition_vectors(sequences: Sequences, items: int, config: TransitionConfig, seed: int) -> TransitionVectors:
    """Factorises the positive pointwise mutual information of (item, item soon after).

    The factors of that matrix are what skip-gram learns from the same pairs (Levy & Goldberg, NIPS 2014), here with
    an order: a pair at distance n counts 1/n, and only forwards.

    Args:
        sequences: Events of each user in time order.
        items: Rows of the catalogue.
        config: Window and dimension.
        seed: Of the randomised decomposition.
    """
    information = positive_information(count_transitions(sequences, items, config.window))
    dimension = min(config.dimension, items - 1)
    decomposition = TruncatedSVD(dimension, random_state=seed)
    scaled = decomposition.fit_transform(information)
    root = np.sqrt(np.maximum(decomposition.singular_values_, 1e-9))
    return TransitionVectors(
        source=np.asarray(scaled / root, dtype=np.float32),
        target=np.asarray(decomposition.components_.T * root, dtype=np.float32),
    )


def count_transitions(sequences: Sequences, items: int, window: int) -> csr_array:
    """Counts, for each pair of items, how often the second followed the first, by one over the distance.

    Returns:
        float64 [items, items], from the first item (row) to the second (column).
    """
    counts = csr_array((items, items), dtype=np.float64)
    users = sequences.users
    for distance in range(1, window + 1):
        same_user = users[:-distance] == users[distance:]
        pairs = (sequences.items[:-distance][same_user], sequences.items[distance:][same_user])
        weights = np.full(len(pairs[0]), 1.0 / distance)
        counts = counts + coo_array((weights, pairs), shape=(items, items)).tocsr()
    return counts
