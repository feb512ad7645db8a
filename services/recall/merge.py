"""One list from the channels' lists, provenance kept: by quota for candidates, by agreement for items alike.

All queries of a batch are merged at once: what NumPy costs by the call is then paid once for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows
from services.recall.merge_entries import Entries

#: Provenance is a bit per channel in a uint32.
MAX_CHANNELS = 32

#: The constant of reciprocal rank fusion, as published: how little the first few places differ.
FUSION_OFFSET = 60

# A candidate's query, arrival and row are sorted as one integer: arrivals are as many as slots, below 2**20.
_QUERY_SHIFT = np.uint64(52)
_ROW_BITS = np.uint64(32)

#: What each channel found for each query: [channels][queries].
Lists = Sequence[Sequence[Found]]


@dataclass(frozen=True)
class Merged:
    """The candidates of a batch of queries, end to end.

    Attributes:
        offsets: int64 [queries + 1]: query i has the candidates from offsets[i] to offsets[i + 1].
        rows: int64 [candidates], the best of each query first, no row twice in a query.
        found_by: uint32 [candidates]; bit c is set when channel c found the candidate.
        scores: float32 [candidates, channels]; 0 where the channel did not find the candidate.
    """

    offsets: NDArray[np.int64]
    rows: Rows
    found_by: NDArray[np.uint32]
    scores: Floats


#: Makes one list of the channels' lists for each query, given the quotas and how many candidates to keep.
Merge = Callable[[Lists, Sequence[float], int], Merged]


def merge(found: Lists, quotas: Sequence[float], limit: int) -> Merged:
    """Interleaves the channels' lists so that each has its quota of every prefix, as far as it has candidates.

    The candidate in place r (from 0) of a channel with quota q comes at the time (r + 1) / q; one that several
    channels found comes at the earliest of its times. So a channel's own candidates keep their order, a channel that
    runs dry leaves its share to the others in proportion, and what several channels agree on moves up. Ties go to
    the larger quota, then to the lower row.

    Args:
        found: What each channel found, with at least one query.
        quotas: Each channel's, above 0.
        limit: How many candidates of a query to keep at most.
    """
    if len(found) == 1:
        return _cut(found[0], limit)
    lengths = _lengths(found)
    quota = np.repeat(np.asarray(quotas, dtype=np.float64), lengths)
    times = np.concatenate([np.arange(1, length + 1) for length in lengths]) / quota
    # When a place of a channel comes is the same for all queries: only who stands there differs.
    order = np.lexsort((-quota, times))
    later = (np.diff(times[order]) != 0) | (np.diff(quota[order]) != 0)
    arrivals = np.concatenate(([0], np.cumsum(later)))
    entries = Entries.of(found, lengths, order)
    keys = arrivals[entries.slots].astype(np.uint64) << _ROW_BITS | entries.rows.astype(np.uint64)
    return _merged(entries, np.argsort(entries.queries.astype(np.uint64) << _QUERY_SHIFT | keys), limit)


def fuse(found: Lists, quotas: Sequence[float], limit: int) -> Merged:
    """Orders by agreement: a row that is high in several lists comes before one that is at the top of a single one.

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009), each list weighted by its channel's quota. Ties go
    to the lower row.

    Args:
        found: What each channel found, with at least one query.
        quotas: Each channel's, above 0.
        limit: How many candidates of a query to keep at most.
    """
    if len(found) == 1:
        return _cut(found[0], limit)
    lengths = _lengths(found)
    entries = Entries.of(found, lengths, np.arange(lengths.sum()))
    weights = np.asarray(quotas, dtype=np.float64)[entries.channels] / (FUSION_OFFSET + 1 + entries.ranks)
    value = np.bincount(entries.owners, weights=weights, minlength=len(entries.rows))
    # Stable, and the candidates of a query are in order of row: so ties go to the lower one.
    return _merged(entries, np.lexsort((-value, entries.queries)), limit)


def _cut(lists: Sequence[Found], limit: int) -> Merged:
    """Returns the lists of a single channel, which are in order."""
    offsets = np.concatenate(([0], np.cumsum([min(limit, len(one.rows)) for one in lists])))
    rows = np.concatenate([one.rows[:limit] for one in lists])
    scores = np.concatenate([one.scores[:limit] for one in lists])
    return Merged(offsets, rows, np.ones(len(rows), dtype=np.uint32), scores[:, None])


def _lengths(found: Lists) -> Rows:
    """Returns the length of each channel's longest list."""
    return np.array([max(len(one.rows) for one in lists) for lists in found], dtype=np.int64)


def _merged(entries: Entries, order: Rows, limit: int) -> Merged:
    """Returns the first `limit` candidates of each query, given all candidates in order, query by query."""
    counts = np.bincount(entries.queries, minlength=entries.batch)
    places = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = order[places < limit]
    # Where each candidate is in the answer; -1 for those that are not.
    destinations = np.full(len(order), -1, dtype=np.int64)
    destinations[kept] = np.arange(len(kept))
    destination = destinations[entries.owners]
    inside = destination >= 0
    scores = np.zeros((len(kept), entries.width), dtype=np.float32)
    scores[destination[inside], entries.channels[inside]] = entries.scores[inside]
    offsets = np.concatenate(([0], np.cumsum(np.minimum(counts, limit))))
    return Merged(offsets, entries.rows[kept], entries.found_by[kept], scores)
