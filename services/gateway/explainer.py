"""From a query to an explanation: the stages of the answer, looked into, and what else must be asked for that.

Beside the stages three questions are asked: what recall would have found had it not been told what to leave out,
whence the features of the explained items are, and the scores of all coalitions of the ranker's inputs, in one call.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.gateway.attribution import coalition_queries, explain_scores
from services.gateway.candidates import Rows
from services.gateway.degradation import Reason, Stage
from services.gateway.explanation import Explanation, ItemExplanation, ObjectiveExplanation
from services.gateway.feature_values import item_feature_values, user_feature_values
from services.gateway.funnel import Funnel
from services.gateway.inspection import ComparingRanking, ItemFeatures, ItemInspection
from services.gateway.neighbours import Recall, User
from services.gateway.pipeline import PipelineLimits, RecommendPipeline
from services.gateway.placing import Places
from services.gateway.query import RecommendQuery
from services.gateway.run import Deadline, Run
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.trace import Trace


@dataclass(frozen=True)
class _Inspected:
    """The explained items whose features are known.

    Attributes:
        rows: uint32 [n].
        stored: The features of these rows.
    """

    rows: Rows
    stored: ItemFeatures


class Explainer:
    """Says how an answer comes about.

    Args:
        pipeline: Whose answers are explained.
        feature_store: Tells whence items' features are.
        recall: Finds candidates.
        ranking: Scores coalitions.
        limits: The pipeline's.
    """

    def __init__(
        self,
        pipeline: RecommendPipeline,
        feature_store: ItemInspection,
        recall: Recall,
        ranking: ComparingRanking,
        limits: PipelineLimits,
    ) -> None:
        self._pipeline = pipeline
        self._feature_store = feature_store
        self._recall = recall
        self._ranking = ranking
        self._limits = limits

    async def explain(
        self, query: RecommendQuery, asked: Sequence[int], snapshot: GatewaySnapshot, deadline: Deadline
    ) -> Explanation:
        """Answers a query and says how. Never fails because a neighbour does.

        Args:
            query: What is asked.
            asked: Rows to explain beside those of the answer.
            snapshot: Whose rows they are.
            deadline: When the explanation must be ready.
        """
        trace = await self._pipeline.trace(Run(snapshot, deadline, self._limits.budgets, explained=True), query)
        # What the explanation does without is not what the answer does without.
        run = Run(snapshot, deadline, self._limits.budgets)
        shown = snapshot.catalogue.rows_of([one.item.id for one in trace.answer.items])
        rows = np.array(list(dict.fromkeys([*shown, *asked])), dtype=np.uint32)
        funnel, inspected = await asyncio.gather(self._look_for(run, trace), self._inspect(run, trace, rows))
        objectives = await self._attribute(run, trace, inspected)
        candidates = trace.scored.candidates
        return Explanation(
            answer=trace.answer,
            degradations=sorted(run.degradations, key=lambda one: list(Stage).index(one.stage)),
            channels=funnel.channels(trace.answer),
            filters=funnel.steps(),
            user_features=user_feature_values(snapshot, query, trace),
            history=[snapshot.catalogue[row].id for row in trace.user.history.tolist()],
            seen=len(np.unique(trace.user.seen)),
            found=len(funnel),
            ranked=len(candidates) if trace.scored.objective_scores is not None else 0,
            items=_explain_items(snapshot, rows, Places(funnel, trace), inspected, objectives),
        )

    async def _look_for(self, run: Run, trace: Trace) -> Funnel:
        """Returns what was found, with what recall would have found had it not been told to leave it out."""
        restrictions, nothing = trace.restrictions, trace.found.take(slice(0))
        blocked = restrictions.blocked
        without_recall = any(one.stage is Stage.RECALL and not one.channel for one in trace.answer.degradations)
        if without_recall or not len(blocked):
            return Funnel(run.snapshot, trace.found, nothing, (), restrictions.filters)
        wanted = restrictions.fetch(self._limits.max_candidates, self._limits.max_fetched)
        retrieved = await run.attempt(
            Stage.RECALL,
            lambda budget: self._recall.retrieve(run.snapshot, trace.user, blocked[:0], wanted, budget),
        )
        if retrieved is None:
            return Funnel(run.snapshot, trace.found, nothing, (), restrictions.filters)
        for channel in retrieved.failed_channels:
            run.degrade(Stage.RECALL, Reason.ERROR, channel)
        rows = retrieved.candidates.rows
        left_out = np.flatnonzero(np.isin(rows, blocked) & ~np.isin(rows, trace.found.rows))
        places = (left_out + 1).tolist()
        return Funnel(run.snapshot, trace.found, retrieved.candidates.take(left_out), places, restrictions.filters)

    async def _inspect(self, run: Run, trace: Trace, rows: Rows) -> _Inspected:
        """Reads the features of the explained items. What was ranked keeps the features that it was ranked by."""
        stored = None
        if len(rows):
            stored = await run.attempt(
                Stage.CANDIDATE_FEATURES,
                lambda budget: self._feature_store.inspect_items(run.snapshot, rows, budget),
            )
        candidates = trace.scored.candidates.rows if trace.features is not None else rows[:0]
        position = {row: place for place, row in enumerate(candidates.tolist())}
        ranked = np.array([row in position for row in rows.tolist()], dtype=np.bool_)
        if stored is None:
            rows = rows[ranked]
            stored = ItemFeatures(np.empty((len(rows), len(run.snapshot.manifest.feature_schema.item_features)), "<f4"))
            ranked = ranked[ranked]
        features = stored.features.copy()
        if trace.features is not None:
            features[ranked] = trace.features[[position[row] for row in rows[ranked].tolist()]]
        return _Inspected(rows, ItemFeatures(features, stored.states))

    async def _attribute(
        self, run: Run, trace: Trace, inspected: _Inspected
    ) -> Mapping[int, tuple[ObjectiveExplanation, ...]]:
        """Returns by row what its scores are made of; nothing where the answer was not ranked."""
        if trace.features is None or trace.scored.objective_scores is None or not len(inspected.rows):
            return {}
        nobody = User(run.snapshot.user_features({}), trace.user.history[:0], trace.user.seen[:0], known=False)
        queries = coalition_queries(
            trace.user, nobody, inspected.rows, inspected.stored.features, trace.features.mean(axis=0)
        )
        scores = await run.attempt(Stage.RANKING, lambda budget: self._ranking.score_all(run.snapshot, queries, budget))
        if scores is None:
            return {}
        explained = explain_scores(scores, run.snapshot.manifest.objectives)
        return dict(zip(inspected.rows.tolist(), explained, strict=True))


def _explain_items(
    snapshot: GatewaySnapshot,
    rows: Rows,
    places: Places,
    inspected: _Inspected,
    objectives: Mapping[int, tuple[ObjectiveExplanation, ...]],
) -> list[ItemExplanation]:
    names = snapshot.manifest.feature_schema.item_features
    features = {
        row: item_feature_values(names, inspected.stored, position)
        for position, row in enumerate(inspected.rows.tolist())
    }
    return [
        ItemExplanation(snapshot.catalogue[row], places.of(row), objectives.get(row, ()), features.get(row, ()))
        for row in rows.tolist()
    ]
