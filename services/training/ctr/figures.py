"""How well a ranking model predicts clicks: fitted on one part of a data set, stopped by another, judged on the third."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from services.training.ctr.frappe import Frappe
from services.training.optimisation import best_epoch
from services.training.ranking.labels import LabelledRows, fit_labels, judge_labels, score_rows
from services.training.ranking.model import RankerFamily, RankerModelConfig
from services.training.recall.model import FitContext

_DEEP: Mapping[str, Any] = {
    "dimension": 16, "hidden": (400, 400, 400), "dropout": 0.2, "batch_norm": True, "batch": 4096, "epochs": 15,
    "patience": 3, "learning_rate": 3e-3, "weight_decay": 0.0, "embedding_penalty": 0.01,
}  # fmt: skip

#: What does well on Frappe's validation rows. Without normalised layers the same penalty would leave nothing of a model.
FRAPPE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "fm": {
        "dimension": 32, "batch": 1024, "epochs": 25, "patience": 5, "learning_rate": 0.01, "weight_decay": 0.0,
        "embedding_penalty": 3e-6,
    },
    "mlp": _DEEP,
    "wide_deep": _DEEP,
    "deepfm": _DEEP,
    "dcn_v2": _DEEP,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ClickFigures:
    """How a fit went.

    Attributes:
        model: In evaluation mode.
        validation: Area under the ROC curve on the validation rows, by which the fit was stopped.
        test: On the test rows.
        epochs: How many there were.
        seconds: How long the fit took.
    """

    model: nn.Module
    validation: float
    test: float
    epochs: int
    seconds: float


def click_figures(
    frappe: Frappe, family: RankerFamily[Any], config: RankerModelConfig, context: FitContext
) -> ClickFigures:
    """Fits a model to the clicks of the training rows and judges it.

    Args:
        frappe: The data set.
        family: From `services.training.ranking.registry.RANKERS`.
        config: Of `family.config`.
        context: The circumstances of the fit.
    """
    started = time.perf_counter()
    torch.manual_seed(context.seed)
    model = family.build(frappe.shape, config)
    items = frappe.item_features
    epochs = fit_labels(model, frappe.train, frappe.valid, items, kind="binary", config=config, context=context)
    seconds = time.perf_counter() - started
    return ClickFigures(
        model, epochs[best_epoch(epochs)].ndcg, area_under_curve(model, frappe.test, items), len(epochs), seconds
    )


def area_under_curve(model: nn.Module, rows: LabelledRows, item_features: torch.Tensor) -> float:
    """Returns the area under the ROC curve of a model's scores of rows."""
    return judge_labels(score_rows(model, rows, item_features), rows.labels.numpy(), "binary")
