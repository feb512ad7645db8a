"""What each group of the ranker's inputs contributed to a score: exact Shapley values.

Lundberg and Lee, A Unified Approach to Interpreting Model Predictions (NIPS 2017), equation 8. With three groups there
are eight coalitions, so nothing is sampled: every coalition is scored, a group that is not in it put to its default.
"""

from collections.abc import Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Rows
from services.gateway.explanation import ObjectiveExplanation
from services.gateway.inspection import ScoringQuery
from services.gateway.neighbours import User

#: The groups; bit g of a coalition's number is set when group g is in it. What an item is, its row, is in all of them:
#: there is no item that is none.
GROUPS = ("user_features", "history", "item_features")

COALITIONS = 2 ** len(GROUPS)


def coalition_queries(
    user: User,
    default_user: User,
    rows: Rows,
    features: NDArray[np.float32],
    mean_features: NDArray[np.float32],
) -> list[ScoringQuery]:
    """Returns what to score: for each coalition all rows.

    Args:
        user: As ranking was told.
        default_user: Without history, and with the features of a user nobody knows.
        rows: uint32 [n], the items to explain.
        features: float32 [n, item features].
        mean_features: float32 [item features], what an item's features are put to.
    """
    means = np.broadcast_to(mean_features.astype(np.float32), features.shape)
    return [
        ScoringQuery(
            User(
                (user if coalition & 1 else default_user).features,
                (user if coalition & 2 else default_user).history,
                default_user.seen,
                known=user.known,
            ),
            rows,
            features if coalition & 4 else means,
        )
        for coalition in range(COALITIONS)
    ]


def shapley_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what each group contributes: the mean, over all orders in which groups can join, of what its joining adds.

    Args:
        values: float64 [2 ** groups, ...], the value of each coalition, by its number.

    Returns:
        float64 [groups, ...]; their sum is `values[-1] - values[0]`.
    """
    groups = len(values).bit_length() - 1
    contributions = np.zeros((groups, *values.shape[1:]))
    for group in range(groups):
        for coalition in range(len(values)):
            if not coalition >> group & 1:
                size = coalition.bit_count()
                share = factorial(size) * factorial(groups - size - 1) / factorial(groups)
                contributions[group] += share * (values[coalition | 1 << group] - values[coalition])
    return contributions


def explain_scores(
    scores: Sequence[NDArray[np.float32]], objectives: Sequence[str]
) -> list[tuple[ObjectiveExplanation, ...]]:
    """Returns for each item what its scores are made of; an objective with a score that is not finite is left out.

    Args:
        scores: For each coalition float32 [n, objectives].
        objectives: The names of the columns.
    """
    values = np.stack(scores).astype(np.float64)
    usable: NDArray[np.bool_] = np.all(np.isfinite(values), axis=0)
    contributions = shapley_values(np.where(usable, values, 0.0))
    return [
        tuple(
            ObjectiveExplanation(
                name,
                float(values[-1, item, column]),
                float(values[0, item, column]),
                dict(zip(GROUPS, contributions[:, item, column].tolist(), strict=True)),
            )
            for column, name in enumerate(objectives)
            if usable[item, column]
        )
        for item in range(values.shape[1])
    ]
