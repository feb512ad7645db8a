"""The items as a model sees them: its vectors, reduced to a plane."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from services.cli.evaluation.popularity import catalogue_counts
from services.cli.report_page.figures import ItemMap, MapPoint
from services.cli.report_page.measurement import Measurement
from shared.snapshot.arrays import map_floats

#: More would make a large page, and hide each other.
MOST_POINTS = 1500

#: Categories with a colour of their own.
MOST_CATEGORIES = 7

OTHERS = "others"
NONE = "no category"


def item_map(measured: Measurement) -> ItemMap | None:
    """Returns the most met items by the directions of their vectors in the first channel that has any.

    Directions, because the lengths say how popular an item is, which would be all that the plane shows.

    Returns:
        None where no channel has vectors, or fewer than three items were met.

    Raises:
        SnapshotRefused: the vectors are not what the manifest says.
    """
    entry = next((one for one in measured.manifest.channels if one.kind == "annoy"), None)
    counts = catalogue_counts(measured.dataset, measured.catalogue)
    most_met = np.argsort(-counts, kind="stable")[: min(MOST_POINTS, int((counts > 0).sum()))]
    if entry is None or len(most_met) < 3:
        return None
    vectors = map_floats(measured.folder, entry.vectors, (measured.manifest.items, entry.dimension))[most_met]
    plane, explained = principal_plane(vectors)
    names = [(measured.catalogue[row].categories or (NONE,))[0] for row in most_met.tolist()]
    own = [name for name, _ in Counter(names).most_common(MOST_CATEGORIES)]
    categories = (*own, OTHERS) if len(set(names)) > len(own) else tuple(own)
    points = tuple(
        MapPoint(
            x=round(float(x), 4),
            y=round(float(y), 4),
            title=measured.catalogue[row].title,
            category=own.index(name) if name in own else len(own),
            events=int(counts[row]),
        )
        for (x, y), row, name in zip(plane, most_met.tolist(), names, strict=True)
    )
    return ItemMap(entry.name, entry.dimension, explained, categories, points)


def principal_plane(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Projects the directions of vectors to the plane in which they differ most: their first two principal components.

    Args:
        vectors: float32 [items, dimension]; a zero vector has no direction, and stays zero.

    Returns:
        float64 [items, 2], and the share of the variance that it holds. A component's sign is chosen so that its largest
        entry is positive.
    """
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    directions = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    centred = directions - directions.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2))
    kept = min(2, len(sizes))
    plane[:, :kept] = left[:, :kept] * sizes[:kept]
    largest = np.abs(plane).argmax(axis=0)
    plane *= np.where(plane[largest, np.arange(2)] < 0, -1.0, 1.0)
    total = float(np.square(sizes).sum())
    return plane, float(np.square(sizes[:2]).sum() / total) if total else 0.0
