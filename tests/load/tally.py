"""What came of the calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from tests.load.histogram import LatencyHistogram


@dataclass(frozen=True)
class Outcome:
    """How one call ended.

    Attributes:
        status: The name of the gRPC status; "OK" for an answer.
        degraded: The stages that the answer does without.
        snapshot: The snapshot that the answer comes from; empty where the RPC has none.
    """

    status: str
    degraded: tuple[str, ...] = ()
    snapshot: str = ""


@dataclass
class Tally:
    """Counts of the calls that were measured, by RPC, and how long answers took.

    Attributes:
        seconds: How long was measured.
        cpu_seconds: CPU time of the load generator, its warm-up included.
        statuses: Calls by (RPC, status).
        degraded_answers: Answers that do without anything.
        degraded_stages: Answers by the stage that they do without.
        snapshots: Answers by snapshot.
        latencies: Of answers and errors alike, by RPC: an error that comes late is a late answer.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    degraded_answers: int = 0
    degraded_stages: Counter[str] = field(default_factory=Counter)
    snapshots: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, LatencyHistogram] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """All calls that were measured."""
        return self.statuses.total()

    @property
    def answers(self) -> int:
        """Those of them that were answered."""
        return sum(count for (_, status), count in self.statuses.items() if status == "OK")

    def count(self, rpc: str, outcome: Outcome, seconds: float) -> None:
        """Counts one call that took `seconds`."""
        self.statuses[rpc, outcome.status] += 1
        self.latencies.setdefault(rpc, LatencyHistogram()).record(seconds)
        if outcome.degraded:
            self.degraded_answers += 1
            self.degraded_stages.update(set(outcome.degraded))
        if outcome.snapshot:
            self.snapshots[outcome.snapshot] += 1

    def add(self, other: Self) -> None:
        """Counts all that another process has counted at the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.cpu_seconds += other.cpu_seconds
        self.statuses.update(other.statuses)
        self.degraded_answers += other.degraded_answers
        self.degraded_stages.update(other.degraded_stages)
        self.snapshots.update(other.snapshots)
        for rpc, histogram in other.latencies.items():
            self.latencies.setdefault(rpc, LatencyHistogram()).add(histogram)

    def overall(self) -> LatencyHistogram:
        """Returns the latencies of all RPCs together."""
        together = LatencyHistogram()
        for histogram in self.latencies.values():
            together.add(histogram)
        return together
