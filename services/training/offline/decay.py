"""Sums that forget: every weight is halved with each half-life that has passed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from services.training.offline.as_of import as_of

# A double has fewer halvings than this before it is 0.
_MOST_HALVINGS = 1_100


def decay(ages_ms: npt.NDArray[np.int64], half_life_ms: float) -> npt.NDArray[np.float64]:
    """Returns 2 ** -(age / half-life) for ages of at least 0; exact where an age is a whole number of half-lives."""
    halvings = np.minimum(ages_ms / half_life_ms, _MOST_HALVINGS)
    whole = np.floor(halvings)
    halved: npt.NDArray[np.float64] = np.ldexp(np.exp2(whole - halvings), -whole.astype(np.int32))
    return halved


def decayed_sums(
    begins: npt.NDArray[np.bool_],
    times_ms: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    half_life_ms: float,
) -> npt.NDArray[np.float64]:
    """Sums the weights of each event and of those before it in its run, as of the moment of the event.

    The sum obeys s[i] = s[i - 1] * 2 ** -((t[i] - t[i - 1]) / half-life) + w[i], a linear recurrence, and those compose:
    so it is computed as a prefix scan (Hillis & Steele, Data parallel algorithms, CACM 1986) in log2(longest run) passes
    over whole arrays. Every factor is at most 1, so nothing overflows however long the span, as the quotient of two
    growing exponentials would.

    Args:
        begins: [n], True where a run, the events of one entity, begins; at 0 above all.
        times_ms: [n], rising within a run.
        weights: [n].
        half_life_ms: Above 0.

    Returns:
        float64 [n].
    """
    sums = weights.astype(np.float64)
    if not len(sums):
        return sums
    passed = np.diff(times_ms, prepend=times_ms[0])
    factors = np.where(begins, 0.0, decay(np.maximum(passed, 0), half_life_ms))
    starts = np.flatnonzero(begins)
    longest = int(np.diff(starts, append=len(sums)).max())
    reach = 1
    while reach < longest:
        sums[reach:] += factors[reach:] * sums[:-reach]
        factors[reach:] *= factors[:-reach].copy()
        reach *= 2
    return sums


def decayed_sums_before(
    moments: pl.DataFrame, events: pl.DataFrame, *, entity: str, half_life_ms: float
) -> pl.DataFrame:
    """Sums for each moment the weights of its entity's events before it, decayed to the moment.

    What happens at the moment itself does not count. The result equals the plain sum of weight * 2 ** -(age / half-life) but
    for rounding: within 1e-12 of the sum of the absolute terms, and exactly where all ages are whole half-lives and the
    terms fit in a double.

    Args:
        moments: With the columns `entity` and `at_ms`.
        events: With the columns `entity`, `occurred_at_ms`, `position` and `weight`; in any order.
        entity: The column by which the two belong together.
        half_life_ms: Above 0.

    Returns:
        A row for each moment, in their order: `number`, the sum, and `written_at_ms`, when the last event was that counts;
        both null where there was none.
    """
    ordered = events.sort(entity, "occurred_at_ms", "position")
    begins = ordered[entity].ne_missing(ordered[entity].shift(1)).to_numpy()
    times = ordered["occurred_at_ms"].to_numpy()
    sums = decayed_sums(begins, times, ordered["weight"].to_numpy(), half_life_ms)
    # Of events at the same time only the last has the whole sum. Positions may repeat; places in the order do not.
    history = ordered.select(entity, "occurred_at_ms").with_columns(
        number=pl.Series(sums), position=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    last = as_of(moments, history, entity=entity, known_at="occurred_at_ms", before=True)
    ages = (moments["at_ms"] - last["occurred_at_ms"]).fill_null(0).to_numpy()
    return pl.DataFrame({
        "number": last["number"] * pl.Series(decay(ages, half_life_ms), dtype=pl.Float64),
        "written_at_ms": last["occurred_at_ms"],
    })  # fmt: skip
