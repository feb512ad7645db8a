"""The first figures of the page: what is served, beside popularity and beside what was promised offline."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.cli.report_page.figures import Headline
from services.cli.report_page.measurement import Rows
from services.cli.report_page.training_report import TrainingReport
from services.training.metrics import Interval, bootstrap_interval, hit_rate, ndcg, reciprocal_rank

RESAMPLES = 1000

#: Served and offline figures within this share of each other are called equal.
CLOSE = 0.01


@dataclass(frozen=True)
class _Metric:
    name: str
    meaning: str
    of: Callable[[Rows], NDArray[np.float64]]


METRICS = (
    _Metric("HR@10", "share of people whose next item is among the ten", lambda ranks: hit_rate(ranks, 10)),
    _Metric("NDCG@10", "the same, worth the more the higher the item stands", lambda ranks: ndcg(ranks, 10)),
    _Metric("MRR@10", "mean of 1 / place, 0 beyond the tenth", lambda ranks: reciprocal_rank(ranks, 10)),
    _Metric("Recall@50", "share of people whose next item is among fifty", lambda ranks: hit_rate(ranks, 50)),
    _Metric("Recall@100", "share of people whose next item is among a hundred", lambda ranks: hit_rate(ranks, 100)),
)


def headlines(served: Rows, popularity: Rows, offline: Rows, report: TrainingReport) -> tuple[Headline, ...]:
    """Returns the metrics.

    Args:
        served: int64 [users], the rank from 1 of what came next, in the gateway's answers.
        popularity: The same by popularity.
        offline: The same in the funnel computed from the snapshot's files.
        report: Training's.
    """
    found = []
    for metric in METRICS:
        ours, theirs, promised = metric.of(served), metric.of(popularity), metric.of(offline)
        found.append(
            Headline(
                metric=metric.name,
                meaning=metric.meaning,
                served=interval(ours),
                popularity=interval(theirs),
                offline=float(promised.mean()),
                reported=report.ranked(metric.name),
                verdict=_verdict(ours, theirs, float(promised.mean())),
            )
        )
    return tuple(found)


def interval(values: NDArray[np.float64]) -> Interval:
    """Returns the mean with its 95 % bootstrap interval."""
    return bootstrap_interval(values, resamples=RESAMPLES)


def _verdict(ours: NDArray[np.float64], theirs: NDArray[np.float64], offline: float) -> str:
    """Compares with popularity, person by person, and with what was computed offline."""
    gain = interval(ours - theirs)
    mean, baseline = float(ours.mean()), float(theirs.mean())
    times = f"{mean / baseline:.1f} times popularity" if baseline else "popularity finds nothing"
    if gain.low > 0:
        first = f"{times[0].upper()}{times[1:]}, which is more than chance"
    elif gain.high < 0:
        first = f"Worse than popularity ({mean / baseline:.2f} times), which is more than chance"
    else:
        first = "Not to be told from popularity with so few people"
    return f"{first}; {beside_offline(mean, offline)}."


def beside_offline(served: float, offline: float) -> str:
    """Returns how a served mean stands beside the one computed offline, in words."""
    if served == offline:
        return "served as computed offline"
    if not offline:
        return "offline it is 0"
    change = served / offline - 1
    if abs(change) <= CLOSE:
        return f"served as computed offline, within {CLOSE:.0%}"
    return f"served is {abs(change):.1%} {'above' if change > 0 else 'below'} offline"
