"""How good every stage of the funnel is on held-out events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from services.training.config import TrainingConfig
from services.training.metrics import history_mask, hit_rate, ndcg, rank_of_target, top_k
from services.training.models import Features, RecallModels
from services.training.progress import ProgressDisplay
from services.training.queries import NextItemQueries
from services.training.ranking.prepared import PreparedLists
from services.training.ranking.ranker import Ranker
from services.training.recall_lists import ListedQueries, merge_channels, order_lists, rank_in_lists
from services.training.sequence.windows import pad_histories

_QUERIES_AT_A_TIME = 256
RECALL_AT = 200


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over queries with one relevant item each, over the full catalogue with the history masked.

    Attributes:
        hit_rate: HR@10.
        ndcg: NDCG@10.
        recall: Recall@200; with one relevant item that is HR@200.
    """

    hit_rate: float
    ndcg: float
    recall: float

    @classmethod
    def of_ranks(cls, ranks: npt.NDArray[np.int64]) -> Self:
        """Returns the means for the ranks, from 1, of each query's target."""
        return cls(
            hit_rate=float(hit_rate(ranks, 10).mean()),
            ndcg=float(ndcg(ranks, 10).mean()),
            recall=float(hit_rate(ranks, RECALL_AT).mean()),
        )

    def named(self) -> dict[str, float]:
        """Returns the values by the names that reports use."""
        return {"hr@10": self.hit_rate, "ndcg@10": self.ndcg, f"recall@{RECALL_AT}": self.recall}


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """What recall found.

    Attributes:
        ranks: For each channel int64 [queries], the target's rank among all unseen items.
        listed: The queries with the merged candidates.
    """

    ranks: dict[str, npt.NDArray[np.int64]]
    listed: ListedQueries


class RecallStage:
    """Recall as the service does it on a catalogue that it scans: exact search of every channel, merged by quota.

    Args:
        features: For the popularity channel.
        recall: The vector channels.
        config: Quotas, the number of candidates and the length of histories.
    """

    def __init__(self, features: Features, recall: RecallModels, config: TrainingConfig) -> None:
        self._popularity = features.popularity
        self._recall = recall
        self._quotas = config.quotas.model_dump()
        self._candidates = min(config.candidates, len(features.popularity))
        self._max_history = config.sequence.max_history

    def retrieve(self, queries: NextItemQueries) -> Retrieved:
        """Ranks the targets and lists the candidates of each query."""
        ranks: dict[str, list[npt.NDArray[np.int64]]] = {channel: [] for channel in self._quotas}
        merged = []
        history = pad_histories(queries.histories, self._max_history)
        for rows in _chunks(len(queries)):
            part = queries.take(rows)
            seen = history_mask(part.histories, len(self._popularity))
            lists = []
            for channel, scores in self._scores(history[rows]).items():
                ranks[channel].append(rank_of_target(scores, part.targets, seen))
                lists.append(top_k(scores, self._candidates, seen))
            merged.append(merge_channels(lists, list(self._quotas.values()), self._candidates))
        return Retrieved(
            ranks={channel: np.concatenate(parts) for channel, parts in ranks.items()},
            listed=ListedQueries(queries.users, history, np.concatenate(merged), queries.targets),
        )

    def _scores(self, history: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float32]]:
        """Scores of all items by channel, in the order of the quotas: float32 [queries, items] each."""
        vectors = self._recall.item_vectors()
        with torch.inference_mode():
            batch = torch.as_tensor(history)
            collaborative = self._recall.sequence.encoder(batch).numpy()
            content = self._recall.content(batch).numpy()
        return {
            "collaborative": collaborative @ vectors["collaborative"].T,
            "content": content @ vectors["content"].T,
            "popularity": np.broadcast_to(self._popularity, (len(history), len(self._popularity))),
        }


def evaluate(
    queries: NextItemQueries,
    stage: RecallStage,
    ranker: Ranker,
    features: Features,
    display: ProgressDisplay,
) -> dict[str, Quality]:
    """Judges every stage on the same queries.

    Args:
        queries: Held-out events.
        stage: Recall.
        ranker: In evaluation mode.
        features: Of users and items.
        display: Told after recall and after ranking.

    Returns:
        By stage: each channel alone, `merged` (recall's order) and `ranked` (the ranker's order of the merged list).
        What a list does not hold counts as ranked last.
    """
    with display.stage("evaluate", 2) as advance:
        retrieved = stage.retrieve(queries)
        advance("")
        listed = retrieved.listed
        missed = len(features.popularity)
        prepared = PreparedLists.compute(ranker, listed.users, listed.history, listed.lists, features.tables())
        ranked = order_lists(listed.lists, prepared.score_all(ranker))
        advance("")
    ranks = retrieved.ranks | {
        "merged": rank_in_lists(listed.lists, listed.targets, missed),
        "ranked": rank_in_lists(ranked, listed.targets, missed),
    }
    return {stage_name: Quality.of_ranks(values) for stage_name, values in ranks.items()}


def _chunks(count: int) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, count, _QUERIES_AT_A_TIME):
        yield np.arange(start, min(start + _QUERIES_AT_A_TIME, count))
