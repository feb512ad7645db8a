"""What recall alone measures."""

from prometheus_client import Counter, Gauge, Histogram

from services.recall.batch_histogram import BatchHistogram
from shared.metrics import LATENCY_BUCKETS

CHANNEL_SECONDS = Histogram(
    "winnow_recall_channel_seconds",
    "Time a channel took for one request, waiting for a thread included; failed ones are not counted.",
    ["channel"],
    buckets=LATENCY_BUCKETS,
)
CHANNEL_CANDIDATES = BatchHistogram(
    "winnow_recall_channel_candidates",
    "Candidates a channel found for one query, before merging.",
    "channel",
    buckets=(0, 1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
)
CHANNEL_FAILURES = Counter(
    "winnow_recall_channel_failures", "Requests in which a channel was done without.", ["channel", "reason"]
)
AUDITED_RECALL = Histogram(
    "winnow_recall_audited_recall",
    "Share of exact search's list that an audited answer of Annoy held. Answers of exact search are not in it: they hold"
    " all of it.",
    ["channel"],
    buckets=(0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 1.0),
)
AUDITS = Counter(
    "winnow_recall_audits",
    "Sampled queries by outcome: measured; exact, which needed no measuring because exact search had answered;"
    " dropped, because another audit was running; or failed.",
    ["channel", "outcome"],
)
LIVE_ITEMS = Gauge(
    "winnow_recall_live_items",
    "Items beside the newest snapshot: new, that it does not have; changed; or withdrawn.",
    ["kind"],
    multiprocess_mode="livemax",
)
ITEM_FEED_READ = Gauge(
    "winnow_recall_item_feed_read_timestamp_seconds",
    "When the changes of items were last read, of several workers by the one that is furthest behind.",
    multiprocess_mode="livemin",
)
