"""Search for the item vectors with the largest inner product, or the highest cosine: Annoy, then exact scores."""

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.recall.channel import Floats, Found

#: Annoy takes about ten times as long to inspect a node as a scan takes for an item (64 dimensions, one thread: 10,000
#: nodes 1.8 ms, 100,000 items 1.6 ms). So when it is to inspect more than an eighth of the catalogue, scanning all of
#: it is faster, and exact.
SCAN_ADVANTAGE = 8

#: Scores travel as float32.
LARGEST_SCORE = float(np.finfo(np.float32).max)

#: Neighbours in the index are near by angle between augmented vectors, which also keeps apart what differs in length.
#: The nearest by cosine are among this many times as many, and for a short list among as many as for one of 100.
SIMILAR_OVERFETCH = 8
SHORTEST_SIMILAR = 100


class VectorIndex:
    """Item vectors and the Annoy index over them, augmented (see `shared.inner_product`).

    Args:
        annoy: The loaded index. Never unloaded: it is collected when the last search that uses it has ended.
        vectors: float32 [items, dimension].
        search_k: Nodes that a search inspects at least.
    """

    def __init__(self, annoy: AnnoyIndex, vectors: Floats, search_k: int) -> None:
        self._annoy = annoy
        self._trees: int = annoy.get_n_trees()
        self._vectors = vectors
        self._search_k = search_k
        self._lengths = np.sqrt(np.vecdot(vectors, vectors))
        self._longest = float(self._lengths.max(initial=0.0))

    def search(self, query: Floats, excluded: NDArray[np.uint32], limit: int) -> Found:
        """Returns the items with the largest inner products.

        Args:
            query: float32 [dimension]. The zero vector prefers nothing, so it finds nothing; nor does one that is
                so long, or not a number, that scores would not be finite.
            excluded: Rows that must not be found.
            limit: How many to return at most.
        """
        # By Cauchy and Schwarz no score is larger than this.
        bound = float(np.linalg.norm(query.astype(np.float64))) * self._longest
        if not 0.0 < bound < LARGEST_SCORE:
            return Found.nothing()
        wanted = limit + len(excluded)
        if self._scanning_is_faster(wanted):
            rows = np.delete(np.arange(len(self._vectors)), excluded)
            scores = np.vecdot(self._vectors, query)[rows]
        else:
            nearest = self._annoy.get_nns_by_vector([*query.tolist(), 0.0], wanted, self._inspected(wanted))
            rows = np.array(nearest, dtype=np.int64)
            rows = rows[~np.isin(rows, excluded)]
            scores = np.vecdot(self._vectors.take(rows, axis=0), query)
        return Found.best(rows, scores, limit)

    def similar(self, row: int, limit: int) -> Found:
        """Returns the items with the highest cosine similarity, without the item itself.

        An item with the zero vector is like nothing, and nothing is like it.
        """
        wanted = SIMILAR_OVERFETCH * max(limit, SHORTEST_SIMILAR) + 1
        if self._scanning_is_faster(wanted):
            rows = np.arange(len(self._vectors))
        else:
            rows = np.array(self._annoy.get_nns_by_item(row, wanted, self._inspected(wanted)), dtype=np.int64)
        lengths = self._lengths[rows] * self._lengths[row]
        comparable = (rows != row) & (lengths > 0.0)
        rows = rows[comparable]
        cosines = np.vecdot(self._vectors.take(rows, axis=0), self._vectors[row]) / lengths[comparable]
        return Found.best(rows, cosines, limit)

    def _inspected(self, wanted: int) -> int:
        """Nodes to inspect: Annoy's own default grows with what is wanted, and training's measure is the least."""
        return max(self._search_k, wanted * self._trees)

    def _scanning_is_faster(self, wanted: int) -> bool:
        return self._inspected(wanted) * SCAN_ADVANTAGE >= len(self._vectors)
