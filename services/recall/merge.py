"""One list from the channels' lists: shares by quota, provenance kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.recall.channel import Floats, Found, Rows

#: Provenance is a bit per channel in a uint32.
MAX_CHANNELS = 32


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
    rows = np.concatenate([one.rows for one in found])
    scores = np.concatenate([one.scores for one in found])
    lengths = [len(one.rows) for one in found]
    channels = np.repeat(np.arange(len(found)), lengths)
    quota = np.repeat(np.asarray(quotas, dtype=np.float64), lengths)
    times = np.concatenate([np.arange(1, length + 1) for length in lengths]) / quota

    places = _places(rows, times, quota)
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


def _places(rows: Rows, times: NDArray[np.float64], quota: NDArray[np.float64]) -> Rows:
    """Returns, for each entry of the channels' lists, the place of its row in the merged list: int64 [entries]."""
    order = np.lexsort((rows, -quota, times))
    _, first, which = np.unique(rows[order], return_index=True, return_inverse=True)
    place_of_distinct = np.empty(len(first), dtype=np.int64)
    place_of_distinct[np.argsort(first)] = np.arange(len(first))
    places = np.empty(len(rows), dtype=np.int64)
    places[order] = place_of_distinct[which]
    return places
