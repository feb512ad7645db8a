"""Metrics for predicted probabilities: how well examples are ordered, and how far each prediction is off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.bool_] | npt.NDArray[np.integer]


def auc(labels: Labels, scores: npt.NDArray[np.floating]) -> float:
    """The area under the ROC curve: how often a positive example scores above a negative one; equal scores count half.

    Args:
        labels: [examples], 1 or True for positive.
        scores: [examples], higher means more likely positive; finite.

    Raises:
        ValueError: all labels are the same, or a score is not a number.
    """
    grouped = group_aucs(np.zeros(len(labels), dtype=np.int64), labels, scores)
    if not len(grouped.groups):
        raise ValueError("all labels are the same: there is no pair to order")
    return float(grouped.values[0])


@dataclass(frozen=True, slots=True, eq=False)
class GroupAucs:
    """The AUC of each group that has positive and negative examples; groups of one kind have none and are left out.

    Attributes:
        groups: int64 [groups], which, ascending.
        values: float64 [groups], the AUC of each.
        examples: int64 [groups], how many examples each has.
    """

    groups: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    examples: npt.NDArray[np.int64]

    def weighted_mean(self) -> float:
        """GAUC, the mean weighted by examples (Zhou et al., Deep Interest Network, KDD 2018); NaN without groups."""
        if not len(self.groups):
            return float("nan")
        return float(np.average(self.values, weights=self.examples))


def group_aucs(groups: npt.NDArray[np.integer], labels: Labels, scores: npt.NDArray[np.floating]) -> GroupAucs:
    """The AUC within each group, such as among what one user was shown. One sort, whatever the number of groups.

    Args:
        groups: [examples], which group each belongs to.
        labels: [examples], 1 or True for positive.
        scores: [examples]; finite.

    Raises:
        ValueError: a score is not a number.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    order = np.lexsort((scores, groups))
    group, positive = np.asarray(groups)[order], np.asarray(labels, dtype=np.bool_)[order]
    ranks = _ranks_within(group, np.asarray(scores)[order])
    found, inverse, counts = np.unique(group, return_inverse=True, return_counts=True)
    positives = np.bincount(inverse, weights=positive, minlength=len(found))
    negatives = counts - positives
    # Mann & Whitney: the ranks of the positives, less the least that they could add up to.
    wins = np.bincount(inverse, weights=ranks * positive, minlength=len(found)) - positives * (positives + 1) / 2
    both = (positives > 0) & (negatives > 0)
    values = wins[both] / (positives[both] * negatives[both])
    return GroupAucs(found[both].astype(np.int64), values, counts[both].astype(np.int64))


def log_losses(labels: Labels, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The negative log-likelihood of each example, in nats.

    Probabilities are kept away from 0 and 1 by the resolution of float64, so that no loss is infinite.

    Args:
        labels: [examples], 1 or True for positive.
        probabilities: [examples], of a positive label, from 0 to 1.

    Returns:
        float64 [examples]; the mean is the log-loss.

    Raises:
        ValueError: a probability is not between 0 and 1.
    """
    check_probabilities(probabilities)
    epsilon = np.finfo(np.float64).eps
    chance = np.clip(np.asarray(probabilities, dtype=np.float64), epsilon, 1 - epsilon)
    return -np.log(np.where(np.asarray(labels, dtype=np.bool_), chance, 1 - chance))


def check_probabilities(probabilities: npt.NDArray[np.floating]) -> None:
    """Refuse what is no probability.

    Raises:
        ValueError: a value is not between 0 and 1.
    """
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability must be between 0 and 1")


def _ranks_within(group: npt.NDArray[np.integer], scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Ranks from 1 within each group, of examples sorted by group and score; equal scores share their mean rank."""
    places = np.arange(len(scores))
    new_group = np.r_[True, group[1:] != group[:-1]][: len(scores)]
    new_tie = new_group | np.r_[True, scores[1:] != scores[:-1]][: len(scores)]
    tie = np.cumsum(new_tie) - 1
    first = places[new_tie]
    last = np.r_[first[1:], len(scores)] - 1
    begin = places[new_group][np.cumsum(new_group) - 1]
    ranks: npt.NDArray[np.float64] = (first + last)[tie] / 2 - begin + 1
    return ranks
