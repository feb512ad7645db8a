"""Gradient-boosted trees: the ranking model that says what it looks at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from services.training.ranking.gbdt_features import TreeFeatures, column_names
from services.training.ranking.gbdt_growing import GbdtConfig, Grown, grow
from services.training.ranking.gbdt_loss import ListwiseLoss
from services.training.ranking.gbdt_trees import TreeEnsemble
from services.training.ranking.model import FittedRanker, RankerFamily, RankerShape, RankingData
from services.training.recall.model import FitContext, Unsuitable


class BoostedTrees(nn.Module):
    """Trees over match signals, features and the length of the history.

    A score is a sum of steps: where a signal lies at a threshold, rounding decides which side it is on. `steady` says where
    it does not.

    Args:
        features: What the trees decide by.
        columns: How many there are.
    """

    tolerances: Tensor

    def __init__(self, features: TreeFeatures, columns: int) -> None:
        super().__init__()
        self.features = features
        self.ensemble = TreeEnsemble.empty()
        self.register_buffer("tolerances", torch.zeros(columns))

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates; `BuildRanker` has the shapes."""
        rows = self.features(history, user_features, candidates, candidate_features, candidate_query)
        scores: Tensor = self.ensemble(rows)[:, None]
        return scores

    def steady(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Says which scores no rounding changes: bool [n]; `BuildRanker` has the shapes."""
        rows = self.features(history, user_features, candidates, candidate_features, candidate_query)
        return self.ensemble.steady(rows, self.tolerances)


def build_gbdt(shape: RankerShape, config: GbdtConfig) -> BoostedTrees:  # noqa: ARG001 - the signature of `BuildRanker`
    """Makes the model without trees: every score is 0.

    Raises:
        Unsuitable: there are no fitted recall models, or several objectives.
    """
    if shape.signals is None:
        raise Unsuitable("gbdt decides by what fitted recall models say, and none is given; choose mlp or din")
    if len(shape.objectives) > 1:
        raise Unsuitable("gbdt has one objective; choose mmoe or shared_bottom for several")
    return BoostedTrees(TreeFeatures(shape.signals), len(column_names(shape))).eval()


def fit_gbdt(data: RankingData, config: GbdtConfig, context: FitContext) -> FittedRanker:
    """Grows trees by gradient boosting (Friedman, Annals of Statistics 2001) with LightGBM (Ke et al., NeurIPS 2017).

    The loss is that of `fit_lists`: softmax cross-entropy over the sampled candidates of each example, corrected for how
    often they are drawn, and over the lists that were shown. What is kept is the trees up to the one after which the
    validation queries are ordered best. It takes seconds to minutes, keeps no checkpoints, and begins anew when it is
    resumed.

    Raises:
        Unsuitable: there are no fitted recall models, or several objectives.
    """
    model = build_gbdt(data.shape, config)
    examples, validation, tables = data.examples, data.validation, data.tables
    if len(examples) > config.max_lists:
        chosen = np.random.default_rng(context.seed).choice(len(examples), config.max_lists, replace=False)
        examples = examples.take(np.sort(chosen))
    losses = [ListwiseLoss.of_examples(examples)]
    with context.display.stage("lay out lists", 2) as advance:
        rows = model.features.of_lists(examples.users, examples.history, examples.candidates, tables)
        if data.shown is not None and data.shown_weight:
            shown = data.shown
            # The weight is that of a mean over lists beside another, and here all lists are summed.
            losses.append(ListwiseLoss.of_shown(shown, data.shown_weight * len(examples) / len(shown)))
            of_shown = model.features.of_lists(shown.users, shown.history, shown.candidates, tables)
            rows = np.concatenate([rows, of_shown])
        advance("")
        judged = model.features.of_lists(validation.users, validation.history, validation.lists, tables)
        advance("")
    grown = grow(rows, losses, judged, validation, config=config, context=context)
    model.tolerances.copy_(torch.as_tensor(grown.grid.tolerances()))
    model.ensemble = TreeEnsemble.of_lightgbm(grown.structures(), config.depth)
    return FittedRanker(model.eval(), data.shape.objectives, grown.rounds, _importances(grown, data.shape))


def _importances(grown: Grown, shape: RankerShape) -> Mapping[str, float]:
    gains = grown.gains()
    shares = gains / (gains.sum() or 1.0)
    names = column_names(shape)
    return {names[column]: float(shares[column]) for column in np.argsort(-shares, kind="stable") if shares[column] > 0}


GBDT = RankerFamily(
    name="gbdt",
    summary="Gradient-boosted trees over recall's signals and features (Friedman, Ann. Stat. 2001; Ke et al., NeurIPS 2017)",
    config=GbdtConfig,
    build=build_gbdt,
    fit=fit_gbdt,
    several_objectives=False,
)
