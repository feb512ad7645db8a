"""From a query to an explanation: the stages of the answer, looked into, and what else must be asked for that.

Beside the stages three questions are asked: what recall would have found had it not been told what to leave out,
whence the features of the explained items are, and the scores of all coalitions of the ranker's inputs and without each item of
the history, in one call.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from services.gateway.attribution import COALITIONS, coalition_queries, explain_scores
from services.gateway.candidates import Rows
from services.gateway.degradation import Reason, Stage
from services.gateway.explained_rows import ExplainedRows, explained_rows, ranked_as
from services.gateway.explanation import Explanation, HistoryReason, ItemExplanation, ObjectiveExplanation
from services.gateway.feature_values import user_feature_values
from services.gateway.funnel import Funnel
from services.gateway.history_reasons import Omissions
from services.gateway.inspection import ComparingRanking, ItemFeatures, ItemInspection
from services.gateway.live_items.stand_ins import known_user
from services.gateway.neighbours import Recall, User
from services.gateway.pipeline import RecommendPipeline
from services.gateway.placing import Places
from services.gateway.query import RecommendQuery
from services.gateway.run import Deadline, Run
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.trace import Trace
from services.gateway.treatment import Treatment


class Attribution(NamedTuple):
    """What made an item's scores.

    Attributes:
        objectives: What its scores are made of.
        because: What of the history speaks for it.
    """

    objectives: tuple[ObjectiveExplanation, ...] = ()
    because: tuple[HistoryReason, ...] = ()


_NOTHING = Attribution()


class Explainer:
    """Says how an answer comes about.

    Args:
        pipeline: Whose answers are explained.
        feature_store: Tells whence items' features are.
        recall: Finds candidates.
        ranking: Scores coalitions.
        budgets: The most seconds that each of the questions may take.
    """

    def __init__(
        self,
        pipeline: RecommendPipeline,
        feature_store: ItemInspection,
        recall: Recall,
        ranking: ComparingRanking,
        budgets: Mapping[Stage, float],
    ) -> None:
        self._pipeline = pipeline
        self._feature_store = feature_store
        self._recall = recall
        self._ranking = ranking
        self._budgets = budgets

    async def explain(
        self,
        query: RecommendQuery,
        asked: Sequence[int],
        snapshot: GatewaySnapshot,
        deadline: Deadline,
        treatment: Treatment,
    ) -> Explanation:
        """Answers a query and says how. Never fails because a neighbour does.

        Args:
            query: What is asked.
            asked: Rows to explain beside those of the answer.
            snapshot: Whose rows they are.
            deadline: When the explanation must be ready.
            treatment: How the query is served where it does not say, without chance.
        """
        budgets = self._budgets
        trace = await self._pipeline.trace(Run(snapshot, deadline, budgets, explained=True, treatment=treatment), query)
        # What the explanation does without is not what the answer does without.
        run = Run(snapshot, deadline, budgets, treatment=treatment)
        shown = snapshot.catalogue.rows_of([one.item.id for one in trace.answer.items])
        rows = np.array(list(dict.fromkeys([*shown, *asked])), dtype=np.uint32)
        funnel = await self._look_for(run, trace)
        ranked = ranked_as(rows, (funnel.found, funnel.left_out), snapshot)
        explained = explained_rows(ranked, await self._inspect(run, ranked.rows), trace)
        told = await self._attribute(run, query, trace, explained)
        history = trace.user.history
        return Explanation(
            answer=trace.answer,
            degradations=run.degradations,
            channels=funnel.channels(trace.answer),
            filters=funnel.steps(),
            user_features=user_feature_values(snapshot, query, trace),
            history=[snapshot.catalogue[row].id for row in history[snapshot.means(history)].tolist()],
            seen=len(np.unique(trace.user.seen)),
            found=len(funnel),
            ranked=len(trace.scored.candidates) if trace.scored.objective_scores is not None else 0,
            items=_explain_items(snapshot, rows, Places(funnel, trace), explained, told),
        )

    async def _look_for(self, run: Run, trace: Trace) -> Funnel:
        """Returns what was found, with what recall would have found had it not been told to leave it out."""
        restrictions, nothing = trace.restrictions, trace.found.take(slice(0))
        blocked = restrictions.blocked
        without_recall = any(one.stage is Stage.RECALL and not one.channel for one in trace.answer.degradations)
        if without_recall or not len(blocked):
            return Funnel(run.snapshot, trace.found, nothing, (), restrictions.filters)
        wanted = self._pipeline.wanted(run, restrictions)
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

    async def _inspect(self, run: Run, rows: Rows) -> ItemFeatures | None:
        """Reads the features of rows, and whence they are."""
        if not len(rows):
            return None
        return await run.attempt(
            Stage.CANDIDATE_FEATURES, lambda budget: self._feature_store.inspect_items(run.snapshot, rows, budget)
        )

    async def _attribute(
        self, run: Run, query: RecommendQuery, trace: Trace, explained: ExplainedRows
    ) -> Mapping[int, Attribution]:
        """Returns by row what its scores are made of; nothing where the answer was not ranked."""
        ranked = explained.ranked
        if trace.features is None or trace.scored.objective_scores is None or not len(ranked.rows):
            return {}
        user = known_user(trace.user, run.snapshot.items)
        nobody = User(run.snapshot.user_features({}), user.history[:0], user.seen[:0], known=False)
        means = trace.ranked_rows.reduce(trace.features).mean(axis=0)
        features, names = explained.stored.features, run.snapshot.manifest.objectives
        omissions = Omissions.of(user, ranked.rows, features)
        queries = [*coalition_queries(user, nobody, ranked.rows, features, means), *omissions.queries]
        scores = await run.attempt(Stage.RANKING, lambda budget: self._ranking.score_all(run.snapshot, queries, budget))
        if scores is None:
            return {}
        coalitions, without = scores[:COALITIONS], scores[COALITIONS:]
        objectives = explain_scores([ranked.reduce(one) for one in coalitions], names)
        weights = run.treatment.objective_weights(query.weights, names)
        because = omissions.reasons(run.snapshot, ranked, coalitions[-1], without, weights)
        told = map(Attribution, objectives, because)
        return dict(zip(ranked.candidates.rows.tolist(), told, strict=True))


def _explain_items(
    snapshot: GatewaySnapshot,
    rows: Rows,
    places: Places,
    explained: ExplainedRows,
    told: Mapping[int, Attribution],
) -> list[ItemExplanation]:
    features = explained.features(snapshot.manifest.feature_schema.item_features)
    stand_ins = explained.stand_ins
    return [
        ItemExplanation(
            snapshot.catalogue[row],
            places.of(row),
            told.get(row, _NOTHING).objectives,
            features.get(row, ()),
            [snapshot.catalogue[stand_in].id for stand_in in stand_ins.get(row, ())],
            told.get(row, _NOTHING).because,
        )
        for row in rows.tolist()
    ]
