"""Recall computed from the snapshot's files: every channel exactly, and through its index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

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
from shared.snapshot.arrays import map_floats
from shared.snapshot.graphs import ENCODER
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
        channel = _Popularity(measured) if entry.kind == "popularity" else _Vectors(measured, entry)
        parts = []
        for users in _chunks(measured):
            parts.append(_search(measured, channel, users, size))
            advance(len(users))
        ranks[entry.name], exact[entry.name], through_index[entry.name] = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
    return Searched({one.name: one.quota for one in channels}, ranks, exact, through_index, size)


class _Channel(Protocol):
    """Scores all items for some users."""

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns float32 [users, items]; rows of zeros for users that it has nothing to search with."""
        ...

    def through_index(self, users: NDArray[np.int64], seen: Ragged, size: int) -> Lists | None:
        """Returns the best unseen items through the index; None where there is no index."""
        ...


class _Popularity:
    """The same order for everybody, which needs no index."""

    def __init__(self, measured: Measurement) -> None:
        self._weights = map_floats(measured.folder, measured.manifest.popularity, (measured.manifest.items,))

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.broadcast_to(self._weights, (len(users), len(self._weights)))

    def through_index(self, users: NDArray[np.int64], seen: Ragged, size: int) -> Lists | None:  # noqa: ARG002 - the Protocol's
        return None


class _Vectors:
    """An encoder, item vectors and the index over them."""

    def __init__(self, measured: Measurement, entry: ChannelEntry) -> None:
        folder, manifest = measured.folder, measured.manifest
        self._histories = pad_histories(measured.questions.histories, manifest.max_history)
        self._features = measured.user_features()
        self._encoder = ENCODER.open(folder / entry.encoder, threads=1)
        self._vectors = map_floats(folder, entry.vectors, (manifest.items, entry.dimension))
        self._index = AnnoyIndex(entry.dimension + 1, "angular")
        self._index.load(str(folder / entry.index))
        self._depth, self._trees = depth_for(entry, DEFAULT_TARGET), entry.trees

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self._queries(users) @ self._vectors.T
        return scores

    def through_index(self, users: NDArray[np.int64], seen: Ragged, size: int) -> Lists | None:
        lists = np.full((len(users), size), NO_ITEM)
        for row, query, known in zip(lists, augment_queries(self._queries(users)), seen, strict=True):
            if query.any():
                wanted = size + len(known)
                nodes = self._depth.nodes(wanted, self._trees)
                found = np.asarray(self._index.get_nns_by_vector(query.tolist(), wanted, nodes), dtype=np.int64)
                unseen = found[~np.isin(found, known)][:size]
                row[: len(unseen)] = unseen
        return lists

    def _queries(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._encoder(history=self._histories[users], user_features=self._features[users])


def _search(measured: Measurement, channel: _Channel, users: NDArray[np.int64], size: int) -> tuple[Rows, Lists, Lists]:
    """Returns the ranks of the targets, and the lists by exact search and through the index."""
    items = measured.manifest.items
    seen = measured.questions.seen.take(users)
    masked = history_mask(list(seen), items)
    scores = channel.scores(users)
    # Without a query, such as one of a history without words, the channel finds nothing: all items are alike to it.
    nothing = ~np.asarray(scores.any(axis=1))
    found = np.where(nothing[:, None], NO_ITEM, top_k(scores, size, masked))
    ranks = np.where(nothing, items, rank_of_target(scores, measured.questions.targets[users], masked))
    through_index = channel.through_index(users, seen, size)
    return ranks, found, found if through_index is None else through_index


def _chunks(measured: Measurement) -> Iterator[NDArray[np.int64]]:
    at_once = max(1, min(_MOST_USERS_AT_ONCE, _SCORES_AT_ONCE // measured.manifest.items))
    for start in range(0, len(measured.questions), at_once):
        yield np.arange(start, min(start + at_once, len(measured.questions)))
