"""The Prometheus metrics that every service exports; what one service alone measures stands in that service."""

from prometheus_client import Counter, Gauge, Histogram, values

from shared.workers.role import WorkerRole

_ROLE = WorkerRole.of_this_process()
if _ROLE is not None:
    # Before the first metric is made: workers write to files that their parent adds up, named by the worker's number
    # rather than by the process, so that a worker that takes a dead one's place goes on with its counts.
    values.ValueClass = values.MultiProcessValue(lambda number=_ROLE.number: number)  # type: ignore

# From half a millisecond to ten seconds: an RPC of this suite takes one to fifty milliseconds.
LATENCY_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

RPC_SECONDS = Histogram(
    "winnow_rpc_seconds", "Time from the arrival of a request to its answer.", ["method"], buckets=LATENCY_BUCKETS
)
RPC_TOTAL = Counter("winnow_rpc", "Answered RPCs by gRPC status code.", ["method", "code"])
RPC_IN_FLIGHT = Gauge(
    "winnow_rpc_in_flight", "Requests that are being worked on.", ["method"], multiprocess_mode="livesum"
)
SNAPSHOT_LOADED = Gauge(
    "winnow_snapshot_loaded_timestamp_seconds",
    "When the snapshot was loaded; one series for each one held.",
    ["snapshot"],
    multiprocess_mode="livemax",
)
SNAPSHOT_FAILURES = Counter("winnow_snapshot_failures", "Snapshots that were refused or could not be loaded.")


def end_series(gauge: Gauge, *labels: str) -> None:
    """Takes one series off a gauge. From a worker's file nothing can be taken: zero there says that it ended.

    Args:
        gauge: With labels and, because its zeros are left out then, `multiprocess_mode="livemax"`.
        labels: Of the series; there need not be one.
    """
    if _ROLE is None:
        gauge.remove(*labels)
    else:
        gauge.labels(*labels).set(0)
