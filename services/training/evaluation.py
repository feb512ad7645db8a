"""How good every stage of the funnel is on held-out events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.training.config import TrainingConfig
from services.training.merged_places import MergedPlaces
from services.training.metrics import history_mask, hit_rate, ndcg, rank_of_target, top_k
from services.training.models import Features
from services.training.progress import ProgressDisplay
from services.training.queries import NextItemQueries
from services.training.ranking.lists import lists_of, score_all
from services.training.recall_lists import ListedQueries, Lists, merge_channels, order_lists, rank_in_lists
from services.training.recall_models import RecallModels
from services.training.sequence.windows import pad_histories

_QUERIES_AT_A_TIME = 256
RECALL_AT = 200

Result = TypeVar("Result")


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
        config: The channels, the number of candidates and the length of histories.
        quotas: Of each channel; the configured ones when None.

    Attributes:
        candidates: How many there are in a list: fewer than configured in a smaller catalogue.
    """

    def __init__(
        self,
        features: Features,
        recall: RecallModels,
        config: TrainingConfig,
        quotas: Mapping[str, float] | None = None,
    ) -> None:
        self.candidates = min(config.candidates, len(features.popularity))
        self._popularity = features.popularity
        self._user_features = features.users
        self._recall = recall
        self._quotas = dict(quotas or config.quotas())
        self._max_history = config.max_history
        self._threads = max(1, config.threads)

    def retrieve(self, queries: NextItemQueries) -> Retrieved:
        """Ranks the targets and lists the candidates of each query."""
        parts = self._each_part(self._search, queries)
        return Retrieved(
            ranks={channel: np.concatenate([ranks[channel] for ranks, _ in parts]) for channel in self._quotas},
            listed=ListedQueries(
                queries.users,
                pad_histories(queries.histories, self._max_history),
                np.concatenate([merged for _, merged in parts]),
                queries.targets,
            ),
        )

    def places(self, queries: NextItemQueries) -> MergedPlaces:
        """Returns where the targets come to stand in lists of `candidates` that are merged by other quotas."""
        parts = self._each_part(lambda part: self._lists(self._scores(part), part), queries)
        return MergedPlaces.of([np.concatenate(lists) for lists in zip(*parts, strict=True)], queries.targets)

    def _each_part(self, function: Callable[[NextItemQueries], Result], queries: NextItemQueries) -> list[Result]:
        # Sorting is most of the work, and releases the interpreter's lock.
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(lambda rows: function(queries.take(rows)), _chunks(len(queries))))

    def _search(self, queries: NextItemQueries) -> tuple[dict[str, npt.NDArray[np.int64]], Lists]:
        """Ranks of the targets by channel, and the merged lists."""
        seen = history_mask(queries.histories, len(self._popularity))
        scores = self._scores(queries)
        ranks = {channel: rank_of_target(values, queries.targets, seen) for channel, values in scores.items()}
        merged = merge_channels(self._lists(scores, queries), list(self._quotas.values()), self.candidates)
        return ranks, merged

    def _lists(self, scores: Mapping[str, npt.NDArray[np.float32]], queries: NextItemQueries) -> list[Lists]:
        seen = history_mask(queries.histories, len(self._popularity))
        return [top_k(values, self.candidates, seen) for values in scores.values()]

    def _scores(self, queries: NextItemQueries) -> dict[str, npt.NDArray[np.float32]]:
        """Scores of all items by channel, in the order of the quotas: float32 [queries, items] each."""
        history = torch.as_tensor(pad_histories(queries.histories, self._max_history))
        about = torch.as_tensor(self._user_features[queries.users])
        popular = np.broadcast_to(self._popularity, (len(queries), len(self._popularity)))
        scores = {}
        with torch.inference_mode():
            for channel in self._quotas:
                model = self._recall.channels.get(channel)
                scores[channel] = model.encoder(history, about).numpy() @ model.item_vectors.T if model else popular
        return scores


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
    ranker: nn.Module,
    features: Features,
    display: ProgressDisplay,
) -> Evaluated:
    """Judges every stage on the same queries.

    Args:
        queries: Held-out events.
        stage: Recall.
        ranker: As `BuildRanker` makes it, in evaluation mode.
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
        laid_out = lists_of(ranker, listed.users, listed.history, listed.lists, features.tables())
        scores = score_all(ranker, laid_out)
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
