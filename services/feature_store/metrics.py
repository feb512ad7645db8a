"""What the feature store alone measures."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from shared.event_log.records import Record, kind_of
from shared.metrics import LATENCY_BUCKETS

COMMIT_SECONDS = Histogram(
    "winnow_feature_store_commit_seconds",
    "Time of one durable transaction, from its beginning until it is on disk; the count is the number of commits.",
    buckets=LATENCY_BUCKETS,
)
GROUP_REQUESTS = Histogram(
    "winnow_feature_store_group_requests",
    "Requests that shared one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
EVENTS = Counter("winnow_feature_store_events", "Events acknowledged, by outcome: recorded or duplicate.", ["outcome"])
ITEM_VALUES = Counter(
    "winnow_feature_store_item_values",
    "Values of items' features acknowledged, by outcome: written, or superseded by a newer one.",
    ["outcome"],
)
STORE_BYTES = Gauge("winnow_feature_store_bytes", "Size of the store on disk.")
STORE_ENTRIES = Gauge(
    "winnow_feature_store_entries",
    "Entries of the store: users, event ids that are kept, items with written features, items that events named, and "
    "items that were ever upserted or withdrawn.",
    ["kind"],
)
LOG_BYTES = Gauge("winnow_feature_store_log_bytes", "Size of the log on disk, as of when it was last pruned.")
LOG_POSITION = Gauge("winnow_feature_store_log_position", "Bytes that were ever written to the log.")
LOG_RECORDS = Counter(
    "winnow_feature_store_log_records", "Records that were written to the log, by kind: event, exposure, …", ["kind"]
)


def count_records(records: Iterable[Record]) -> None:
    """Counts records that are in the log now."""
    for kind, count in Tally(map(kind_of, records)).items():
        LOG_RECORDS.labels(kind).inc(count)
