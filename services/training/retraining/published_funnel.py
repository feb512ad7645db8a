"""A published snapshot as a function from histories to ranked lists: recall and ranking as the services do it, offline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.metrics import history_mask, top_k
from services.training.metrics.lists import NO_ITEM
from services.training.recall_lists import Lists, merge_channels, order_lists
from services.training.sequence.windows import pad_histories
from shared.features import AttributeValue, UserFeatureTransform
from shared.snapshot.arrays import map_floats
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.graphs import ENCODER, RANKER
from shared.snapshot.manifest import ChannelEntry, Manifest, read_manifest
from shared.snapshot.verification import verify_files

Histories = Sequence[npt.NDArray[np.int32]]

# [queries, items] scores of one channel at a time: 64 MB for a hundred thousand items.
_QUERIES_AT_A_TIME = 128


class PublishedFunnel:
    """The funnel of one snapshot, with exact search, and nothing of the snapshot's training but its files.

    Args:
        folder: Of the snapshot.
        candidates: How many candidates recall hands to the ranker.
        threads: Of one operator.

    Raises:
        SnapshotRefused: a file is not what training wrote.

    Attributes:
        manifest: The snapshot's table of contents.
        row_of: The row of each item id.
    """

    def __init__(self, folder: Path, candidates: int, threads: int) -> None:
        self.manifest: Manifest = read_manifest(folder)
        verify_files(folder, self.manifest)
        items, features = self.manifest.items, len(self.manifest.feature_schema.item_features)
        self.row_of = {item.id: row for row, item in enumerate(read_catalogue(folder / self.manifest.catalogue))}
        self._candidates = min(candidates, items)
        self._popularity = map_floats(folder, self.manifest.popularity, [items])
        self._item_features = map_floats(folder, self.manifest.item_features, (items, features))
        self._user_features = UserFeatureTransform(self.manifest.feature_schema.user_fields)
        self._channels = {
            entry.name: _Channel(folder, entry, items, threads) for entry in self.manifest.channels if entry.encoder
        }
        self._ranker = RANKER.open(folder / self.manifest.ranker.model, threads)

    def rows(self, item_ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Returns the rows of the ids that the snapshot has, in their order: int32 [at most ids]."""
        return np.array([self.row_of[item_id] for item_id in item_ids if item_id in self.row_of], dtype=np.int32)

    def recommend(self, histories: Histories, attributes: Sequence[dict[str, AttributeValue]]) -> Iterator[Lists]:
        """Ranks the unseen items of many people, a part of the people at a time.

        Args:
            histories: Item rows of each person, oldest first.
            attributes: Of each person, by name.

        Yields:
            int64 [some people, candidates] item rows, best first, in the order of the people.
        """
        for start in range(0, len(histories), _QUERIES_AT_A_TIME):
            part = slice(start, start + _QUERIES_AT_A_TIME)
            yield self._rank(histories[part], self._user_features.many(attributes[part]))

    def _rank(self, histories: Histories, user_features: npt.NDArray[np.float32]) -> Lists:
        padded = pad_histories(histories, self.manifest.max_history)
        seen = history_mask(histories, self.manifest.items)
        found, quotas = [], []
        for entry in self.manifest.channels:
            channel = self._channels.get(entry.name)
            scores = (
                np.broadcast_to(self._popularity, (len(histories), self.manifest.items))
                if channel is None
                else channel.scores(padded, user_features)
            )
            found.append(top_k(scores, self._candidates, seen))
            quotas.append(entry.quota)
        lists = merge_channels(found, quotas, self._candidates)
        return order_lists(lists, self._score(lists, padded, user_features))

    def _score(
        self, lists: Lists, padded: npt.NDArray[np.int64], user_features: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Returns the sum over the objectives of each candidate's scores: float32 [people, candidates]."""
        candidates = np.where(lists == NO_ITEM, 0, lists).ravel()
        scores = self._ranker(
            history=padded,
            user_features=user_features,
            candidates=candidates,
            candidate_features=self._item_features[candidates],
            candidate_query=np.repeat(np.arange(len(lists)), lists.shape[1]),
        )
        totals: npt.NDArray[np.float32] = scores.sum(axis=1).reshape(lists.shape)
        return totals


class _Channel:
    def __init__(self, folder: Path, entry: ChannelEntry, items: int, threads: int) -> None:
        self._vectors = map_floats(folder, entry.vectors, (items, entry.dimension))
        self._encoder = ENCODER.open(folder / entry.encoder, threads)

    def scores(self, padded: npt.NDArray[np.int64], user_features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the score of every item for every person: float32 [people, items]."""
        queries = self._encoder(history=padded, user_features=user_features)
        scores: npt.NDArray[np.float32] = queries @ self._vectors.T
        return scores
