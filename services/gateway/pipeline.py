"""From a query to an answer: the stages, and the one function that runs them.

The shape follows x-algorithm's candidate pipeline: hydrate the user, retrieve, filter, hydrate the candidates, score,
select. A stage whose neighbour fails is done without, and the answer says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.gateway.answer import Answer, Recommendation, describe, describe_popular
from services.gateway.candidates import Candidates
from services.gateway.degradation import Reason, Stage
from services.gateway.exploration import choose, exploration_of
from services.gateway.filters import DuplicateFilter, apply_filters
from services.gateway.live_items.stand_ins import RankedRows, known_user, with_stand_ins
from services.gateway.neighbours import FeatureStore, Ranking, Recall, User, WrittenFeatures
from services.gateway.query import RecommendQuery
from services.gateway.restrictions import Restrictions
from services.gateway.run import Deadline, Run
from services.gateway.selection import Scored, in_recall_order, ranked
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.trace import Trace
from services.gateway.treatment import Policy, Treatment


@dataclass(frozen=True)
class PipelineLimits:
    """How much a request may take.

    Attributes:
        budgets: The most seconds that each stage may wait for a neighbour.
        max_candidates: How many candidates are ranked.
        max_fetched: How many candidates recall is asked for when few are expected to meet the conditions.
        diversity: In [0, 1], for requests that do not say.
    """

    budgets: Mapping[Stage, float]
    max_candidates: int = 500
    max_fetched: int = 2000
    diversity: float = 0.0


class RecommendPipeline:
    """Answers what a user should be shown.

    Args:
        feature_store: Knows users and item features.
        recall: Finds candidates.
        ranking: Scores them.
        limits: How much a request may take.
    """

    def __init__(self, feature_store: FeatureStore, recall: Recall, ranking: Ranking, limits: PipelineLimits) -> None:
        self._feature_store = feature_store
        self._recall = recall
        self._ranking = ranking
        self._limits = limits
        self._untreated = Treatment(Policy(diversity=limits.diversity, max_candidates=limits.max_candidates))

    async def recommend(
        self,
        query: RecommendQuery,
        snapshot: GatewaySnapshot,
        deadline: Deadline,
        treatment: Treatment | None = None,
    ) -> Answer:
        """Returns what the user should be shown. Never fails because a neighbour does.

        Args:
            query: What is asked.
            snapshot: What everything in the answer comes from.
            deadline: When the answer must be ready.
            treatment: How the query is served where it does not say; by the limits alone when None.
        """
        run = Run(snapshot, deadline, self._limits.budgets, treatment=treatment or self._untreated)
        return (await self.trace(run, query)).answer

    async def trace(self, run: Run, query: RecommendQuery) -> Trace:
        """Runs the stages top-down, and returns the answer with what each stage passed on to the next."""
        with run.timed(Stage.USER_FEATURES):
            user = await self._hydrate_user(run, query)
        with run.timed(Stage.RECALL):
            restrictions = _restrict(run, query, user)
            found = await self._retrieve(run, user, restrictions)
        with run.timed(Stage.FILTER):
            candidates = self._filter(run, found, restrictions)
        with run.timed(Stage.CANDIDATE_FEATURES):
            ranked_rows = RankedRows.of(candidates)
            written = await self._hydrate_candidates(run, user, ranked_rows)
        with run.timed(Stage.RANKING):
            scored = await self._score(run, query, known_user(user, run.snapshot.items), ranked_rows, written)
        with run.timed(Stage.SELECT):
            items = self._select(run, query, scored, restrictions)
        features = written.features if run.explained and written is not None else None
        return Trace(user, restrictions, found, ranked_rows, features, scored, Answer.of(run, items, user.known))

    async def _hydrate_user(self, run: Run, query: RecommendQuery) -> User:
        """Reads the user; nobody, and whoever cannot be read, has defaults. What the session tells is added."""
        user = None
        if query.user_id:
            user = await run.attempt(
                Stage.USER_FEATURES,
                lambda budget: self._feature_store.get_user(
                    run.snapshot, query.user_id, query.attributes, budget, run.explained
                ),
            )
        if user is None:
            nothing = np.empty(0, dtype=np.uint32)
            user = User(run.snapshot.user_features(query.attributes), nothing, nothing, known=False)
        past = np.array(run.snapshot.history_rows(query.session_item_ids), dtype=np.uint32)
        session = np.array(run.snapshot.catalogue.rows_of(query.session_item_ids), dtype=np.uint32)
        history = np.concatenate([user.history, past])[-run.snapshot.manifest.max_history :]
        seen = np.concatenate([user.seen, session])
        return User(user.features, history, seen, user.known, user.fields, user.items_as_trained)

    async def _retrieve(self, run: Run, user: User, restrictions: Restrictions) -> Candidates:
        """Finds candidates; without recall, the popular ones."""
        wanted = self.wanted(run, restrictions)
        retrieved = await run.attempt(
            Stage.RECALL,
            lambda budget: self._recall.retrieve(run.snapshot, user, restrictions.blocked, wanted, budget),
        )
        if retrieved is None:
            return with_stand_ins(restrictions.popular(run.treatment.policy.max_candidates), run.snapshot)
        for channel in retrieved.failed_channels:
            run.degrade(Stage.RECALL, Reason.ERROR, channel)
        return retrieved.candidates

    def wanted(self, run: Run, restrictions: Restrictions) -> int:
        """Returns how many candidates recall is asked for."""
        most = run.treatment.policy.max_candidates
        return restrictions.fetch(most, max(most, self._limits.max_fetched))

    def _filter(self, run: Run, candidates: Candidates, restrictions: Restrictions) -> Candidates:
        """Removes what must not be shown, and ranks no more than the best of the rest."""
        kept, run.removed = apply_filters((DuplicateFilter(), *restrictions.filters), candidates)
        return kept.take(slice(run.treatment.policy.max_candidates))

    async def _hydrate_candidates(self, run: Run, user: User, ranked_rows: RankedRows) -> WrittenFeatures | None:
        """Reads what was written over the features of what is ranked; None where that is nothing, or cannot be read.

        Ranking has the snapshot's own features, so only the others travel, and where the store said with the user that
        there are none it need not be asked. An explanation shows features, and asks for all of them.
        """
        rows = ranked_rows.rows
        if not len(rows):
            return None
        if run.explained:
            features = await run.attempt(
                Stage.CANDIDATE_FEATURES,
                lambda budget: self._feature_store.get_item_features(run.snapshot, rows, budget),
            )
            return None if features is None else WrittenFeatures.of_all(features)
        if user.items_as_trained:
            return None
        return await run.attempt(
            Stage.CANDIDATE_FEATURES,
            lambda budget: self._feature_store.get_written_features(run.snapshot, rows, budget),
        )

    async def _score(
        self,
        run: Run,
        query: RecommendQuery,
        user: User,
        ranked_rows: RankedRows,
        written: WrittenFeatures | None,
    ) -> Scored:
        """Scores the candidates; those that ranking fails stay in recall's order."""
        if not len(ranked_rows.rows):
            return in_recall_order(ranked_rows.candidates)
        scores = await run.attempt(
            Stage.RANKING,
            lambda budget: self._ranking.score(run.snapshot, user, ranked_rows.rows, written, budget),
        )
        if scores is None:
            return in_recall_order(ranked_rows.candidates)
        weights = run.treatment.objective_weights(query.weights, run.snapshot.manifest.objectives)
        scored = ranked(ranked_rows.candidates, ranked_rows.reduce(scores), weights)
        if not scored.complete:
            run.degrade(Stage.RANKING, Reason.ERROR)
        return scored

    def _select(
        self, run: Run, query: RecommendQuery, scored: Scored, restrictions: Restrictions
    ) -> list[Recommendation]:
        """Chooses the items, and fills up with popular ones while any pass the filters."""
        diversity = run.treatment.policy.diversity if query.diversity is None else query.diversity
        categories = run.snapshot.index.category_matrix(scored.candidates.rows) if diversity else None
        chosen = choose(scored, categories, diversity, query.max_results, exploration_of(run.treatment))
        items = describe(scored, chosen.positions, run.snapshot, chosen.propensities)
        missing = query.max_results - len(items)
        if missing:
            popular = restrictions.popular(missing, shown=scored.candidates.rows[chosen.positions])
            items += describe_popular(popular, run.snapshot)
        return items


def _restrict(run: Run, query: RecommendQuery, user: User) -> Restrictions:
    excluded = np.array(run.snapshot.catalogue.rows_of(query.exclude_item_ids), dtype=np.uint32)
    seen = user.seen[:0] if query.include_seen else user.seen
    return Restrictions.of(run.snapshot, excluded, seen, query.conditions)
