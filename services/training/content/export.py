"""Writing the projection of words into a snapshot, and proof that it gives what training computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.training.datasets import Item
from services.training.export import ExportMismatch
from services.training.models import RecallModels
from shared.snapshot.manifest import ProjectionEntry
from shared.snapshot.projection import read_projection, write_projection
from shared.word_projection import document

PROJECTION = ProjectionEntry(words="channels/content/words.json", components="channels/content/components.npy")

#: How far a projected number may be from the fitted one.
TOLERANCE = 1e-5

#: Items that are projected for proof, spread over the catalogue; one takes some 50 microseconds.
_PROVED = 2000


def write_content_projection(folder: Path, items: Sequence[Item], recall: RecallModels) -> None:
    """Writes the projection, if there is one, and reads it again to place items anew that training has placed.

    Args:
        folder: The snapshot's folder, with the content channel's in it.
        items: The catalogue in the order of its rows.
        recall: Holds the projection and the content vectors.

    Raises:
        ExportMismatch: an item would come to lie elsewhere.
    """
    if recall.projection is None:
        return
    write_projection(recall.projection, folder, PROJECTION)
    vectors = recall.content.vectors.numpy()
    written = read_projection(folder, PROJECTION, vectors.shape[1])
    for row in np.linspace(0, len(items) - 1, num=min(_PROVED, len(items)), dtype=np.int64).tolist():
        item = items[row]
        projected = written.project(document(item.title, item.categories, item.text))
        furthest = float(np.abs(projected - vectors[row]).max())
        if furthest > TOLERANCE:
            raise ExportMismatch(f"the projection of words puts item {item.id} off by {furthest:.2g}")
