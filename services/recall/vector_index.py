"""Search for the item vectors with the largest inner product, or the highest cosine: exactly, or through Annoy."""

from collections.abc import Callable

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.recall.channel import NO_ROWS, Floats, Found, Rows
from services.recall.crew import ALONE, Crew
from services.recall.scan import Scan
from services.recall.search_cost import SearchCosts
from services.recall.search_depth import SearchDepth
from shared.tensors import Ragged

#: Scores travel as float32.
LARGEST_SCORE = float(np.finfo(np.float32).max)

#: Neighbours in the index are near by angle between augmented vectors, which also keeps apart what differs in length.
#: The nearest by cosine are among this many times as many, and for a short list among as many as for one of 100.
SIMILAR_OVERFETCH = 8
SHORTEST_SIMILAR = 100

#: Excluded rows that Annoy is asked to make up for in the first attempt: half the list, and this many for a short one.
#: Most of what a user has seen is not near, so asking for as many more as the user has seen would be wasted on most.
LEAST_OVERFETCH = 100

#: How much deeper the second attempt goes where the first left too few.
DEEPER = 2

#: Seconds of work for which it is worth to wake another thread.
SHARED_WORK = 2e-3


class VectorIndex:
    """Item vectors and the Annoy index over them, augmented (see `shared.inner_product`). Safe on several threads.

    Args:
        annoy: The loaded index. Never unloaded: it is collected when the last search that uses it has ended.
        vectors: float32 [items, dimension].
        depth: How many nodes a search through Annoy inspects.
        crew: Who may help with a batch that takes long.
        costs: Decide between the two ways; by default as measured for the way of scanning.
    """

    def __init__(
        self,
        annoy: AnnoyIndex,
        vectors: Floats,
        depth: SearchDepth,
        crew: Crew = ALONE,
        costs: SearchCosts | None = None,
    ) -> None:
        self._annoy = annoy
        self._trees: int = annoy.get_n_trees()
        self._vectors = np.asarray(vectors)  # a mapped file's own class is slow to slice
        self._items, self._dimension = self._vectors.shape
        self._depth = depth
        self._crew = crew
        self._costs = costs
        self._lengths = np.sqrt(np.vecdot(self._vectors, self._vectors))
        self._longest = float(self._lengths.max(initial=0.0))
        self._products = Scan.by_product(self._vectors, self._lengths)
        self._cosines = Scan.by_cosine(self._vectors, self._lengths)

    def search(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """Returns, for each query, the items with the largest inner products.

        Args:
            queries: float32 [queries, dimension]. The zero vector prefers nothing, so it finds nothing; nor does one
                that is so long, or not a number, that scores would not be finite.
            excluded: Rows that must not be found, a list for each query.
            limit: How many to return at most, at least 1.
            hidden: Rising rows that must not be found by any query.
        """
        asked = askable(queries, self._longest)
        if len(asked) == len(queries):
            return self._search(queries, excluded, limit, hidden)
        found = [Found.nothing()] * len(queries)
        some = self._search(queries[asked], excluded.take(asked), limit, hidden)
        for query, one in zip(asked.tolist(), some, strict=True):
            found[query] = one
        return found

    def exact(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """Returns what `search` would return if it always looked at all items. Queries must have found something."""
        return self._products.search(queries, excluded, limit, hidden=hidden)

    @property
    def dimension(self) -> int:
        """Length of the item vectors."""
        return int(self._dimension)

    def vectors_of(self, rows: Rows) -> Floats:
        """Returns the vectors of some items (int64, of any shape): float32 [..., dimension]."""
        return self._vectors[rows]

    def similar(self, rows: Rows, limit: int) -> list[Found]:
        """Returns, for each row (int64 [queries]), the items with the highest cosine, without the item itself.

        An item with the zero vector is like nothing, and nothing is like it.
        """
        return self.alike(self._vectors[rows], Ragged(rows.astype(np.uint32), np.arange(len(rows) + 1)), limit)

    def alike(self, vectors: Floats, excluded: Ragged, limit: int, hidden: Rows = NO_ROWS) -> list[Found]:
        """Returns, for each vector, the items with the highest cosine.

        Args:
            vectors: float32 [queries, dimension]; the zero vector is like nothing.
            excluded: Rows that must not be found, a list for each query.
            limit: How many to return at most, at least 1.
            hidden: Rising rows that must not be found by any query.
        """
        found = [Found.nothing()] * len(vectors)
        directions, asked = unit_vectors(vectors)
        some = self._alike(directions, vectors[asked], excluded.take(asked), limit, hidden)
        for query, one in zip(asked.tolist(), some, strict=True):
            found[query] = one
        return found

    def _alike(self, directions: Floats, vectors: Floats, excluded: Ragged, limit: int, hidden: Rows) -> list[Found]:
        wanted = SIMILAR_OVERFETCH * max(limit, SHORTEST_SIMILAR) + 1
        nodes = self._depth.nodes(wanted, self._trees)
        if self._scanning_is_faster(self._cosines, len(vectors), nodes):
            return self._scan(self._cosines, directions, excluded, limit, hidden)
        found = [Found.nothing()] * len(vectors)
        # As the items themselves are augmented, so that what differs in length is kept apart too.
        missing = np.sqrt(np.maximum(self._longest**2 - np.vecdot(vectors, vectors), 0.0))
        augmented = np.column_stack([vectors, missing])

        def search(query: int) -> None:
            nearest = self._annoy.get_nns_by_vector(augmented[query].tolist(), wanted, nodes)
            found[query] = self._ranked(
                self._cosines, directions[query], nearest, excluded[query], limit, hidden=hidden
            )

        self._share(len(vectors), nodes, search)
        return found

    def _search(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows) -> list[Found]:
        nodes = self._depth.nodes(limit, self._trees)
        if self._scanning_is_faster(self._products, len(queries), nodes):
            return self._scan(self._products, queries, excluded, limit, hidden)
        exclusions = np.diff(excluded.offsets) + len(hidden)
        fetched = limit + np.minimum(exclusions, max(limit // 2, LEAST_OVERFETCH))
        found = self._through_annoy(queries, excluded, limit, fetched=fetched, nodes=nodes, hidden=hidden)
        reachable = np.minimum(limit, self._items - exclusions)
        short = np.flatnonzero(np.array([len(one.rows) for one in found]) < reachable)
        if len(short):
            again = self._search_deeper(queries[short], excluded.take(short), limit, hidden)
            for query, one in zip(short.tolist(), again, strict=True):
                found[query] = one
        return found

    def _search_deeper(self, queries: Floats, excluded: Ragged, limit: int, hidden: Rows) -> list[Found]:
        """Searches again for queries whose excluded rows took most of what was near."""
        fetched = limit + np.diff(excluded.offsets) + len(hidden)
        nodes = DEEPER * self._depth.nodes(int(fetched.max()), self._trees)
        if self._scanning_is_faster(self._products, len(queries), nodes):
            return self._scan(self._products, queries, excluded, limit, hidden)
        return self._through_annoy(queries, excluded, limit, fetched=fetched, nodes=nodes, hidden=hidden)

    def _through_annoy(
        self,
        queries: Floats,
        excluded: Ragged,
        limit: int,
        *,
        fetched: NDArray[np.int64],
        nodes: int,
        hidden: Rows,
    ) -> list[Found]:
        found = [Found.nothing()] * len(queries)
        augmented = np.pad(queries, ((0, 0), (0, 1)))

        def search(query: int) -> None:
            nearest = self._annoy.get_nns_by_vector(augmented[query].tolist(), int(fetched[query]), nodes)
            found[query] = self._ranked(self._products, queries[query], nearest, excluded[query], limit, hidden=hidden)

        self._share(len(queries), nodes, search)
        return found

    @staticmethod
    def _ranked(
        scan: Scan, query: Floats, nearest: list[int], excluded: NDArray[np.uint32], limit: int, *, hidden: Rows
    ) -> Found:
        rows = np.array(nearest, dtype=np.int64)
        rows = rows[~np.isin(rows, excluded)]
        if len(hidden):
            rows = rows[hidden.take(np.searchsorted(hidden, rows), mode="clip") != rows]
        return scan.best_of(query, rows, limit)

    def _scan(self, scan: Scan, queries: Floats, excluded: Ragged, limit: int, hidden: Rows) -> list[Found]:
        seconds = self._costs_of(scan).scan(self._items, self._dimension, len(queries))
        return scan.search(queries, excluded, limit, self._crew, helpers=_helpers(seconds), hidden=hidden)

    def _share(self, queries: int, nodes: int, search: Callable[[int], None]) -> None:
        self._crew.each(queries, search, _helpers(self._costs_of(self._products).annoy(nodes, queries)))

    def _scanning_is_faster(self, scan: Scan, queries: int, nodes: int) -> bool:
        if queries == 0:
            return True
        costs = self._costs_of(scan)
        return costs.scan(self._items, self._dimension, queries) <= costs.annoy(nodes, queries)

    def _costs_of(self, scan: Scan) -> SearchCosts:
        return self._costs or scan.costs


def askable(queries: Floats, longest: float) -> NDArray[np.int64]:
    """Returns which queries (float32 [queries, dimension]) prefer anything and give finite scores.

    Args:
        queries: That are to be multiplied with vectors.
        longest: The length of the longest of these.
    """
    # By Cauchy and Schwarz no score is larger than this.
    bounds = np.linalg.norm(queries.astype(np.float64), axis=1) * longest
    return np.flatnonzero((bounds > 0.0) & (bounds < LARGEST_SCORE))


def unit_vectors(vectors: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Returns those vectors that have a direction, at length 1, and which they are."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    asked = np.flatnonzero((lengths > 0.0) & np.isfinite(lengths))
    return vectors[asked] / lengths[asked][:, None], asked


def _helpers(seconds: float) -> int:
    return int(seconds / SHARED_WORK)
