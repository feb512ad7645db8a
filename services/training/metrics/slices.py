"""The same metric for parts of the queries: a good mean can hide people for whom a model does not work."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.metrics.bootstrap import Interval, bootstrap_interval

# People with fewer events than the first number are the coldest.
HISTORY_BOUNDS = (5, 20, 100)
_MOST_ATTRIBUTE_VALUES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Some of the queries.

    Attributes:
        name: what they have in common.
        members: bool [queries].
    """

    name: str
    members: npt.NDArray[np.bool_]


def by_history_length(lengths: npt.NDArray[np.integer], bounds: Sequence[int] = HISTORY_BOUNDS) -> Iterator[Slice]:
    """Slices from cold to warm users.

    Args:
        lengths: [queries], how many items each history has.
        bounds: ascending, at least one; each begins a slice that ends before the next.

    Yields:
        The slices that have members.
    """
    which = np.searchsorted(bounds, lengths, side="right")
    names = [f"history of {low} to {high - 1}" for low, high in itertools.pairwise((0, *bounds))]
    for place, name in enumerate([*names, f"history of {bounds[-1]} or more"]):
        members = which == place
        if members.any():
            yield Slice(name, members)


def by_popularity(
    targets: npt.NDArray[np.integer], counts: npt.NDArray[np.integer], head_share: float = 0.2
) -> Iterator[Slice]:
    """Slices of popular and of rarely met targets.

    Args:
        targets: [queries] item rows.
        counts: [items], how many users met each.
        head_share: which share of the catalogue, its most popular items, is the head; the others are the tail. Equal
            counts are parted in order of item row.

    Yields:
        The slices that have members.
    """
    head = np.zeros(len(counts), dtype=np.bool_)
    head[np.argsort(-counts, kind="stable")[: round(head_share * len(counts))]] = True
    for name, members in (("head items", head[targets]), ("tail items", ~head[targets])):
        if members.any():
            yield Slice(name, members)


def by_attribute(attributes: Sequence[Mapping[str, str | float]]) -> Iterator[Slice]:
    """Slices of users with the same value of an attribute, such as their gender or age band.

    Args:
        attributes: of each query's user. Only attributes that are words count, and of each the ten most frequent values.

    Yields:
        The slices, in order of attribute and value.
    """
    names = sorted({name for one in attributes for name in one})
    for name in names:
        values = [one.get(name) for one in attributes]
        counted = Counter(value for value in values if isinstance(value, str))
        for value, _ in sorted(counted.most_common(_MOST_ATTRIBUTE_VALUES)):
            yield Slice(f"{name}: {value}", np.asarray([one == value for one in values]))


def slice_intervals(
    values: npt.NDArray[np.floating], slices: Sequence[Slice], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """The mean of a metric in each slice, with its interval.

    Args:
        values: [queries], one metric value per query.
        slices: each with at least one member.
        resamples: how many means to draw for an interval.
        seed: equal seeds give equal intervals.
    """
    return {one.name: bootstrap_interval(values[one.members], resamples=resamples, seed=seed) for one in slices}
