"""The Prometheus metrics that every service exports; what one service alone measures stands in that service."""

from prometheus_client import Counter, Gauge, Histogram

# From half a millisecond to ten seconds: an RPC of this suite takes one to fifty milliseconds.
LATENCY_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

RPC_SECONDS = Histogram(
    "winnow_rpc_seconds", "Time from the arrival of a request to its answer.", ["method"], buckets=LATENCY_BUCKETS
)
RPC_TOTAL = Counter("winnow_rpc", "Answered RPCs by gRPC status code.", ["method", "code"])
RPC_IN_FLIGHT = Gauge("winnow_rpc_in_flight", "Requests that are being worked on.", ["method"])
SNAPSHOT_LOADED = Gauge(
    "winnow_snapshot_loaded_timestamp_seconds",
    "When the snapshot was loaded; one series for each one held.",
    ["snapshot"],
)
SNAPSHOT_FAILURES = Counter("winnow_snapshot_failures", "Snapshots that were refused or could not be loaded.")
