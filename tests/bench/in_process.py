"""The ceiling's neighbours: the three services as function calls over the same snapshot, without RPC."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.neighbours import Erased, Recorded, Retrieved, User, WrittenFeatures
from services.gateway.query import Event
from services.gateway.snapshot import GatewaySnapshot
from services.ranking.batch import ScoringBatch
from services.ranking.scoring import score
from services.ranking.snapshot import load_snapshot as load_ranking_snapshot
from services.recall.merge import merge
from services.recall.snapshot import load_snapshot as load_recall_snapshot
from shared.features import AttributeValue, UserFeatureTransform
from shared.history import pad_histories
from shared.snapshot.manifest import Manifest
from shared.tensors import Ragged
from tests.bench.workload.shape import Person


class InProcessNeighbours:
    """Each stage on the caller's thread.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        people: The users that are asked for; they are kept ready, so that reading one costs nothing.
    """

    def __init__(self, folder: Path, manifest: Manifest, people: Sequence[Person]) -> None:
        user_features = UserFeatureTransform(manifest.feature_schema.user_fields)
        self._recall = load_recall_snapshot(folder, manifest, threads=1)
        self._ranking = load_ranking_snapshot(folder, manifest, device="cpu", threads=1)
        self._users = {
            person.id: User(
                user_features(person.attributes),
                person.rows,
                np.sort(person.rows),
                known=True,
                items_as_trained=True,
            )
            for person in people
        }

    async def get_user(
        self,
        _snapshot: GatewaySnapshot,
        user_id: str,
        _attributes: Mapping[str, AttributeValue],
        _budget: float,
        _states: bool = False,
    ) -> User:
        """Returns a user of the workload."""
        return self._users[user_id]

    async def get_item_features(self, _snapshot: GatewaySnapshot, rows: Rows, _budget: float) -> NDArray[np.float32]:
        """Gathers features by row."""
        return self._ranking.item_features.take(rows, axis=0, mode="clip")

    async def get_written_features(self, _snapshot: GatewaySnapshot, rows: Rows, _budget: float) -> WrittenFeatures:
        """Returns nothing: the workload writes none."""
        return WrittenFeatures(rows[:0], self._ranking.item_features[:0])

    async def record_events(self, events: Sequence[Event], _budget: float) -> Recorded:
        """Records nothing: the ceiling is of Recommend."""
        return Recorded(0, len(events))

    async def forget_user(self, _user_id: str, _budget: float) -> Erased:
        """Forgets nothing: the ceiling is of Recommend."""
        return Erased({}, 0)

    async def retrieve(
        self, _snapshot: GatewaySnapshot, user: User, excluded: Rows, max_candidates: int, _budget: float
    ) -> Retrieved:
        """Encodes, searches every channel, merges."""
        history = self._padded(user)
        unwanted = Ragged.of([excluded], np.uint32)
        found = [
            channel.search(channel.encode(history, user.features[None]), unwanted, max_candidates)
            for channel in self._recall.channels
        ]
        merged = merge(found, [channel.quota for channel in self._recall.channels], max_candidates)
        names = tuple(channel.name for channel in self._recall.channels)
        return Retrieved(Candidates(merged.rows.astype(np.uint32), merged.found_by, merged.scores, names))

    async def retrieve_similar(
        self, _snapshot: GatewaySnapshot, row: int, max_candidates: int, _budget: float
    ) -> Retrieved:
        """Finds what the first channel finds alike."""
        [found] = self._recall.similarity_channels[0].similar(np.array([row]), max_candidates)
        return Retrieved(Candidates.found_by_none(found.rows.astype(np.uint32)))

    async def score(
        self, snapshot: GatewaySnapshot, user: User, rows: Rows, _written: WrittenFeatures | None, budget: float
    ) -> NDArray[np.float32]:
        """Gathers the snapshot's features and runs the ranker."""
        item_features = await self.get_item_features(snapshot, rows, budget)
        owners = np.zeros(len(rows), dtype=np.int64)
        batch = ScoringBatch(self._padded(user), user.features[None], rows.astype(np.int64), item_features, owners)
        return score(self._ranking.ranker, batch)

    def _padded(self, user: User) -> NDArray[np.int64]:
        return pad_histories(Ragged.of([user.history], np.uint32), self._recall.max_history)
