"""Recall computed from the snapshot's files: every channel exactly, and through its index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from services.cli.report_page.measurement import Measurement, Rows
from services.recall.search_depth import DEFAULT_TARGET, depth_for
from services.training.metrics import history_mask, rank_of_target, top_k
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import Lists, merge_channels
from shared.history import pad_histories
from shared.inner_product import augment_queries
from shared.onnx_session import OnnxModel, open_session
from shared.snapshot.arrays import map_floats
from shared.snapshot.manifest import ChannelEntry
from shared.tensors import Ragged

# Bounds one matrix of scores to 64 MB.
_SCORES_AT_ONCE = 16_000_000
_MOST_USERS_AT_ONCE = 256

Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Searched:
    """What the channels find for the users that were asked about.

    Attributes:
        quotas: Of each channel, in the order of the snapshot.
        ranks: By channel, int64 [users], the rank of what came next among all items that the user has not seen; the number
            of items where the channel has nothing to search with.
        exact: By channel, the best `size` unseen items by exact search.
        through_index: The same through the index, as deep as recall would search it.
        size: The length of the lists.
    """

    quotas: dict[str, float]
    ranks: dict[str, Rows]
    exact: dict[str, Lists]
    through_index: dict[str, Lists]
    size: int

    def merged(self, lists: dict[str, Lists]) -> Lists:
        """Returns the lists of the channels as one, by quota, as recall merges them: int64 [users, size]."""
        return merge_channels(list(lists.values()), list(self.quotas.values()), self.size)


def search(measured: Measurement, size: int, advance: Advance) -> Searched:
    """Searches every channel for every user.

    Args:
        measured: The users and the snapshot.
        size: How many items a channel lists.
        advance: Is told how many searches more are done; there are as many as users times channels.

    Raises:
        SnapshotRefused: a file of the snapshot is not what the manifest says.
        OSError: an index cannot be read.
    """
    channels = measured.manifest.channels
    ranks, exact, through_index = {}, {}, {}
    for entry in channels:
        parts = [_search(measured, entry, part, size) for part in _chunks(measured, advance)]
        ranks[entry.name], exact[entry.name], through_index[entry.name] = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
    return Searched({one.name: one.quota for one in channels}, ranks, exact, through_index, size)


def _chunks(measured: Measurement, advance: Advance) -> Iterator[NDArray[np.int64]]:
    at_once = max(1, min(_MOST_USERS_AT_ONCE, _SCORES_AT_ONCE // measured.manifest.items))
    for start in range(0, len(measured.questions), at_once):
        users = np.arange(start, min(start + at_once, len(measured.questions)))
        yield users
        advance(len(users))


def _search(
    measured: Measurement, entry: ChannelEntry, users: NDArray[np.int64], size: int
) -> tuple[Rows, Lists, Lists]:
    """Returns the ranks of the targets, and the lists by exact search and through the index."""
    items = measured.manifest.items
    seen = measured.questions.seen.take(users)
    masked = history_mask(list(seen), items)
    targets = measured.questions.targets[users]
    if entry.kind == "popularity":
        popular = map_floats(measured.folder, measured.manifest.popularity, (items,))
        scores = np.broadcast_to(popular, (len(users), items))
        found = top_k(scores, size, masked)
        return rank_of_target(scores, targets, masked), found, found
    queries = _encode(measured, entry, users)
    scores = queries @ map_floats(measured.folder, entry.vectors, (items, entry.dimension)).T
    # Without a query, such as one of a history without words, the channel finds nothing.
    nothing = np.linalg.norm(queries, axis=1) == 0
    found = np.where(nothing[:, None], NO_ITEM, top_k(scores, size, masked))
    ranks = np.where(nothing, items, rank_of_target(scores, targets, masked))
    return ranks, found, _through_index(measured, entry, queries, seen, size)


def _encode(measured: Measurement, entry: ChannelEntry, users: NDArray[np.int64]) -> NDArray[np.float32]:
    session = open_session(measured.folder / entry.encoder, threads=1)
    encoder = OnnxModel(session, "query", ("history", "user_features"))
    histories = pad_histories(measured.questions.histories.take(users), measured.manifest.max_history)
    return encoder(history=histories, user_features=measured.user_features()[users])


def _through_index(
    measured: Measurement, entry: ChannelEntry, queries: NDArray[np.float32], seen: Ragged, size: int
) -> Lists:
    index = AnnoyIndex(entry.dimension + 1, "angular")
    index.load(str(measured.folder / entry.index))
    depth = depth_for(entry, DEFAULT_TARGET)
    lists = np.full((len(queries), size), NO_ITEM)
    for row, query, known in zip(lists, augment_queries(queries), seen, strict=True):
        if query.any():
            wanted = size + len(known)
            found = np.asarray(
                index.get_nns_by_vector(query.tolist(), wanted, depth.nodes(wanted, entry.trees)), dtype=np.int64
            )
            unseen = found[~np.isin(found, known)][:size]
            row[: len(unseen)] = unseen
    return lists
