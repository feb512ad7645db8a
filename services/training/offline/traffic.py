"""What came of real answers, for the ranker to learn from."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from services.training.datasets import Dataset, Sequences
from services.training.holdout import Holdout
from services.training.metrics.lists import NO_ITEM
from services.training.ranker_config import RankerConfig
from services.training.ranking.shown import ShownLists
from services.training.sequence.windows import pad_histories


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """What a log brought to a training job beside the data set.

    Attributes:
        read_at: When the log was read. What changed later is not in the snapshot, and serving must know that.
        acted_upon: The examples of answers that something good came of: `request_id`, `user_id`, `item_id`, `place`,
            `shown_at_ms`, `propensity` and `reward` of every item they showed.
        sizes: What the log brought, by what reports call it.
        shown: Users and items that any answer showed to them.
    """

    read_at: datetime.datetime
    acted_upon: pl.DataFrame
    sizes: Mapping[str, int] = field(default_factory=dict)
    shown: frozenset[tuple[str, str]] = frozenset()

    def lists(self, dataset: Dataset, holdout: Holdout, config: RankerConfig, max_history: int) -> ShownLists | None:
        """Returns the lists that the ranker may learn from; None where they are too few to be worth it.

        - Only answers that came after the events that recall was fitted on count, as for every other example of the
          ranker: on those recall's scores look better than they are.
        - What is held out of a user's events to judge by is in none of that user's lists, whether acted upon or not.
        - The gain of an item is its reward, if that is above 0, over its propensity, but times `shown_max_weight` at most.
          Dislikes and what was ignored are 0: negatives.

        Args:
            dataset: Whose rows the lists have.
            holdout: Its parts.
            config: Of the ranker.
            max_history: The most items of a history.
        """
        if not config.shown_weight:
            return None
        rows = self._rows(dataset, _held_out(holdout), config)
        moments = rows.select("request", "user", "shown_at_ms").unique("request", maintain_order=True)
        sequences = dataset.histories()
        lengths = np.asarray([
            _events_before(sequences, user, at) for _, user, at in moments.iter_rows()
        ], dtype=np.int64)  # fmt: skip
        moments = moments.with_columns(length=lengths, fitted=holdout.fit.lengths[moments["user"].to_numpy()])
        chosen = moments.filter(pl.col("length") >= pl.col("fitted"))
        if len(chosen) < config.shown_min_lists:
            return None
        return _assemble(rows, chosen, sequences, max_history)

    def _rows(self, dataset: Dataset, held_out: pl.DataFrame, config: RankerConfig) -> pl.DataFrame:
        """The items of the lists, in rows of the data set, with their gains."""
        users = {user.id: row for row, user in enumerate(dataset.users)}
        items = {item.id: row for row, item in enumerate(dataset.items)}
        weight = (1 / pl.col("propensity")).clip(upper_bound=config.shown_max_weight)
        rows = self.acted_upon.select(
            request=pl.col("request_id").rank("dense").cast(pl.Int64),
            user=pl.col("user_id").replace_strict(users, default=None, return_dtype=pl.Int64),
            item=pl.col("item_id").replace_strict(items, default=None, return_dtype=pl.Int64),
            place="place",
            shown_at_ms="shown_at_ms",
            gain=pl.col("reward").clip(lower_bound=0) * weight,
        ).drop_nulls()
        rows = rows.join(held_out, on=["user", "item"], how="anti")
        has_gain = pl.col("gain").sum().over("request") > 0
        return rows.filter(has_gain & (pl.len().over("request") > 1)).sort("request", "place")


def _held_out(holdout: Holdout) -> pl.DataFrame:
    parts = (holdout.validation, holdout.test)
    return pl.concat([pl.DataFrame({"user": part.users, "item": part.targets}) for part in parts])


def _events_before(sequences: Sequences, user: int, at_ms: int) -> int:
    """How many events a user's history had before a moment."""
    start, end = sequences.offsets[user], sequences.offsets[user + 1]
    return int(np.searchsorted(sequences.timestamps[start:end], at_ms))


def _assemble(rows: pl.DataFrame, chosen: pl.DataFrame, sequences: Sequences, max_history: int) -> ShownLists:
    """Lays the lists out as arrays, in the order of `chosen`."""
    numbered = chosen.with_row_index("list").select("request", "list")
    listed = rows.join(numbered, on="request").sort("list", "place")
    numbers = listed["list"].to_numpy().astype(np.int64)
    starts = np.searchsorted(numbers, np.arange(len(chosen)))
    place = np.arange(len(numbers)) - starts[numbers]
    shape = (len(chosen), int(place.max()) + 1)
    candidates: npt.NDArray[np.int64] = np.full(shape, NO_ITEM, dtype=np.int64)
    gains: npt.NDArray[np.float32] = np.zeros(shape, dtype=np.float32)
    candidates[numbers, place] = listed["item"].to_numpy()
    gains[numbers, place] = listed["gain"].to_numpy()
    users = chosen["user"].to_numpy(writable=True)  # torch shares the memory
    histories = [
        sequences.items_of(user)[:length] for user, length in zip(users, chosen["length"].to_numpy(), strict=True)
    ]
    return ShownLists(users, pad_histories(histories, max_history), candidates, gains)
