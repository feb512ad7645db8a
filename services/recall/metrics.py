"""What recall alone measures."""

from prometheus_client import Counter, Histogram

from shared.metrics import LATENCY_BUCKETS

CHANNEL_SECONDS = Histogram(
    "winnow_recall_channel_seconds",
    "Time a channel took for one request, waiting for a thread included; failed ones are not counted.",
    ["channel"],
    buckets=LATENCY_BUCKETS,
)
CHANNEL_CANDIDATES = Histogram(
    "winnow_recall_channel_candidates",
    "Candidates a channel found for one query, before merging.",
    ["channel"],
    buckets=(0, 1, 10, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
)
CHANNEL_FAILURES = Counter(
    "winnow_recall_channel_failures", "Requests in which a channel was done without.", ["channel", "reason"]
)
