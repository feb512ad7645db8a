"""What the Annoy indexes lose of exact search, for the histories of real users."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.cli.evaluation.questions import Questions
from services.training.metrics import history_mask, top_k
from shared.history import NO_ITEM, pad_histories
from shared.inner_product import augment_queries
from shared.snapshot.arrays import map_floats
from shared.snapshot.graphs import ENCODER
from shared.snapshot.manifest import ChannelEntry, Manifest
from shared.tensors import Ragged

#: The length of the lists that are compared.
NEIGHBOURS = 200


def annoy_losses(folder: Path, manifest: Manifest, questions: Questions) -> dict[str, float]:
    """Returns, by channel, the share of exact search's unseen nearest 200 that the index does not find.

    The queries are the encoder's for each user's history; exact search is by inner product over the item vectors; the
    index is searched with the manifest's search_k, for as many more as the user has seen. Users for whom the
    encoder gives the zero vector are asked nothing.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        questions: Whose histories to search with.

    Raises:
        SnapshotRefused: a file of the snapshot is not what the manifest says.
        OSError: an index cannot be read.
    """
    features = questions.user_features(manifest.feature_schema.user_fields)
    histories = pad_histories(questions.histories, manifest.max_history)
    losses = {}
    for entry in manifest.channels:
        if entry.kind == "annoy":
            encoder = ENCODER.open(folder / entry.encoder, threads=1)
            queries = encoder(history=histories, user_features=features)
            shares = list(_losses(folder, manifest, entry, queries, questions.seen))
            losses[entry.name] = float(np.mean(shares)) if shares else 0.0
    return losses


def _losses(
    folder: Path, manifest: Manifest, entry: ChannelEntry, queries: NDArray[np.float32], seen: Ragged
) -> Iterator[float]:
    """Yields the share that is lost for each user who has a query."""
    vectors = map_floats(folder, entry.vectors, (manifest.items, entry.dimension))
    index = AnnoyIndex(entry.dimension + 1, "angular")
    index.load(str(folder / entry.index))
    for query, augmented, known in zip(queries, augment_queries(queries), seen, strict=True):
        scores = query[None, :] @ vectors.T
        [best] = top_k(scores, min(NEIGHBOURS, manifest.items), history_mask([known], manifest.items))
        wanted = best[best != NO_ITEM]
        if query.any() and len(wanted):
            found = index.get_nns_by_vector(augmented.tolist(), NEIGHBOURS + len(known), entry.search_k)
            yield 1.0 - float(np.isin(wanted, np.setdiff1d(found, known)).mean())
