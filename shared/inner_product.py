"""Inner-product search in an index that knows only angles.

Every item vector x gets one more axis, sqrt(M² - |x|²) with M the longest length, so that all have length M; a query
gets a 0 there. The angle to a query then orders items as the inner product with x does (Bachrach et al., "Speeding
Up the Xbox Recommender System Using a Euclidean Transformation for Inner-Product Spaces", RecSys 2014, section 3).
Annoy's own `dot` metric would be the obvious choice, but loses most neighbours in the released version.
"""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def augment(vectors: Vectors) -> Vectors:
    """Returns the item vectors with the augmenting axis: float32 [items, dimension + 1], all of one length.

    Args:
        vectors: float32 [items, dimension].
    """
    squares = np.einsum("id,id->i", vectors, vectors, dtype=np.float64)
    missing = np.sqrt(np.maximum(squares.max(initial=0.0) - squares, 0.0))
    return np.column_stack([vectors, missing.astype(np.float32)])


def augment_queries(queries: Vectors) -> Vectors:
    """Returns the query vectors with the augmenting axis: float32 [queries, dimension + 1].

    Args:
        queries: float32 [queries, dimension].
    """
    return np.pad(queries, ((0, 0), (0, 1)))
