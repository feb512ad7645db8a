"""What a run tells: for people in lines, for programs in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.load.requests import RPCS
from tests.load.tally import Tally


def as_json(tally: Tally, described: Mapping[str, object]) -> dict[str, Any]:
    """Returns the result with what it was measured with."""
    return {
        "measured_with": dict(described),
        "seconds": round(tally.seconds, 3),
        "cpu_seconds": round(tally.cpu_seconds, 3),
        "calls": tally.calls,
        "answers": tally.answers,
        "answers_per_second": round(_per_second(tally), 1),
        "statuses": dict(_by_status(tally)),
        "degraded_answers": tally.degraded_answers,
        "degraded_stages": dict(tally.degraded_stages),
        "snapshots": dict(tally.snapshots),
        "latency_ms": tally.overall().percentiles().as_dict(),
        "latency_ms_by_rpc": {rpc: one.percentiles().as_dict() for rpc, one in tally.latencies.items()},
    }


def as_lines(tally: Tally) -> Iterator[str]:
    """Yields the result for a terminal."""
    yield f"{tally.answers} of {tally.calls} calls answered in {tally.seconds:.1f} s: {_per_second(tally):.1f}/s"
    yield f"{'ms':12}" + "".join(f"{name:>10}" for name in ("p50", "p90", "p99", "p99.9", "max"))
    rows = [(rpc, tally.latencies[rpc]) for rpc in RPCS if rpc in tally.latencies]
    for name, histogram in rows if len(rows) == 1 else [*rows, ("all", tally.overall())]:
        yield f"{name:12}" + "".join(f"{value:10.2f}" for value in histogram.percentiles().as_dict().values())
    yield f"errors: {tally.calls - tally.answers}"
    for status, count in _by_status(tally):
        if status != "OK":
            yield f"  {status}: {count} ({count / tally.calls:.2%})"
    yield f"degraded answers: {tally.degraded_answers}"
    for stage, count in tally.degraded_stages.most_common():
        yield f"  without {stage}: {count}"
    if len(tally.snapshots) > 1:
        yield "snapshots: " + ", ".join(f"{snapshot} {count}" for snapshot, count in tally.snapshots.items())


def _per_second(tally: Tally) -> float:
    return tally.answers / tally.seconds if tally.seconds else 0.0


def _by_status(tally: Tally) -> list[tuple[str, int]]:
    totals: dict[str, int] = {}
    for (_, status), count in tally.statuses.most_common():
        totals[status] = totals.get(status, 0) + count
    return list(totals.items())
