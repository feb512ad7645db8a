"""What is like an item: recall's neighbours of it, filtered; without recall, what is popular in its categories."""

import numpy as np

from services.gateway.answer import Answer, describe
from services.gateway.candidates import Candidates
from services.gateway.catalogue_index import CATEGORY
from services.gateway.degradation import Reason, Stage
from services.gateway.filters import DuplicateFilter, apply_filters
from services.gateway.neighbours import Recall
from services.gateway.pipeline import PipelineLimits
from services.gateway.query import Condition, SimilarQuery
from services.gateway.restrictions import Restrictions
from services.gateway.run import Deadline, Run
from services.gateway.selection import in_recall_order
from services.gateway.snapshot import GatewaySnapshot

#: Fewer are never asked for: the excluded ones among them should leave enough.
LEAST_FETCHED = 100


class SimilarPipeline:
    """Answers what is like an item.

    Args:
        recall: Finds the items that are alike.
        limits: How much a request may take.
    """

    def __init__(self, recall: Recall, limits: PipelineLimits) -> None:
        self._recall = recall
        self._limits = limits

    async def recommend_similar(self, query: SimilarQuery, snapshot: GatewaySnapshot, deadline: Deadline) -> Answer:
        """Runs the stages top-down. Never fails because recall does."""
        run = Run(snapshot, deadline, self._limits.budgets)
        with run.timed(Stage.RECALL):
            restrictions = _restrict(query, snapshot)
            candidates = await self._retrieve(run, query, restrictions)
        with run.timed(Stage.FILTER):
            candidates, run.removed = apply_filters((DuplicateFilter(), *restrictions.filters), candidates)
        with run.timed(Stage.SELECT):
            chosen = in_recall_order(candidates.take(slice(query.max_results)))
            items = describe(chosen, np.arange(len(chosen.candidates)), snapshot)
        return Answer.of(run, items)

    async def _retrieve(self, run: Run, query: SimilarQuery, restrictions: Restrictions) -> Candidates:
        needed = max(LEAST_FETCHED, query.max_results + len(restrictions.blocked))
        wanted = restrictions.fetch(needed, self._limits.max_fetched)
        retrieved = await run.attempt(
            Stage.RECALL,
            lambda budget: self._recall.retrieve_similar(run.snapshot, query.row, wanted, budget),
        )
        # Of a new item recall may not have heard yet, or it has no word that training has met.
        unplaced = retrieved is not None and not len(retrieved.candidates) and query.row >= run.snapshot.items
        if retrieved is None or unplaced:
            categories = run.snapshot.catalogue[query.row].categories
            same = (Condition(CATEGORY, categories),) if categories else ()
            return _restrict(query, run.snapshot, same).popular(query.max_results)
        for channel in retrieved.failed_channels:
            run.degrade(Stage.RECALL, Reason.ERROR, channel)
        return retrieved.candidates


def _restrict(query: SimilarQuery, snapshot: GatewaySnapshot, further: tuple[Condition, ...] = ()) -> Restrictions:
    excluded = np.array([query.row, *snapshot.catalogue.rows_of(query.exclude_item_ids)], dtype=np.uint32)
    return Restrictions.of(snapshot, excluded, excluded[:0], (*query.conditions, *further))
