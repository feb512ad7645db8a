"""Opens the index of a channel and checks that it is the index of the channel's item vectors."""

from pathlib import Path

import numpy as np
from annoy import AnnoyIndex

from services.recall.channel import Floats
from services.recall.crew import ALONE, Crew
from services.recall.search_depth import SearchDepth
from services.recall.vector_index import VectorIndex
from shared.snapshot.arrays import map_floats
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import ChannelEntry

#: Rows whose vectors and searches are compared.
SAMPLED_ROWS = 16

#: An angular distance, sqrt(2 - 2 cos), of float32 vectors to themselves is up to about 5e-4.
SAME_VECTOR = 1e-2


def open_index(folder: Path, entry: ChannelEntry, items: int, depth: SearchDepth, crew: Crew = ALONE) -> VectorIndex:
    """Opens a channel's item vectors and Annoy index. Their checksums must have been verified: Annoy trusts its file.

    Args:
        folder: The snapshot's folder.
        entry: The channel in the manifest.
        items: Rows of the catalogue.
        depth: How many nodes a search inspects.
        crew: Who may help with a batch that takes long.

    Raises:
        SnapshotRefused: the vectors have another shape, or the index is not over them.
    """
    vectors = map_floats(folder, entry.vectors, (items, entry.dimension))
    annoy = AnnoyIndex(entry.dimension + 1, "angular")
    try:
        annoy.load(str(folder / entry.index))
    except OSError as error:
        raise SnapshotRefused(folder.name, f"{entry.index} is no index of this dimension: {error}") from error
    problem = _problem_with(annoy, vectors, entry)
    if problem is not None:
        raise SnapshotRefused(folder.name, f"{entry.index} {problem}")
    return VectorIndex(annoy, vectors, depth, crew)


def _problem_with(annoy: AnnoyIndex, vectors: Floats, entry: ChannelEntry) -> str | None:
    if annoy.get_n_items() != len(vectors):
        return f"has {annoy.get_n_items()} items; the catalogue has {len(vectors)}"
    # Annoy counts the trees of a catalogue that fits in one node twice over.
    if annoy.get_n_trees() < entry.trees:
        return f"has {annoy.get_n_trees()} trees; the manifest says {entry.trees}"
    rows = np.linspace(0, len(vectors) - 1, num=min(SAMPLED_ROWS, len(vectors)), dtype=np.int64)
    stored = np.array([annoy.get_item_vector(row) for row in rows.tolist()])
    longest = np.sqrt(np.vecdot(vectors, vectors).max())
    same = np.allclose(stored[:, :-1], vectors[rows], rtol=1e-4, atol=1e-4)
    if not same or not np.allclose(np.linalg.norm(stored, axis=1), longest, rtol=1e-4):
        return f"is not over {entry.vectors}, augmented to one length"
    for row in rows.tolist() if longest > 0.0 else ():
        nearest, distances = annoy.get_nns_by_item(row, 1, entry.search_k, include_distances=True)
        if not nearest or distances[0] > SAME_VECTOR:
            return f"does not find row {row} by its own vector"
    return None
