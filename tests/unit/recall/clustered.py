"""Clustered item vectors, as real ones are, with an index over them."""

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.recall.search_cost import SearchCosts
from services.recall.search_depth import SearchDepth
from services.recall.vector_index import VectorIndex
from shared.inner_product import augment
from shared.tensors import Ragged

Vectors = NDArray[np.float32]

#: As if one of the two ways to search cost nothing.
ANNOY_IS_FREE = SearchCosts(read=1.0, multiply=1.0, select=1.0, settle=0.0, node=0.0)
SCAN_IS_FREE = SearchCosts(read=0.0, multiply=0.0, select=0.0, settle=0.0, node=1.0)

#: Annoy's own default, as for a snapshot in which nothing was measured.
DEFAULT_DEPTH = SearchDepth(1)


def clustered_vectors(items: int, dimension: int = 16, seed: int = 0) -> Vectors:
    """Returns vectors around 40 centres, of different lengths: float32 [items, dimension]."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((40, dimension))
    vectors = centres[random.integers(0, len(centres), items)] + 0.4 * random.standard_normal((items, dimension))
    return np.asarray(vectors * random.uniform(0.7, 1.4, (items, 1)), dtype=np.float32)


def index_over(
    vectors: Vectors, costs: SearchCosts, trees: int = 10, depth: SearchDepth = DEFAULT_DEPTH
) -> VectorIndex:
    """Returns an index over the vectors."""
    annoy = AnnoyIndex(vectors.shape[1] + 1, "angular")
    annoy.set_seed(1)
    for row, vector in enumerate(augment(vectors)):
        annoy.add_item(row, vector)
    annoy.build(trees, n_jobs=1)
    return VectorIndex(annoy, vectors, depth, costs=costs)


def excluding(*lists: list[int]) -> Ragged:
    """Returns the excluded rows of each query."""
    return Ragged.of([np.array(rows, dtype=np.uint32) for rows in lists], np.uint32)


def best_rows(scores: NDArray[np.floating], excluded: list[int], limit: int) -> list[int]:
    """Returns the rows with the highest scores by sorting all of them, ties by row."""
    banned = set(excluded)
    ordered = np.lexsort((np.arange(len(scores)), -scores)).tolist()
    return [row for row in ordered if row not in banned][:limit]
