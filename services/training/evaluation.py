"""How good every stage of the funnel is on held-out events."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from services.training.recall_lists import ListedQueries, Lists, merge_channels, order_lists, rank_in_lists
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
        self._threads = max(1, config.threads)

    def retrieve(self, queries: NextItemQueries) -> Retrieved:
        """Ranks the targets and lists the candidates of each query."""
        history = pad_histories(queries.histories, self._max_history)
        # Sorting is most of the work, and releases the interpreter's lock.
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(lambda rows: self._search(queries.take(rows), history[rows]), _chunks(len(queries))))
        return Retrieved(
            ranks={channel: np.concatenate([ranks[channel] for ranks, _ in parts]) for channel in self._quotas},
            listed=ListedQueries(
                queries.users, history, np.concatenate([merged for _, merged in parts]), queries.targets
            ),
        )

    def _search(
        self, queries: NextItemQueries, history: npt.NDArray[np.int64]
    ) -> tuple[dict[str, npt.NDArray[np.int64]], Lists]:
        """Ranks of the targets by channel, and the merged lists."""
        seen = history_mask(queries.histories, len(self._popularity))
        scores = self._scores(history)
        ranks = {channel: rank_of_target(values, queries.targets, seen) for channel, values in scores.items()}
        lists = [top_k(values, self._candidates, seen) for values in scores.values()]
        return ranks, merge_channels(lists, list(self._quotas.values()), self._candidates)

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


@dataclass(frozen=True, slots=True, eq=False)
class RankedQueries:
    """Queries with recall's candidates and what the ranker made of them.

    Attributes:
        listed: The queries with the merged candidates.
        scores: float32 [queries, places], the ranker's; hugely negative where a list has ended.
    """

    listed: ListedQueries
    scores: npt.NDArray[np.float32]

    def sample(self, most: int, seed: int) -> Self:
        """Returns at most that many of the queries, chosen at random and in their order."""
        if len(self.listed) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.listed), most, replace=False))
        listed = self.listed
        chosen = ListedQueries(listed.users[rows], listed.history[rows], listed.lists[rows], listed.targets[rows])
        return type(self)(chosen, self.scores[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What an evaluation found.

    Attributes:
        quality: By stage: each channel alone, `merged` (recall's order) and `ranked` (the ranker's order of that).
        ranked: The ranker's scores.
    """

    quality: dict[str, Quality]
    ranked: RankedQueries


def evaluate(
    queries: NextItemQueries,
    stage: RecallStage,
    ranker: Ranker,
    features: Features,
    display: ProgressDisplay,
) -> Evaluated:
    """Judges every stage on the same queries.

    Args:
        queries: Held-out events.
        stage: Recall.
        ranker: In evaluation mode.
        features: Of users and items.
        display: Told after recall and after ranking.

    Returns:
        The quality of each stage, for which what a list does not hold counts as ranked last, and the ranker's scores.
    """
    with display.stage("evaluate", 2) as advance:
        retrieved = stage.retrieve(queries)
        advance("")
        listed = retrieved.listed
        missed = len(features.popularity)
        prepared = PreparedLists.compute(ranker, listed.users, listed.history, listed.lists, features.tables())
        scores = prepared.score_all(ranker)
        ranked = order_lists(listed.lists, scores)
        advance("")
    ranks = retrieved.ranks | {
        "merged": rank_in_lists(listed.lists, listed.targets, missed),
        "ranked": rank_in_lists(ranked, listed.targets, missed),
    }
    quality = {stage_name: Quality.of_ranks(values) for stage_name, values in ranks.items()}
    return Evaluated(quality, RankedQueries(listed, scores))


def _chunks(count: int) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, count, _QUERIES_AT_A_TIME):
        yield np.arange(start, min(start + _QUERIES_AT_A_TIME, count))
