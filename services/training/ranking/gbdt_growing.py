"""Growing the trees with LightGBM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from services.training.metrics.lists import NO_ITEM
from services.training.optimisation import Epoch
from services.training.ranking.gbdt_grid import Grid, Rows
from services.training.ranking.gbdt_loss import Flat, ListwiseLoss, as_lists, derivatives_of_all
from services.training.recall.model import FitContext, ModelConfig
from services.training.recall_lists import ListedQueries, ndcg_of_scores


class GbdtConfig(ModelConfig):
    """Settings of gradient-boosted trees."""

    trees: int = Field(default=150, ge=1, description="Most trees.", json_schema_extra={"search": False})
    patience: int = Field(default=20, ge=1, description="Trees that validate no better before it stops.")
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="What a tree's values are multiplied by.")
    depth: int = Field(default=6, ge=1, le=10, description="Comparisons from the root of a tree to a leaf, at most.")
    leaves: int = Field(default=31, ge=2, description="Most leaves of a tree.")
    min_rows: int = Field(default=50, ge=1, description="Fewest candidates in a leaf.")
    l2: float = Field(default=1.0, ge=0, description="Draws the leaves' values to zero.")
    columns: float = Field(default=0.8, gt=0, le=1, description="Share of the features that each tree may look at.")
    max_lists: int = Field(
        default=20_000, ge=1, description="Most examples the trees are grown on, chosen at random; all are in memory."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """Trees as LightGBM has them.

    Attributes:
        booster: A `lightgbm.Booster`, of points of the grid.
        grid: Where the points are.
        rounds: What each tree gave, those too that were dropped again.
        best: How many trees to keep.
    """

    booster: Any
    grid: Grid
    rounds: tuple[Epoch, ...]
    best: int

    def structures(self) -> list[Mapping[str, Any]]:
        """Returns the root of each tree that is kept, with thresholds to compare values with, not points."""
        dumped = self.booster.dump_model(num_iteration=self.best)
        return [self.grid.thresholds(tree["tree_structure"]) for tree in dumped["tree_info"]]

    def gains(self) -> npt.NDArray[np.float64]:
        """Returns by how much the splits on each column made the loss smaller: float64 [columns]."""
        return np.asarray(self.booster.feature_importance("gain", iteration=self.best), dtype=np.float64)


def grow(
    rows: Rows,
    losses: Sequence[ListwiseLoss],
    judged: Rows,
    queries: ListedQueries,
    *,
    config: GbdtConfig,
    context: FitContext,
) -> Grown:
    """Grows trees that make the losses small, until the validation queries are ordered no better.

    Args:
        rows: float32 [n, columns], of the candidates of all lists of all losses, one after the other.
        losses: Together of n candidates.
        judged: float32 [m, columns], of the candidates of the validation queries.
        queries: The validation queries.
        config: Sizes and rates.
        context: The circumstances of the fit.
    """
    # Loading it needs the system's libgomp: who fits something else can do without.
    import lightgbm  # noqa: PLC0415

    usable = queries.lists != NO_ITEM
    training: list[float] = []
    shared = {"max_bin": 255, "use_missing": False, "verbosity": -1}
    grid = Grid.of(rows)
    learned = lightgbm.Dataset(grid.points(rows), params=shared)
    held_out = learned.create_valid(grid.points(judged), params=shared)

    def objective(scores: Flat, _: lightgbm.Dataset) -> tuple[Flat, Flat]:
        loss, gradient, second = derivatives_of_all(losses, scores)
        training.append(loss / len(losses[0].usable))
        return gradient, second

    def judge(scores: Flat, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        return "NDCG@10", ndcg_of_scores(as_lists(scores, usable), queries), True

    found: dict[str, dict[str, list[float]]] = {}
    with context.display.stage("grow trees", config.trees) as advance:
        booster = lightgbm.train(
            {**_parameters(config, context), **shared, "objective": objective},
            learned,
            num_boost_round=config.trees,
            valid_sets=[held_out],
            valid_names=["validation"],
            feval=judge,
            callbacks=[
                lightgbm.record_evaluation(found),
                lambda _: advance(""),
                lightgbm.early_stopping(config.patience, verbose=False),
            ],
        )
    ndcg = found["validation"]["NDCG@10"]
    rounds = tuple(Epoch(loss, value) for loss, value in zip(training, ndcg, strict=True))
    return Grown(booster, grid, rounds, best=int(np.argmax(ndcg)) + 1)


def _parameters(config: GbdtConfig, context: FitContext) -> dict[str, Any]:
    return {
        "learning_rate": config.learning_rate,
        "max_depth": config.depth,
        "num_leaves": min(config.leaves, 2**config.depth),
        "min_data_in_leaf": config.min_rows,
        "lambda_l2": config.l2,
        "feature_fraction": config.columns,
        "metric": "None",
        "seed": context.seed,
        "num_threads": max(1, context.threads),
        "deterministic": True,
        "force_row_wise": True,
    }
