"""The point-in-time join: for each moment the last of a history that was known then."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def as_of(
    moments: pl.DataFrame, history: pl.DataFrame, *, entity: str | Sequence[str], known_at: str, before: bool = False
) -> pl.DataFrame:
    """Finds for each moment the last entry of its entity's history.

    Args:
        moments: With the columns `entity` and `at_ms`; in any order.
        history: With the columns `entity`, `known_at` and `position`; in any order. Of several entries of one entity at one
            time the one with the greatest position is the last; of those of the same position, any, so it is for the caller
            to see that there is one.
        entity: The column, or columns, by which the two belong together.
        known_at: The column of the history that says when an entry came to be known, in milliseconds.
        before: Whether an entry counts only after its time, `known_at < at_ms`; otherwise `known_at <= at_ms`.

    Returns:
        A row for each moment, in their order: the columns of the history but `entity`, null where nothing was known.
    """
    # One as-of join a field is the whole cost of a training set, so the tolerance of the join is not used for times to
    # live: what has expired must be told from what never was.
    by = [entity] if isinstance(entity, str) else list(entity)
    asked = moments.select(*by, "at_ms").with_row_index("_moment").sort("at_ms")
    joined = asked.join_asof(
        history.sort(known_at, "position"),
        left_on="at_ms",
        right_on=known_at,
        by=by,
        strategy="backward",
        allow_exact_matches=not before,
        coalesce=False,
        # Both are sorted two lines above; with `by` there is no way to check.
        check_sortedness=False,
    )
    return joined.sort("_moment").drop("_moment", *by, "at_ms")
