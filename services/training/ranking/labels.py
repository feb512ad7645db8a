"""Fitting any ranking model to labels: whether something was clicked, or how it was rated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from services.training.devices import on_device
from services.training.fitting import fit_epochs
from services.training.optimisation import Epoch
from services.training.ranking.fields import embedding_penalty
from services.training.ranking.model import RankerModelConfig
from services.training.ranking.user_slots import UserSlots
from services.training.recall.model import FitContext

#: What labels are: "binary" 0 or 1, of which a model gives the logit; "value" any number, which it gives itself.
LabelKind = Literal["binary", "value"]

_ROWS_AT_A_TIME = 4096


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """What people, each with a history, made of candidates.

    Attributes:
        user_features: Of each row's user; `user_slots` makes them.
        history: int64 [rows, length], padded on the left with -1.
        candidates: int64 [rows] item rows.
        labels: float32 [rows, objectives]; NaN where an objective is not known.
    """

    user_features: UserSlots
    history: Tensor
    candidates: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.candidates)

    def take(self, rows: Tensor) -> LabelledRows:
        """Returns some of the rows."""
        return LabelledRows(self.user_features.take(rows), self.history[rows], self.candidates[rows], self.labels[rows])

    def score(self, model: nn.Module, item_features: Tensor) -> Tensor:
        """Scores the rows: float [rows, objectives]."""
        query = torch.arange(len(self))
        features = item_features[self.candidates]
        scores: Tensor = model(self.history, self.user_features, self.candidates, features, query)
        return scores.float()

    def share(self, number: int, parts: int) -> tuple[LabelledRows, int]:
        """Returns every `parts`-th row, from that number on, and how many labels of them are known."""
        part = self.take(torch.arange(number, len(self), parts))
        return part, int((~part.labels.isnan()).sum())


def fit_labels(
    model: nn.Module,
    rows: LabelledRows,
    validation: LabelledRows,
    item_features: Tensor,
    *,
    kind: LabelKind,
    config: RankerModelConfig,
    context: FitContext,
) -> tuple[Epoch, ...]:
    """Fits a model row by row: cross-entropy for binary labels, squared error for values.

    Args:
        model: As `BuildRanker` makes it. Fitted in place; left with the parameters of the best epoch.
        rows: What it learns from.
        validation: Decides when to stop, by the mean over objectives of the area under the ROC curve of binary labels, or
            of minus the root of the mean squared error of values; nothing is learned from it.
        item_features: float32 [items, item features].
        kind: What the labels are.
        config: Rates and limits.
        context: The circumstances of the fit.

    Returns:
        What every epoch gave.
    """
    features = on_device(item_features, context.placement.device)

    def batches() -> Iterator[LabelledRows]:
        return (rows.take(chosen) for chosen in torch.split(torch.randperm(len(rows)), config.batch))

    def loss(batch: LabelledRows) -> Tensor:
        return label_loss(batch.score(model, features), batch.labels, kind) + embedding_penalty(model, config)

    return fit_epochs(
        model,
        name="fit ranker to labels",
        batches=batches,
        steps=-(-len(rows) // config.batch),
        loss=loss,
        judge=lambda: judge_labels(score_rows(model, validation, item_features), validation.labels.numpy(), kind),
        config=config,
        context=context,
        share=LabelledRows.share,
    )


def label_loss(scores: Tensor, labels: Tensor, kind: LabelKind) -> Tensor:
    """Returns the mean loss of the labels that are known.

    Args:
        scores: float [rows, objectives].
        labels: float [rows, objectives]; NaN where not known.
        kind: What the labels are.
    """
    known = ~labels.isnan()
    if kind == "binary":
        return nn.functional.binary_cross_entropy_with_logits(scores[known], labels[known])
    return nn.functional.mse_loss(scores[known], labels[known])


def score_rows(model: nn.Module, rows: LabelledRows, item_features: Tensor) -> npt.NDArray[np.float32]:
    """Scores all rows with the model in evaluation mode: float32 [rows, objectives]."""
    model.eval()
    with torch.inference_mode():
        parts = [
            rows.take(chosen).score(model, item_features)
            for chosen in torch.split(torch.arange(len(rows)), _ROWS_AT_A_TIME)
        ]
    scores: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return scores


def judge_labels(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.float32], kind: LabelKind) -> float:
    """Returns how well scores fit labels, more is better: area under the ROC curve, or minus the root mean squared error.

    Args:
        scores: float32 [rows, objectives].
        labels: float32 [rows, objectives]; NaN where not known. Binary labels of each objective have both values.
        kind: What the labels are.
    """
    judged = []
    for given, true in zip(scores.T, labels.T, strict=True):
        known = ~np.isnan(true)
        if kind == "binary":
            judged.append(float(roc_auc_score(true[known], given[known])))
        else:
            judged.append(-float(np.sqrt(np.square(given[known] - true[known]).mean())))
    return float(np.mean(judged))
