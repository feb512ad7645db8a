"""Writing the projection of words into a snapshot, and proof that it gives what training computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.training.datasets import Item
from services.training.export import ExportMismatch
from services.training.recall.model import RecallModel
from shared.snapshot.manifest import ProjectionEntry
from shared.snapshot.projection import read_projection, write_projection
from shared.word_projection import directions, document

#: How far a projected number may be from the fitted one.
TOLERANCE = 1e-5

#: Items that are projected for proof, spread over the catalogue; one takes some 50 microseconds.
_PROVED = 2000


def projection_entry(channel: str) -> ProjectionEntry:
    """Returns where the projection of a channel is."""
    return ProjectionEntry(words=f"channels/{channel}/words.json", components=f"channels/{channel}/components.npy")


def write_content_projection(folder: Path, channel: str, items: Sequence[Item], model: RecallModel) -> None:
    """Writes the projection, if there is one, and reads it again to place items anew that training has placed.

    Args:
        folder: The snapshot's folder, with the channel's in it.
        channel: Its name.
        items: The catalogue in the order of its rows.
        model: Of the channel.

    Raises:
        ExportMismatch: an item would come to lie elsewhere.
    """
    if model.projection is None:
        return
    entry = projection_entry(channel)
    write_projection(model.projection, folder, entry)
    written = read_projection(folder, entry, model.item_vectors.shape[1])
    for row in np.linspace(0, len(items) - 1, num=min(_PROVED, len(items)), dtype=np.int64).tolist():
        item = items[row]
        projected = written.project(document(item.title, item.categories, item.text))
        # The length is how popular it is; what is new is not.
        furthest = float(np.abs(projected - directions(model.item_vectors[row : row + 1])[0]).max())
        if furthest > TOLERANCE:
            raise ExportMismatch(f"the projection of words puts item {item.id} off by {furthest:.2g}")
