"""Training sets that are correct point in time: what was known at the moment of each event, and nothing later."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from services.training.offline.columns import feature_columns, of_entity
from services.training.offline.errors import OfflineStoreError
from services.training.offline.features import Feature
from services.training.offline.history import items_before
from services.training.offline.slices import StoreSlices, slice_of
from services.training.offline.store import OfflineStore
from services.training.progress import ProgressDisplay
from shared.durable_files import sync
from shared.events import HISTORY_TYPES, EventType

#: What labels must have.
LABEL_COLUMNS = {"user_id": pl.String(), "item_id": pl.String(), "at_ms": pl.Int64()}

_READERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": lambda path: pl.scan_parquet(path, glob=False),
    ".csv": lambda path: pl.scan_csv(path, glob=False),
    ".jsonl": pl.scan_ndjson,
}

_ROW, _SLICE = "_row", "_slice"


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What to build.

    Attributes:
        features: The columns to add to the labels.
        history: How many of the user's last items to add in the column `history`; 0 for no such column.
        states: Whether to add to each column its state and its age.
        slice_rows: How many rows of labels or events to hold in memory, about.
    """

    features: tuple[Feature, ...]
    history: int = 0
    states: bool = False
    slice_rows: int = 250_000


def event_labels(store: OfflineStore, types: frozenset[EventType] = HISTORY_TYPES) -> pl.LazyFrame:
    """Returns a label for every event of some types: who, with what, when, and what was done."""
    events = store.scan("events").filter(pl.col("type").is_in(sorted(map(int, types))))
    return events.select("user_id", "item_id", "type", "dwell_seconds", at_ms="occurred_at_ms")


def read_labels(path: Path) -> pl.LazyFrame:
    """Returns the labels in a file of Parquet, CSV or JSON lines; columns beyond `LABEL_COLUMNS` stay as they are.

    Raises:
        OfflineStoreError: the file is of another kind, cannot be read, or lacks a column.
    """
    if path.suffix not in _READERS:
        raise OfflineStoreError(f"{path} ends in none of {', '.join(_READERS)}. Name it after what it is.")
    try:
        labels = _READERS[path.suffix](path)
        missing = LABEL_COLUMNS.keys() - labels.collect_schema().keys()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise OfflineStoreError(f"{path} cannot be read: {error}.") from error
    if missing:
        raise OfflineStoreError(
            f"{path} has no column {', '.join(sorted(missing))}. Labels need {', '.join(LABEL_COLUMNS)}."
        )
    return labels.with_columns(pl.col(name).cast(kind) for name, kind in LABEL_COLUMNS.items())


def build(store: OfflineStore, labels: pl.LazyFrame, wanted: TrainingSet, out: Path, display: ProgressDisplay) -> int:
    """Writes the labels with what was known of their users and items at their moments.

    A written value counts from its time on, an event after its time; see the package. Work is cut into slices of users and
    of items, each of which is held in memory with all that there is about them.

    Args:
        store: Where the histories are.
        labels: With `LABEL_COLUMNS`.
        wanted: Which columns to add.
        out: A Parquet file; replaced at once when it is complete. Rows of a user stand together in one of several slices,
            and within a slice in the order of the labels; a set of up to `slice_rows` is one slice.
        display: Told after every slice.

    Returns:
        How many rows it has.

    Raises:
        OfflineStoreError: the labels have a column that is to be added.
    """
    added = {"history"} if wanted.history else set()
    taken = (added | {feature.column for feature in wanted.features}) & labels.collect_schema().keys()
    if taken:
        raise OfflineStoreError(f"The labels have a column {min(taken)!r} already. Rename it, or do not ask for it.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        job = _Job(store, labels, wanted, Path(scratch))
        with display.stage("build training set", 2 * job.slices) as advance:
            for number in range(job.slices):
                job.add_items(number)
                advance("")
            for number in range(job.slices):
                job.add_users(number)
                advance("")
        whole = Path(scratch) / "whole"
        pl.scan_parquet([job.part(number) for number in range(job.slices)]).sink_parquet(whole)
        sync(whole)
        whole.replace(out)
    return job.rows


class _Job:
    def __init__(self, store: OfflineStore, labels: pl.LazyFrame, wanted: TrainingSet, scratch: Path) -> None:
        self._wanted = wanted
        self._scratch = scratch
        labels.with_row_index(_ROW).sink_parquet(scratch / "labels")
        self._labels = pl.scan_parquet(scratch / "labels")
        self.rows = int(self._labels.select(pl.len()).collect().item())
        manifest = store.manifest()
        longest = max(self.rows, *(manifest.rows(table) for table in ("events", "attributes", "item_features")))
        self.slices = max(1, -(-longest // wanted.slice_rows))
        self._store = StoreSlices(store, wanted.features, self.slices, with_history=wanted.history > 0)

    def part(self, number: int) -> Path:
        return self._scratch / f"part-{number}"

    def add_items(self, number: int) -> None:
        """Computes what is known of the items of a slice, for the rows that name them."""
        of_items = of_entity(self._wanted.features, "item")
        moments = self._labels.filter(slice_of("item_id", self.slices) == number).select(
            _ROW, "item_id", "at_ms", slice_of("user_id", self.slices).alias(_SLICE)
        )
        known = feature_columns(
            moments.collect(), self._store.histories("item", number), of_items, states=self._wanted.states
        )
        known.drop("item_id", "at_ms").write_parquet(self._scratch / f"items-{number}")

    def add_users(self, number: int) -> None:
        """Puts the rows of a slice of users together."""
        labels = self._labels.filter(slice_of("user_id", self.slices) == number).collect()
        histories = self._store.histories("user", number)
        rows = feature_columns(labels, histories, of_entity(self._wanted.features, "user"), states=self._wanted.states)
        if self._wanted.history:
            events = histories.events.filter(pl.col("type").is_in(sorted(map(int, HISTORY_TYPES))))
            rows = rows.with_columns(items_before(labels, events, self._wanted.history))
        items = pl.scan_parquet([self._scratch / f"items-{part}" for part in range(self.slices)])
        of_items = items.filter(pl.col(_SLICE) == number).drop(_SLICE).collect()
        whole = rows.join(of_items, on=_ROW, how="left", maintain_order="left")
        whole.drop(_ROW).write_parquet(self.part(number))
