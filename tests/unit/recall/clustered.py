"""Clustered item vectors, as real ones are, with an index over them."""

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.recall.vector_index import VectorIndex
from shared.inner_product import augment

Vectors = NDArray[np.float32]


def clustered_vectors(items: int, dimension: int = 16, seed: int = 0) -> Vectors:
    """Returns vectors around 40 centres, of different lengths: float32 [items, dimension]."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((40, dimension))
    vectors = centres[random.integers(0, len(centres), items)] + 0.4 * random.standard_normal((items, dimension))
    return np.asarray(vectors * random.uniform(0.7, 1.4, (items, 1)), dtype=np.float32)


def index_over(vectors: Vectors, trees: int = 10, search_k: int = 1) -> VectorIndex:
    """Returns an index over the vectors."""
    annoy = AnnoyIndex(vectors.shape[1] + 1, "angular")
    annoy.set_seed(1)
    for row, vector in enumerate(augment(vectors)):
        annoy.add_item(row, vector)
    annoy.build(trees, n_jobs=1)
    return VectorIndex(annoy, vectors, search_k)
