"""Metrics by the length of the list, and by the epoch of training."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.figures import Curve, CurvePoint
from services.cli.report_page.headlines import interval
from services.cli.report_page.measurement import Rows
from services.training.metrics import hit_rate, ndcg

#: Lengths of lists at which curves are computed; they are drawn on a logarithmic axis.
DEPTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)

#: One value for each user, from the ranks of what came next and the length of the list.
Metric = Callable[[Rows, int], NDArray[np.float64]]


def hit_rate_curves(served: Rows, others: Mapping[str, Rows], longest: int) -> tuple[Curve, ...]:
    """Returns HR@k by k up to `longest`: of what is served with intervals, and of others."""
    return _beside_served(served, others, longest, hit_rate)


def gain_curves(served: Rows, others: Mapping[str, Rows], longest: int) -> tuple[Curve, ...]:
    """Returns NDCG@k by k up to `longest`: of what is served with intervals, and of others."""
    return _beside_served(served, others, longest, ndcg)


def recall_curves(ranks: Mapping[str, Rows], longest: int) -> tuple[Curve, ...]:
    """Returns recall@k of each list by k up to `longest`."""
    return tuple(_plain(name, one, longest, hit_rate) for name, one in ranks.items())


def training_curves(epochs: Mapping[str, Sequence[float]]) -> tuple[Curve, ...]:
    """Returns the validation NDCG@10 after each epoch, from 1, of each model that was trained for more than one."""
    return tuple(
        Curve(model, tuple(CurvePoint(epoch, value, value, value) for epoch, value in enumerate(values, start=1)))
        for model, values in epochs.items()
        if len(values) > 1
    )


def depths(longest: int) -> list[int]:
    """Returns the lengths of lists up to `longest`, which is among them."""
    return [k for k in DEPTHS if k < longest] + [longest]


def _beside_served(served: Rows, others: Mapping[str, Rows], longest: int, metric: Metric) -> tuple[Curve, ...]:
    points = []
    for k in depths(longest):
        found = interval(metric(served, k))
        points.append(CurvePoint(k, found.mean, found.low, found.high))
    return Curve("served", tuple(points)), *(_plain(name, one, longest, metric) for name, one in others.items())


def _plain(name: str, ranks: Rows, longest: int, metric: Metric) -> Curve:
    means = [(k, float(metric(ranks, k).mean())) for k in depths(longest)]
    return Curve(name, tuple(CurvePoint(k, mean, mean, mean) for k, mean in means))
