"""Training examples: what was shown, why, and what came of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from services.training.offline.attribution import attributed, shown_items
from services.training.offline.history import items_before
from services.training.offline.slices import slice_of
from services.training.offline.store import OfflineStore
from services.training.offline.weights import weight_of, weights_by_type
from services.training.progress import ProgressDisplay
from shared.durable_files import sync
from shared.events import HISTORY_TYPES, EventType, EventWeights

DAY_MS = 86_400_000

#: What an event can have been, as columns that count: all but that an item was shown.
LABELS: tuple[EventType, ...] = tuple(kind for kind in EventType if kind != EventType.IMPRESSION)

#: The columns of the examples, in order (docs/offline-store.md).
EXAMPLE_COLUMNS = (
    "request_id", "user_id", "item_id", "place", "shown_at_ms", "snapshot_id", "arm", "score", "propensity", "found_by",
    "channels", *(kind.name.lower() for kind in LABELS), "dwell_seconds", "reward", "complete", "history",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """How to make examples.

    Attributes:
        window_ms: How long after an item was shown an event may be owed to it that names no request.
        history: How many of the user's last items before the answer to keep.
        weights: What the reward adds up.
        slice_rows: How many exposed items or events to hold in memory, about.
    """

    window_ms: int = DAY_MS
    history: int = 50
    weights: EventWeights = field(default_factory=EventWeights)
    slice_rows: int = 500_000


def build_examples(store: OfflineStore, wanted: ExampleSet, out: Path, display: ProgressDisplay) -> int:
    """Writes a row for every item that was shown, with what its user then did with it.

    `attributed` says which events are owed to which showing. An exposure that is in the log more than once, by its request
    id, counts as it came first.

    Args:
        store: Where exposures and events are.
        wanted: How.
        out: A Parquet file; replaced at once when it is complete. Answers stand in the order of the log within a slice of
            the users, their items in the order of their places.
        display: Told after every slice.

    Returns:
        How many rows there are.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        slices = _Slices(store, wanted)
        parts = [Path(scratch) / str(number) for number in range(slices.count)]
        rows = 0
        with display.stage("build examples", slices.count) as advance:
            for number, part in enumerate(parts):
                examples = slices.examples(number)
                examples.write_parquet(part)
                rows += len(examples)
                advance("")
        whole = Path(scratch) / "whole"
        pl.scan_parquet(parts).sink_parquet(whole)
        sync(whole)
        whole.replace(out)
    return rows


def example_rows(exposures: pl.DataFrame, events: pl.DataFrame, wanted: ExampleSet, until_ms: int) -> pl.DataFrame:
    """Makes the examples of some exposures.

    Args:
        exposures: As in the table, each request id once.
        events: As in the table: all of the users of these exposures, and all that name one of these requests.
        wanted: How.
        until_ms: Up to when everything is known.

    Returns:
        The columns of `EXAMPLE_COLUMNS`.
    """
    shown = shown_items(exposures).sort("position", "place")
    owed = attributed(shown, events, wanted.window_ms).sort("occurred_at_ms", "position")
    outcomes = owed.group_by("request_id", "item_id", maintain_order=True).agg(
        *((pl.col("type") == int(kind)).sum().cast(pl.UInt32).alias(kind.name.lower()) for kind in LABELS),
        dwell_seconds=pl.col("dwell_seconds").sum(),
        reward=weight_of(weights_by_type(wanted.weights)).sum(),
    )
    rows = shown.join(outcomes, on=["request_id", "item_id"], how="left", maintain_order="left").with_columns(
        pl.col(*(kind.name.lower() for kind in LABELS), "dwell_seconds", "reward").fill_null(0),
        complete=pl.col("shown_at_ms") + wanted.window_ms <= until_ms,
    )
    moments = exposures.select("request_id", "user_id", at_ms="shown_at_ms")
    sought = events.filter(pl.col("type").is_in(sorted(map(int, HISTORY_TYPES))))
    histories = moments.select("request_id", items_before(moments, sought, wanted.history))
    return rows.join(histories, on="request_id", how="left", maintain_order="left").select(EXAMPLE_COLUMNS)


class _Slices:
    """The exposures to some users with all that those did; those to nobody are sliced by their requests."""

    def __init__(self, store: OfflineStore, wanted: ExampleSet) -> None:
        self._wanted = wanted
        self._exposures = store.scan("exposures")
        self._events = store.scan("events")
        # An exposure is sent again when its acknowledgement was lost: the first of a request id is the one.
        self._first = self._exposures.group_by("request_id").agg(pl.col("position").min()).select("position").collect()
        shown = self._exposures.select(pl.col("item_ids").list.len().sum()).collect().item() or 0
        events = self._events.select(pl.len()).collect().item()
        self.count = max(1, -(-max(shown, events) // wanted.slice_rows))
        newest = (
            self._exposures.select(pl.col("shown_at_ms").max()).collect().item(),
            self._events.select(pl.col("recorded_at_ms").max()).collect().item(),
        )
        self._until_ms = max(time or 0 for time in newest)

    def examples(self, number: int) -> pl.DataFrame:
        """Returns the examples of one slice."""
        nobody = pl.col("user_id") == ""
        of_user = slice_of("user_id", self.count) == number
        ours = pl.when(nobody).then(slice_of("request_id", self.count) == number).otherwise(of_user)
        exposures = self._exposures.filter(ours).join(self._first.lazy(), on="position", how="semi").collect()
        names_ours = (pl.col("shown_by") != "") & (slice_of("shown_by", self.count) == number)
        events = self._events.filter(of_user | names_ours).collect()
        return example_rows(exposures, events, self._wanted, self._until_ms)
