"""What models are asked in a test, and how an answer is judged: scores of all items in, metrics out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.training.metrics import (
    average_precision,
    history_mask,
    hit_rate,
    list_hit_rate,
    list_ndcg,
    list_precision,
    list_recall,
    ndcg,
    rank_of_target,
    reciprocal_rank,
    relevance,
    top_k,
)

Rows = npt.NDArray[np.integer]
Scores = npt.NDArray[np.floating]
Histories = tuple[npt.NDArray[np.int32], ...]

# A candidate that no model can know: below everything else, and never a hit.
UNKNOWN_ITEM = -1


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What came of some queries.

    Attributes:
        metrics: By name, float64 [queries] each; the metric that matters most comes last.
        lists: int64 [queries, k], what would be recommended; None where no lists are made.
    """

    metrics: dict[str, npt.NDArray[np.float64]]
    lists: npt.NDArray[np.int64] | None


class Questions(Protocol):
    """A test: whose history a model is shown, and what it should have found."""

    @property
    def users(self) -> npt.NDArray[np.int64]:
        """Whose history each is: int64 [queries]."""

    @property
    def histories(self) -> Histories:
        """The whole history of each query, oldest first."""

    @property
    def targets(self) -> npt.NDArray[np.int64] | None:
        """The one item that each query should find, `UNKNOWN_ITEM` where no model can; None where there are many."""

    def judge(self, rows: npt.NDArray[np.int64], scores: Scores) -> Judged:
        """Judges some queries.

        Args:
            rows: int64 [some], which queries.
            scores: float [some, items], of every item.
        """


@dataclass(frozen=True, slots=True, eq=False)
class NextItem:
    """One item is to be found in the full catalogue, with the history masked.

    Attributes:
        users: int64 [queries].
        histories: Of each query.
        targets: int64 [queries] item rows.
        k: The length of the lists.
    """

    users: npt.NDArray[np.int64]
    histories: Histories
    targets: npt.NDArray[np.int64]
    k: int = 10

    def judge(self, rows: npt.NDArray[np.int64], scores: Scores) -> Judged:
        """Judges some queries; see `Questions`."""
        seen = history_mask([self.histories[row] for row in rows], scores.shape[1])
        ranks = rank_of_target(scores, self.targets[rows], seen)
        return Judged(_of_ranks(ranks, self.k), top_k(scores, self.k, seen))


@dataclass(frozen=True, slots=True, eq=False)
class AmongCandidates:
    """One item is to be found among a few that were drawn beforehand.

    Attributes:
        users: int64 [queries].
        histories: Of each query.
        candidates: int64 [queries, candidates] item rows, the one to be found first; `UNKNOWN_ITEM` for what the catalogue
            lacks.
        k: How far down the order a find counts.
    """

    users: npt.NDArray[np.int64]
    histories: Histories
    candidates: npt.NDArray[np.int64]
    k: int = 10

    @property
    def targets(self) -> npt.NDArray[np.int64]:
        """The items to be found: int64 [queries]."""
        return self.candidates[:, 0]

    def judge(self, rows: npt.NDArray[np.int64], scores: Scores) -> Judged:
        """Judges some queries; see `Questions`."""
        known = np.maximum(self.candidates[rows], 0)
        return self.judge_candidates(rows, np.take_along_axis(scores, known, axis=1))

    def judge_candidates(self, rows: npt.NDArray[np.int64], scores: Scores) -> Judged:
        """Judges some queries. An unknown positive is a miss; an unknown negative is below all others.

        Args:
            rows: int64 [some], which queries.
            scores: float [some, candidates], of the candidates alone, whatever it is for those that are unknown.
        """
        candidates = self.candidates[rows]
        known = candidates != UNKNOWN_ITEM
        found = np.where(known, scores, -np.inf)
        ranks = rank_of_target(found, np.zeros(len(rows), dtype=np.int64))
        ranks[~known[:, 0]] = max(self.k, candidates.shape[1]) + 1
        return Judged(_of_ranks(ranks, self.k), None)


@dataclass(frozen=True, slots=True, eq=False)
class ManyRelevant:
    """Any number of items is to be found in the full catalogue, with the history masked.

    Attributes:
        users: int64 [queries].
        histories: Of each query.
        relevant: Distinct item rows of each query, at least one and none of them in its history.
        k: The length of the lists.
    """

    users: npt.NDArray[np.int64]
    histories: Histories
    relevant: Histories
    k: int = 20

    @property
    def targets(self) -> None:
        """There is no single one."""
        return

    def judge(self, rows: npt.NDArray[np.int64], scores: Scores) -> Judged:
        """Judges some queries; see `Questions`."""
        items = scores.shape[1]
        seen = history_mask([self.histories[row] for row in rows], items)
        lists = top_k(scores, self.k, seen)
        relevant = [self.relevant[row] for row in rows]
        hits, counts = relevance(lists, relevant, items), np.asarray([len(one) for one in relevant])
        metrics = {
            f"hr@{self.k}": list_hit_rate(hits, self.k),
            f"precision@{self.k}": list_precision(hits, self.k),
            f"map@{self.k}": average_precision(hits, counts, self.k),
            f"recall@{self.k}": list_recall(hits, counts, self.k),
            f"ndcg@{self.k}": list_ndcg(hits, counts, self.k),
        }
        return Judged(metrics, lists)


def _of_ranks(ranks: npt.NDArray[np.int64], k: int) -> dict[str, npt.NDArray[np.float64]]:
    return {f"mrr@{k}": reciprocal_rank(ranks, k), f"hr@{k}": hit_rate(ranks, k), f"ndcg@{k}": ndcg(ranks, k)}
