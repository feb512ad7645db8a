"""One list from the channels' lists, provenance kept: by quota for candidates, by agreement for items alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows

#: Provenance is a bit per channel in a uint32.
MAX_CHANNELS = 32

#: The constant of reciprocal rank fusion, as published: how little the first few places differ.
FUSION_OFFSET = 60


@dataclass(frozen=True)
class Merged:
    """The candidates of one query, best first.

    Attributes:
        rows: int64 [candidates], no row twice.
        found_by: uint32 [candidates]; bit c is set when channel c found the candidate.
        scores: float32 [candidates, channels]; 0 where the channel did not find the candidate.
    """

    rows: Rows
    found_by: NDArray[np.uint32]
    scores: Floats


#: Makes one list of the channels' lists, given their quotas and how many candidates to keep.
Merge = Callable[[Sequence[Found], Sequence[float], int], Merged]


def merge(found: Sequence[Found], quotas: Sequence[float], limit: int) -> Merged:
    """Interleaves the channels' lists so that each has its quota of every prefix, as far as it has candidates.

    The candidate in place r (from 0) of a channel with quota q comes at the time (r + 1) / q; one that several
    channels found comes at the earliest of its times. So a channel's own candidates keep their order, a channel that
    runs dry leaves its share to the others in proportion, and what several channels agree on moves up. Ties go to
    the larger quota, then to the lower row.

    Args:
        found: What each channel found.
        quotas: Each channel's, above 0.
        limit: How many candidates to keep at most.
    """
    rows, ranks, quota = _entries(found, quotas)
    times = ranks / quota
    order = np.lexsort((rows, -quota, times))
    _, first, which = np.unique(rows[order], return_index=True, return_inverse=True)
    places = np.empty(len(rows), dtype=np.int64)
    places[order] = _inverse(np.argsort(first))[which]
    return _merged(found, places, limit)


def fuse(found: Sequence[Found], quotas: Sequence[float], limit: int) -> Merged:
    """Orders by agreement: a row that is high in several lists comes before one that is at the top of a single one.

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009), each list weighted by its channel's quota. Ties go
    to the lower row.

    Args:
        found: What each channel found.
        quotas: Each channel's, above 0.
        limit: How many candidates to keep at most.
    """
    rows, ranks, quota = _entries(found, quotas)
    distinct, which = np.unique(rows, return_inverse=True)
    value = np.bincount(which, weights=quota / (FUSION_OFFSET + ranks), minlength=len(distinct))
    order = np.lexsort((distinct, -value))
    return _merged(found, _inverse(order)[which], limit)


def _entries(found: Sequence[Found], quotas: Sequence[float]) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Returns the row, the rank (from 1) and the quota of each entry of the channels' lists, end to end."""
    lengths = [len(one.rows) for one in found]
    ranks = np.concatenate([np.arange(1, length + 1) for length in lengths])
    return np.concatenate([one.rows for one in found]), ranks, np.repeat(np.asarray(quotas, dtype=np.float64), lengths)


def _inverse(order: Rows) -> Rows:
    """Returns the place of each element, given which element is at each place."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def _merged(found: Sequence[Found], places: Rows, limit: int) -> Merged:
    """Returns the first `limit` candidates, given the place that each entry's row has among all."""
    rows = np.concatenate([one.rows for one in found])
    scores = np.concatenate([one.scores for one in found])
    channels = np.repeat(np.arange(len(found)), [len(one.rows) for one in found])
    kept = min(limit, int(places.max(initial=-1)) + 1)
    inside = places < kept
    places, channels = places[inside], channels[inside]
    merged_rows = np.empty(kept, dtype=np.int64)
    merged_rows[places] = rows[inside]
    found_by = np.zeros(kept, dtype=np.uint32)
    np.bitwise_or.at(found_by, places, np.left_shift(np.uint32(1), channels.astype(np.uint32)))
    merged_scores = np.zeros((kept, len(found)), dtype=np.float32)
    merged_scores[places, channels] = scores[inside]
    return Merged(merged_rows, found_by, merged_scores)
